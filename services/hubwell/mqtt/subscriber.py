"""MQTT subscriber of the ingest process: messages in, acknowledgements out.

Messages come from the broker over one MQTT 5 connection and leave through ``MqttSource.batch``; after the
caller's commit ``MqttSource.acknowledge`` sends their PUBACKs. What was not acknowledged is still the
broker's: it delivers it again on the next connection (QoS 1, persistent session). Why the packets are read
and written with the ``mqtt5`` codec and not by one of the usual clients: docs/decisions/0002.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

import mqtt5

from hubwell.mqtt.connection import KEEP_ALIVE_S, LARGEST_PACKET, Inbox, Link, RefusedError
from hubwell.mqtt.device_messages import Delivery
from hubwell.mqtt.tls import broker_tls
from hubwell.storage.retry import Backoff, WarnOnce

logger = logging.getLogger(__name__)

_HANDSHAKE_S = 10.0  # TCP, TLS, CONNACK and SUBACK together
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0  # also how long a connection must have lived for the back-off to start afresh


class MqttSource:
    """A subscription that survives broker restarts and loses no unacknowledged message.

    ``url`` is ``mqtt[s]://[user[:password]@]host[:port]``; ``ca_file`` (PEM) replaces the system's
    certificate authorities. ``subscriptions`` are (filter, QoS 0 or 1) pairs; ``$share/group/filter`` is a
    filter. ``receive_maximum`` is the back-pressure: the broker has at most that many QoS 1 messages with
    us that are not acknowledged. ``client_id`` names the session, so it must be the same after a restart and
    another one in every process; ``ends_session``: it ends when this source is left in order. Packets over
    16 MiB are left with the broker, which drops them.

    Raises ValueError for a URL, filter or QoS that cannot work; the URL is not quoted in the message.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        subscriptions: Sequence[tuple[str, int]],
        receive_maximum: int = 1000,
        session_expiry_s: int = 86400,
        *,
        ca_file: Path | str | None = None,
        ends_session: bool = False,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ValueError("the broker's URL must look like mqtt://host:port or mqtts://host:port")
        self._host = parts.hostname
        self._port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._secure, self._ca_file = parts.scheme == "mqtts", ca_file
        self._filters = [_topic_filter(pattern, qos) for pattern, qos in subscriptions]
        self._hello = mqtt5.ConnectPacket(
            client_id,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password).encode() if parts.password else None,
            clean_start=False,  # with True, Mosquitto 2.0 forgets the session when it restarts
            keep_alive=KEEP_ALIVE_S,
            session_expiry_interval=session_expiry_s,
            receive_max=receive_maximum,
            max_packet_size=LARGEST_PACKET,
        )
        self._receive_maximum = receive_maximum
        self._ends_session = ends_session
        # Twice: leftovers of a session the broker lost may lie beside a full window of the new one.
        self._inbox = Inbox(2 * receive_maximum)
        self._link: Link | None = None
        self._links = 0
        self._ready = asyncio.Event()
        self._problem = ""
        self._warn = WarnOnce(logger, "The broker at %s; trying again.", action="offline")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start connecting; does not wait for the broker (see ``ready``)."""
        self._task = asyncio.create_task(self._stay_connected(), name="mqtt source")
        self._task.add_done_callback(self._report)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; the session stays with the broker, unacknowledged messages too, unless it ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._link is not None:
            await self._link.close(ends_session=self._ends_session)
            self._link = None
        self._ready.clear()

    @property
    def connected(self) -> bool:
        """Whether the broker accepted the connection and the subscriptions; False once a loss is noticed."""
        return self._ready.is_set()

    @property
    def problem(self) -> str:
        """Why the last attempt to connect failed; empty before the first failure."""
        return self._problem

    @property
    def waiting(self) -> int:
        """Messages received and not yet taken with ``batch``."""
        return len(self._inbox)

    async def ready(self) -> None:
        """Wait until connected and subscribed."""
        await self._ready.wait()

    async def batch(self, *, most: int, wait_s: float) -> list[Delivery]:
        """Wait for a message for as long as it takes, then for up to ``most`` or ``wait_s`` seconds more.

        Never more than ``receive_maximum`` messages. For one task at a time.
        """
        deliveries = await self._inbox.take(min(most, self._receive_maximum), wait_s)
        if self._link is not None:
            self._link.read_on()
        return deliveries

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge deliveries: call after the commit, in the order of receipt.

        Deliveries of an earlier connection are left out: their packet ids may mean other messages by now,
        and the broker delivers them again.
        """
        if self._link is not None:
            number = self._link.number
            self._link.acknowledge(
                delivery.packet_id
                for delivery in deliveries
                if delivery.packet_id is not None and delivery.connection == number
            )

    async def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Hand a message (QoS 0 or 1) to the connection and return; dropped while there is none.

        Raises ValueError for a topic that MQTT does not allow.
        """
        if self._link is not None and self._ready.is_set():
            self._link.publish(topic, payload, qos=qos, retain=retain)

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        while True:
            try:
                link = await self._open()
            except OSError as error:  # also refused, timed out and TLS
                self._complain(error)
            else:
                since = loop.time()
                await self._until_lost(link)
                if loop.time() - since > _LONGEST_DELAY_S:
                    backoff.reset()
            await backoff.wait()

    async def _open(self) -> Link:
        self._links += 1
        tls = broker_tls(self._ca_file) if self._secure else None  # read for each connection: it is renewed
        link = self._link = Link(self._links, self._inbox)
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: link, self._host, self._port, ssl=tls)
                await link.connect(self._hello)
                await link.subscribe(self._filters)
        except BaseException:
            self._link = None
            link.abort("gave up")
            raise
        return link

    async def _until_lost(self, link: Link) -> None:
        self._warn.clear()
        self._ready.set()
        logger.info("Connected to the broker at %s:%d.", self._host, self._port)
        why = await asyncio.shield(link.closed)
        self._ready.clear()
        self._link = None
        logger.warning("Lost the broker at %s:%d: %s; reconnecting.", self._host, self._port, why)

    def _complain(self, error: OSError) -> None:
        """Log why there is no connection."""
        reason = str(error) or f"no answer within {_HANDSHAKE_S:g} s"
        verb = "refused us" if isinstance(error, RefusedError) else "cannot be reached"
        self._problem = f"{self._host}:{self._port} {verb}: {reason}"
        self._warn(self._problem)

    def _report(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._inbox.fail(error)  # a defect in this file must end the ingest process, not hang it


def _topic_filter(pattern: str, qos: int) -> mqtt5.TopicFilter:
    if qos not in {0, 1}:
        raise ValueError(f"the subscription to {pattern} asks for QoS {qos}; this source speaks 0 and 1")
    return mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS(qos), retain_as_published=False)
