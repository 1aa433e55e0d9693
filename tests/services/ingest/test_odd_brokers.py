"""Brokers that no program is: odd windows, packets in pieces, floods, rubbish."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import mqtt5
import pytest

from hubwell.mqtt.subscriber import MqttSource
from services.ingest.source_steps import TOPIC, UP, numbered, payloads, ready, take, until

pytestmark = pytest.mark.broker

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def odd_broker(talk: Talk, receive_maximum: int = 65535) -> AsyncIterator[str]:
    """A server that accepts the connection and the subscription and then does as ``talk`` says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(mqtt5.ConnAckPacket(receive_max=receive_maximum).write())
        while b"hub/" not in await reader.read(1024):  # a PINGREQ comes first
            pass
        writer.write(mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write())
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass  # the source left
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def frame(payload: bytes, packet_id: int | None) -> bytes:
    qos = mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(TOPIC, payload, qos=qos, packet_id=packet_id).write()


async def test_the_broker_never_has_more_receipts_than_it_asked_for() -> None:
    confirmed: list[bytes] = []
    most = 0

    async def confirm_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        while len(confirmed) < 10:
            view = memoryview(await reader.read(65536))
            window = []
            while view:
                packet, size = mqtt5.read(view)
                view = view[size:]
                window.append(packet)
            most = max(most, len(window))
            for packet in window:
                assert isinstance(packet, mqtt5.PublishPacket)
                assert packet.packet_id is not None
                confirmed.append(packet.payload)
                writer.write(mqtt5.PubAckPacket(packet.packet_id).write())

    async with (
        odd_broker(confirm_slowly, receive_maximum=3) as url,
        MqttSource(url, "ingest", [(UP, 1)]) as source,
    ):
        await ready(source)
        for payload in numbered(10):
            await source.publish("hub/v1/lab/bench-1/down/ack", payload)
        await until(lambda: len(confirmed) == 10)
    assert confirmed == numbered(10)
    assert most <= 3


async def test_packets_may_come_in_pieces() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"".join(frame(b"%d" % number, number + 1) for number in range(3)):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with odd_broker(drip) as url, MqttSource(url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 3, acknowledge=True)) == numbered(3)


async def test_a_flood_beyond_receive_maximum_waits_in_the_socket_and_not_in_memory() -> None:
    sent = 0
    payload = bytes(1000)

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(40_000):
            writer.write(frame(payload, None))
            await writer.drain()
            sent += 1

    async with odd_broker(flood) as url, MqttSource(url, "ingest", [(UP, 1)], receive_maximum=100) as source:
        await until(lambda: source.waiting >= 200)
        for _ in range(50):  # many turns of the loop in which more could be read
            await asyncio.sleep(0)
        assert source.waiting < 200 + 2 * (1 << 18) // 1000  # the bound and at most two network reads
        assert len(await take(source, 40_000, acknowledge=False)) == sent == 40_000


async def test_a_flood_of_large_messages_is_bounded_by_their_bytes() -> None:
    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(100):
            writer.write(frame(bytes(1 << 20), None))
            await writer.drain()

    async with odd_broker(flood) as url, MqttSource(url, "ingest", [(UP, 1)]) as source:
        await until(lambda: source.waiting >= 32)
        for _ in range(50):  # many turns of the loop in which more could be read
            await asyncio.sleep(0)
        assert source.waiting <= 34
        assert len(await take(source, 100, acknowledge=False)) == 100


async def test_a_malformed_packet_costs_the_connection_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connections = 0

    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            writer.write(b"\x00\x02\x00\x00")
        else:
            writer.write(frame(b"good", 1))
        await writer.drain()
        await asyncio.sleep(1)

    async with odd_broker(babble) as url, MqttSource(url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 1, acknowledge=True)) == [b"good"]
    assert "malformed packet" in caplog.text
