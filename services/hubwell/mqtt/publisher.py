"""Publisher for devices: lists of badges, musters and notices, which answer no message of the device.

One connection per process, reconnected until cancelled. Retrying is the caller's task: a publish that the
broker did not accept raises an error.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

import aiomqtt

from hubwell.mqtt.device_messages import BrokerUnavailableError, MessageHandler
from hubwell.mqtt.tls import broker_tls
from hubwell.settings import Settings
from hubwell.storage.retry import Backoff, WarnOnce

_LOG: Final = logging.getLogger(__name__)
_TIMEOUT_S: Final = 10.0
_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 30.0

T = TypeVar("T")

_LIBRARY_LOG: Final = logging.getLogger(f"{__name__}.aiomqtt")
# An answer that comes after the call was cancelled is no error; the library logs it as one, with a traceback.
_LIBRARY_LOG.addFilter(lambda record: not str(record.msg).startswith("Unexpected message ID"))


class DevicePublisher:
    """A connection to the broker. Nothing connects before `run`, which runs until cancelled."""

    def __init__(self, settings: Settings, *, name: str = "worker") -> None:
        self._settings = settings
        # Several workers may run: one that took another's name would take its connection away.
        self._identifier = f"hubwell-{settings.site}-{name}-{socket.gethostname()[:30]}-{os.getpid()}"
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._handlers: dict[str, MessageHandler] = {}
        self._on_connect: list[Callable[[], None]] = []
        self._warn = WarnOnce(_LOG, "no connection to the broker (%s); trying again", action="offline")

    def subscribe(
        self, topic_filter: str, on_message: MessageHandler, *, on_connect: Callable[[], None]
    ) -> None:
        """Before `run`: call `on_message` with topic and payload of each message on these topics.

        `on_connect` is called at each new connection: the broker may have lost its retained messages.
        """
        self._handlers[topic_filter] = on_message
        self._on_connect.append(on_connect)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        backoff = Backoff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        while True:
            try:
                async with self._make_client() as client:
                    self._begin(client)
                    backoff.reset()
                    for topic_filter in self._handlers:
                        await client.subscribe(topic_filter, qos=1)
                    async for message in client.messages:
                        self._give(message)
            except (aiomqtt.MqttError, OSError) as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():  # cancelled, and the goodbye could not be said
                    raise asyncio.CancelledError from error
                self._warn(error)
            finally:
                self._client = None
                self._connected.clear()
            await backoff.wait()

    async def connected(self) -> None:
        """Wait until there is a connection."""
        await self._connected.wait()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1 and wait until the broker has it. Raises BrokerUnavailableError."""
        client = self._client
        if client is None:
            raise BrokerUnavailableError("there is no connection to the broker")
        try:
            await client.publish(topic, payload, qos=1, retain=retain, timeout=_TIMEOUT_S)
        except aiomqtt.MqttError as error:
            raise BrokerUnavailableError(f"the broker did not take it: {error}") from error

    def _begin(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._connected.set()
        if self._warn.clear():
            _LOG.info("connected to the broker again", extra={"action": "connected"})
        for on_connect in self._on_connect:
            on_connect()

    def _give(self, message: aiomqtt.Message) -> None:
        for topic_filter, on_message in self._handlers.items():
            if message.topic.matches(topic_filter):
                on_message(str(message.topic), bytes(message.payload))

    def _make_client(self) -> aiomqtt.Client:
        address = urlsplit(self._settings.broker_url)
        secure = address.scheme == "mqtts"
        return _Client(
            address.hostname or "127.0.0.1",
            address.port or (8883 if secure else 1883),
            username=unquote(address.username) if address.username else None,
            password=unquote(address.password) if address.password else None,
            identifier=self._identifier,
            protocol=aiomqtt.ProtocolVersion.V5,  # the embedded broker's port for the server speaks no other
            clean_start=True,
            timeout=_TIMEOUT_S,
            logger=_LIBRARY_LOG,
            tls_context=broker_tls(self._settings.broker_ca_file) if secure else None,
        )


class _Client(aiomqtt.Client):
    """A client whose waits can always be cancelled.

    aiomqtt waits with `asyncio.wait_for`, which before Python 3.12 loses a cancel that comes together with
    the broker's answer: a loop that publishes would then never end.
    """

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109 - as in the library
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None
