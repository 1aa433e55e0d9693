"""One MQTT 5 connection to the broker, with its incoming and outgoing messages.

Bytes from the socket go through the ``mqtt5`` codec into the ``Inbox``, from where ``subscriber.MqttSource``
hands them to the ingest loop; its acknowledgements and receipts go back the same way. ``subscriber`` opens a
new ``Link`` after each loss; nothing here reconnects.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from typing import cast

import mqtt5

from hubwell.mqtt.device_messages import Delivery

logger = logging.getLogger(__name__)

KEEP_ALIVE_S = 30  # a dead peer is noticed after 15 to 30 s
# Bytes. Far above what the contract allows, because a broker drops in silence what a subscriber would not
# take: an oversized message shall come in and be rejected with a reason.
LARGEST_PACKET = 16 << 20
_HELD = (
    32 << 20
)  # bytes of waiting payloads at which reading stops: what a hostile publisher can make us hold
_CLOSE_S = 2.0
_BACKLOG = 1000  # outgoing messages that wait for the broker's window; then the oldest goes
_FAILURE = 128  # MQTT 5 reason codes from here on mean "no" (MQTT 5.0, section 2.4)


class RefusedError(ConnectionError):
    """The broker refused the connection or a subscription."""


class Inbox:
    """Deliveries between the connection and the caller.

    Holds ``bound`` messages or 32 MiB, and one network read: past that the link stops reading.
    """

    def __init__(self, bound: int) -> None:
        self._waiting: deque[Delivery] = deque()
        self._bound = bound
        self._bytes = 0
        self._wanted = 1
        self._enough = asyncio.Event()
        self._failure: BaseException | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the link should stop reading."""
        return len(self._waiting) >= self._bound or self._bytes >= _HELD

    def extend(self, deliveries: Iterable[Delivery]) -> None:
        """Add what one network read brought; wake the waiting caller if that is enough for it."""
        for delivery in deliveries:
            self._waiting.append(delivery)
            self._bytes += len(delivery.payload)
        if len(self._waiting) >= self._wanted:
            self._enough.set()

    def forget_what_comes_again(self) -> None:
        """Drop unread messages of the kept session: the broker delivers them a second time."""
        self._waiting = deque(delivery for delivery in self._waiting if delivery.packet_id is None)
        self._bytes = sum(len(delivery.payload) for delivery in self._waiting)

    def fail(self, failure: BaseException) -> None:
        """Make ``take`` raise this error from now on."""
        self._failure = failure
        self._enough.set()

    async def take(self, most: int, wait_s: float) -> list[Delivery]:
        """Wait for one delivery without limit, then ``wait_s`` seconds for up to ``most``; take them out."""
        while True:
            await self._at_least(1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._at_least(most)
            if self._waiting:  # a reconnect in the middle of the batch may have emptied it
                deliveries = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
                self._bytes -= sum(len(delivery.payload) for delivery in deliveries)
                return deliveries

    async def _at_least(self, wanted: int) -> None:
        self._wanted = wanted
        self._enough.clear()
        if len(self._waiting) < wanted and self._failure is None:
            await self._enough.wait()
        if self._failure is not None:
            raise self._failure


class _Outgoing:
    """QoS 1 messages to the broker: no more unconfirmed at once than the broker's Receive Maximum allows."""

    def __init__(self) -> None:
        self.window = 0
        self.largest = LARGEST_PACKET
        self._backlog: deque[tuple[int, str, bytes]] = deque(maxlen=_BACKLOG)
        self._unconfirmed: dict[int, str] = {}
        self._last_id = 0

    def next_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65535 + 1
            if self._last_id not in self._unconfirmed:
                return self._last_id

    def add(self, topic: str, payload: bytes, *, retain: bool) -> None:
        packet_id = self.next_id()
        frame = mqtt5.PublishPacket(
            topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=retain, packet_id=packet_id
        ).write()
        if len(frame) > self.largest:
            logger.error("Message for %s dropped: the broker takes %d bytes.", topic, self.largest)
            return
        self._backlog.append((packet_id, topic, frame))

    def confirmed(self, packet_id: int) -> str:
        """Free the packet id; return the topic it was used for."""
        return self._unconfirmed.pop(packet_id, "an unknown topic")

    def release(self) -> bytes:
        """Return what may be sent now, encoded."""
        frames = []
        while self._backlog and len(self._unconfirmed) < self.window:
            packet_id, topic, frame = self._backlog.popleft()
            self._unconfirmed[packet_id] = topic
            frames.append(frame)
        return b"".join(frames)


def _packets(data: bytes) -> tuple[list[mqtt5.Packet], bytes]:
    """Return the complete packets at the start of ``data`` and the incomplete rest.

    Raises ValueError: these bytes are not MQTT 5. (Brokers check topics and properties before they forward
    a message, so a publisher cannot cause this: tried with Mosquitto 2.0.11 and iotcore 0.4.)
    """
    packets: list[mqtt5.Packet] = []
    view = memoryview(data)
    position = 0
    while True:
        try:
            packet, size = mqtt5.read(view[position:])
        except IndexError:  # the codec's word for "not all of it is here yet"
            return packets, data[position:]
        packets.append(packet)
        position += size


class Link(asyncio.Protocol):
    """One connection to the broker, from CONNECT to the end. Never used again after that."""

    def __init__(self, number: int, inbox: Inbox) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.closed: asyncio.Future[str] = loop.create_future()  # why the connection ended, for the log
        self._inbox = inbox
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[mqtt5.Packet] | None = None
        self._rest = b""
        self._outgoing = _Outgoing()
        self._writable = True
        self._paused = False
        self._heard = True
        self._ping: asyncio.TimerHandle | None = None
        self._why = ""
        self._refusal_logged = False

    # What the source asks for

    async def connect(self, packet: mqtt5.ConnectPacket) -> None:
        """Send CONNECT and await the answer. Raises RefusedError with the reason, ConnectionError."""
        answer = await self._ask(packet.write())
        if not isinstance(answer, mqtt5.ConnAckPacket):
            raise RefusedError(f"answered CONNECT with {type(answer).__name__}")
        if answer.reason_code.value >= _FAILURE:
            raise RefusedError(_words(answer.reason_code))
        self._outgoing.window = answer.receive_max
        self._outgoing.largest = answer.max_packet_size or self._outgoing.largest
        self._keep_alive(answer.server_keep_alive or KEEP_ALIVE_S)

    async def subscribe(self, filters: list[mqtt5.TopicFilter]) -> None:
        """Subscribe to all filters. Raises RefusedError naming the first refused one, ConnectionError."""
        answer = await self._ask(mqtt5.SubscribePacket(self._outgoing.next_id(), filters).write())
        if not isinstance(answer, mqtt5.SubAckPacket):
            raise RefusedError(f"answered SUBSCRIBE with {type(answer).__name__}")
        for topic_filter, code in zip(filters, answer.reason_codes, strict=True):
            if code.value >= _FAILURE:
                raise RefusedError(f"no subscription to {topic_filter.pattern}: {_words(code)}")

    def acknowledge(self, packet_ids: Iterable[int]) -> None:
        """Send the PUBACKs, in this order and in one write."""
        self._write(b"".join([mqtt5.PubAckPacket(packet_id).write() for packet_id in packet_ids]))

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        """Send now, at QoS 1 when the broker's window allows. Raises ValueError for an impossible topic."""
        if qos:
            self._outgoing.add(topic, payload, retain=retain)
            self._flush()
        elif self._writable:
            self._write(mqtt5.PublishPacket(topic, payload, retain=retain).write())

    def read_on(self) -> None:
        """Continue to read if reading had stopped and there is room again."""
        if self._paused and self._transport is not None and not self._inbox.full:
            self._paused = False
            self._heard = True
            self._transport.resume_reading()

    async def close(self, *, ends_session: bool = False) -> None:
        """Disconnect; the session and unacknowledged messages stay with the broker, unless the session ends.

        The broker closes the connection, because then it has read every acknowledgement. Closing it from here
        would let the next connection overtake them, and the acknowledged messages would be delivered again.
        """
        self._write(mqtt5.DisconnectPacket(session_expiry_interval=0 if ends_session else None).write())
        if self._transport is not None:
            self._transport.resume_reading()  # a no-op unless paused; otherwise the end would go unseen
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await asyncio.shield(self.closed)
        self.abort("closed by us")

    def abort(self, why: str) -> None:
        """Drop the connection at once; the first reason given is the one logged."""
        self._why = self._why or why
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the socket is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes arrived."""
        self._heard = True
        try:
            packets, self._rest = _packets(self._rest + data)
        except ValueError as error:
            self.abort(f"it sent a malformed packet ({error})")
            return
        arrived = []
        for packet in packets:
            if isinstance(packet, mqtt5.PublishPacket):
                arrived.append(
                    Delivery(packet.topic, packet.payload, packet.retain, packet.packet_id, self.number)
                )
            else:
                self._control(packet)
        self._inbox.extend(arrived)
        if self._inbox.full and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """asyncio: the broker reads too slowly; acknowledgements may still go, publishes wait."""
        self._writable = False

    def resume_writing(self) -> None:
        """asyncio: the broker reads again."""
        self._writable = True
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the socket is closed; wake the waiting tasks."""
        self._transport = None
        if self._ping is not None:
            self._ping.cancel()
        why = self._why or (str(exc) if exc else "it closed the connection")
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(why))
        if not self.closed.done():
            self.closed.set_result(why)

    # Inside

    def _control(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.ConnAckPacket() | mqtt5.SubAckPacket():
                # Here and not in connect(): redeliveries may follow in the same network read.
                if isinstance(packet, mqtt5.ConnAckPacket) and packet.session_present:
                    self._inbox.forget_what_comes_again()
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(packet)
            case mqtt5.PubAckPacket():
                topic = self._outgoing.confirmed(packet.packet_id)
                if packet.reason_code.value >= _FAILURE and not self._refusal_logged:
                    self._refusal_logged = True  # once a connection: the cause is a wrong access rule
                    reason = _words(packet.reason_code)
                    logger.error("Broker refuses what we publish to %s: %s.", topic, reason)
                self._flush()
            case mqtt5.DisconnectPacket():
                self.abort(_words(packet.reason_code))
            case _:  # PINGRESP: having heard it is all there is to it
                pass

    async def _ask(self, frame: bytes) -> mqtt5.Packet:
        if self._transport is None:
            raise ConnectionError("it closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._write(frame)
        return await self._answer

    def _write(self, frame: bytes) -> None:
        if frame and self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def _flush(self) -> None:
        if self._writable:
            self._write(self._outgoing.release())

    def _keep_alive(self, keep_alive_s: float) -> None:
        if not self._heard and not self._paused:
            self.abort(f"nothing heard for {keep_alive_s / 2:g} s")
            return
        self._heard = False
        self._write(mqtt5.PingReqPacket().write())
        loop = asyncio.get_running_loop()
        self._ping = loop.call_later(keep_alive_s / 2, self._keep_alive, keep_alive_s)


def _words(reason: IntEnum) -> str:
    """``NOT_AUTHORIZED`` as it reads in a sentence."""
    return reason.name.replace("_", " ").lower()
