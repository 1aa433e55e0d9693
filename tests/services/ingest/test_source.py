import asyncio
import logging
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiomqtt
import mqtt5
import pytest

from hubwell.ingest.consumer import subscriptions
from hubwell.ingest.source import Delivery, MqttSource
from lanes.brokers import IotCore, Mosquitto
from lanes.missing import missing

pytestmark = pytest.mark.broker

UP = "hub/v1/lab/+/up/telemetry"
TOPIC = "hub/v1/lab/bench-1/up/telemetry"
PATIENCE_S = 20.0


def run(name: str, *arguments: str) -> None:
    program = shutil.which(name)
    if program is None:
        missing(name)
    subprocess.run([program, *arguments], check=True, capture_output=True)


@contextmanager
def mosquitto_with(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, lines=lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


async def publish(port: int, payloads: list[bytes], topic: str = TOPIC) -> None:
    """Publish at QoS 1 with another client than the one under test; returns when the broker has them."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for payload in payloads:
            await client.publish(topic, payload, qos=1)


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


async def take(source: MqttSource, count: int, *, acknowledge: bool) -> list[Delivery]:
    """Take exactly so many messages, in as many batches as it needs."""
    taken: list[Delivery] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(taken) < count:
            batch = await source.batch(most=count - len(taken), wait_s=0.05)
            if acknowledge:
                source.acknowledge(batch)
            taken += batch
    return taken


async def nothing_comes(source: MqttSource, port: int, topic: str = TOPIC) -> None:
    """Show by a marker, which the broker delivers last, that nothing was before it."""
    await publish(port, [b"marker"], topic)
    marker = await take(source, 1, acknowledge=True)
    assert [delivery.payload for delivery in marker] == [b"marker"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


async def ready(source: MqttSource) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await source.ready()


def payloads(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.payload for delivery in deliveries]


TAKE_AND_HANG = """
import asyncio, sys
from hubwell.ingest.consumer import subscriptions
from hubwell.ingest.source import MqttSource

async def main():
    async with MqttSource(sys.argv[1], "ingest", [(sys.argv[2], 1)]) as source:
        await source.ready()
        print("ready", flush=True)
        taken = []
        while len(taken) < 20:
            taken += await source.batch(most=20 - len(taken), wait_s=0.05)
        print(" ".join(delivery.payload.decode() for delivery in taken), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_a_killed_process_had_not_acknowledged_comes_again(mosquitto: Mosquitto) -> None:
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TAKE_AND_HANG, mosquitto.url, UP, stdout=asyncio.subprocess.PIPE
    )
    assert victim.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        assert await victim.stdout.readline() == b"ready\n"
        await publish(mosquitto.port, numbered(20))
        assert (await victim.stdout.readline()).split() == numbered(20)
    victim.kill()
    await victim.wait()
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 20, acknowledge=True)) == numbered(20)
        await nothing_comes(source, mosquitto.port)


async def test_what_was_acknowledged_does_not_come_again(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(50))
        await take(source, 50, acknowledge=True)
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await nothing_comes(source, mosquitto.port)


async def test_acknowledging_only_the_first_batch_brings_back_the_second(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(50))
        await take(source, 30, acknowledge=True)
        await take(source, 20, acknowledge=False)
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 20, acknowledge=True)) == numbered(50)[30:]


async def test_a_late_acknowledgement_from_before_a_reconnect_acknowledges_nothing(
    mosquitto: Mosquitto,
) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(10))
        before = await take(source, 10, acknowledge=False)
        assert source._link is not None
        source._link.abort("test")
        again = await take(source, 10, acknowledge=False)
        assert payloads(again) == payloads(before)
        source.acknowledge(before)
        await publish(mosquitto.port, [b"after"])
        assert payloads(await take(source, 1, acknowledge=False)) == [b"after"]
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 11, acknowledge=True)) == [*numbered(10), b"after"]


async def test_undelivered_messages_are_not_doubled_by_a_reconnect(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(10))
        await until(lambda: source.waiting == 10)
        assert source._link is not None
        source._link.abort("test")
        await until(lambda: not source.connected)
        await ready(source)
        assert payloads(await take(source, 10, acknowledge=True)) == numbered(10)
        await nothing_comes(source, mosquitto.port)


async def test_a_batch_interrupted_by_a_reconnect_can_still_be_acknowledged(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(5))
        collecting = asyncio.create_task(source.batch(most=6, wait_s=PATIENCE_S))
        await until(lambda: source.waiting == 5)
        assert source._link is not None
        source._link.abort("test")
        await until(lambda: not source.connected)
        await ready(source)
        await publish(mosquitto.port, [b"sixth"])
        batch = await collecting
        assert payloads(batch) == [*numbered(5), b"sixth"]
        source.acknowledge(batch)
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await nothing_comes(source, mosquitto.port)


async def test_an_oversized_message_comes_in_so_that_it_can_be_rejected(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, [bytes(10 << 20), b"small"])
        assert [len(payload) for payload in payloads(await take(source, 2, acknowledge=True))] == [
            10 << 20,
            5,
        ]


async def test_a_packet_beyond_all_reason_stays_with_the_broker(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, [bytes(17 << 20), b"small"])
        assert payloads(await take(source, 1, acknowledge=True)) == [b"small"]
        await nothing_comes(source, mosquitto.port)


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


async def test_messages_sent_while_the_source_was_down_are_delivered_after(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
    await publish(mosquitto.port, numbered(1500))
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 1500, acknowledge=True)) == numbered(1500)


async def test_a_killed_broker_is_found_again(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubwell.ingest")
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, [b"before"])
        before = await take(source, 1, acknowledge=False)
        mosquitto.kill()
        await until(lambda: not source.connected)
        source.acknowledge(before)
        await source.publish("hub/v1/lab/bench-1/down/ack", b"{}")
        mosquitto.start()
        await ready(source)
        await publish(mosquitto.port, [b"after"])
        assert payloads(await take(source, 1, acknowledge=True)) == [b"after"]
    sentences = [record.getMessage().split(" at ")[0] for record in caplog.records]
    assert [sentence for sentence in sentences if "reached" not in sentence] == [
        "Connected to the broker",
        "Lost the broker",
        "Connected to the broker",
    ]


async def test_a_broker_that_starts_later_is_waited_for(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    mosquitto.stop()
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await until(lambda: "cannot be reached" in caplog.text)
        mosquitto.start()
        await ready(source)
        await nothing_comes(source, mosquitto.port)


async def test_the_session_outlives_a_restart_of_the_broker(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(20))
        await take(source, 20, acknowledge=False)
        mosquitto.restart()
        assert payloads(await take(source, 20, acknowledge=True)) == numbered(20)


async def test_receive_maximum_bounds_what_is_in_our_hands(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)], receive_maximum=50) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(300))
        first = await take(source, 50, acknowledge=False)
        # The publisher's PUBACKs came back, so the broker has had its chance to send more.
        await publish(mosquitto.port, [b"last"])
        assert source.waiting == 0
        source.acknowledge(first)
        rest = await take(source, 251, acknowledge=True)
        assert payloads(first + rest) == [*numbered(300), b"last"]


async def test_a_batch_is_never_larger_than_the_window_that_could_fill_it(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)], receive_maximum=10) as source:
        await ready(source)
        await publish(mosquitto.port, numbered(10))
        async with asyncio.timeout(PATIENCE_S):  # would wait for the hour if it waited for 500
            assert len(await source.batch(most=500, wait_s=3600)) == 10


async def test_a_shared_subscription_splits_the_messages(mosquitto: Mosquitto) -> None:
    shared = [(f"$share/ingest/{UP}", 1)]
    async with (
        MqttSource(mosquitto.url, "one", shared) as one,
        MqttSource(mosquitto.url, "two", shared) as two,
    ):
        await ready(one)
        await ready(two)
        await publish(mosquitto.port, numbered(40))
        await until(lambda: one.waiting + two.waiting == 40)
        assert one.waiting
        assert two.waiting
        both = await take(one, one.waiting, acknowledge=True) + await take(two, two.waiting, acknowledge=True)
        assert sorted(payloads(both)) == sorted(numbered(40))


async def test_the_stored_copy_is_told_from_news(mosquitto: Mosquitto) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as device:
        await device.publish("hub/v1/lab/bench-1/status", b"stored", qos=1, retain=True)
        async with MqttSource(mosquitto.url, "ingest", [("hub/v1/lab/+/status", 1)]) as source:
            [stored] = await take(source, 1, acknowledge=True)
            await device.publish("hub/v1/lab/bench-1/status", b"news", qos=1, retain=True)
            [news] = await take(source, 1, acknowledge=True)
    assert (stored.payload, stored.retain) == (b"stored", True)
    assert (news.payload, news.retain) == (b"news", False)


async def test_more_receipts_than_the_brokers_window_all_arrive(mosquitto: Mosquitto) -> None:
    async with (
        MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source,
        aiomqtt.Client("127.0.0.1", mosquitto.port) as device,
    ):
        await ready(source)
        await device.subscribe("hub/v1/lab/+/down/ack", qos=1)
        for number in range(200):
            await source.publish("hub/v1/lab/bench-1/down/ack", b"%d" % number)
        received = []
        async with asyncio.timeout(PATIENCE_S):
            async for message in device.messages:
                received.append(message.payload)
                if len(received) == 200:
                    break
    assert received == numbered(200)


async def test_a_refusal_is_logged_once_and_without_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = tmp_path / "passwords"
    run("mosquitto_passwd", "-b", "-c", str(passwords), "ingest", "right")
    lines = ("allow_anonymous false", f"password_file {passwords}")
    with mosquitto_with(tmp_path, *lines) as broker:
        wrong = f"mqtt://ingest:s3cr%2Ft@127.0.0.1:{broker.port}"
        async with MqttSource(wrong, "ingest", [(UP, 1)]) as source:
            await until(lambda: source._links == 3)
        assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
            f"The broker at 127.0.0.1:{broker.port} refused us: not authorized; trying again."
        ]
        assert "s3cr" not in caplog.text
        right = f"mqtt://ingest:right@127.0.0.1:{broker.port}"
        async with MqttSource(right, "ingest", [(UP, 1)]) as source:
            await ready(source)


@pytest.mark.parametrize(
    ("url", "subscription"),
    [
        ("http://user:s3cret@host", (UP, 1)),
        ("mqtt://user:s3cret@", (UP, 1)),
        ("mqtt://user:s3cret@host:99999", (UP, 1)),
        ("mqtt://user:s3cret@host", ("hub/#/up", 1)),
        ("mqtt://user:s3cret@host", (UP, 2)),
    ],
)
def test_what_cannot_work_is_refused_at_once(url: str, subscription: tuple[str, int]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        MqttSource(url, "ingest", [subscription])
    assert "s3cret" not in str(caught.value)


async def test_tls_with_the_hubs_own_authority(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", str(key), "-out", str(certificate)),
    )
    with mosquitto_with(tmp_path, f"certfile {certificate}", f"keyfile {key}") as broker:
        url = f"mqtts://localhost:{broker.port}"
        async with MqttSource(url, "ingest", [(UP, 1)], ca_file=certificate) as source:
            await ready(source)


async def test_the_embedded_development_broker_redelivers_too(iotcore_broker: IotCore) -> None:
    url = iotcore_broker.v5_url
    async with MqttSource(url, "ingest", [(UP, 1)]) as source:
        await ready(source)
        await publish(iotcore_broker.port, numbered(30))
        await take(source, 10, acknowledge=True)
        await take(source, 20, acknowledge=False)
        await source.publish("hub/v1/lab/bench-1/down/ack", b"{}")
    async with MqttSource(url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 20, acknowledge=True)) == numbered(30)[10:]
        await nothing_comes(source, iotcore_broker.port)


async def test_the_embedded_broker_shares_telemetry_and_events(iotcore_broker: IotCore) -> None:
    async with MqttSource(iotcore_broker.v5_url, "ingest", subscriptions("lab")) as source:
        await ready(source)
        for round_ in range(5):
            await publish(iotcore_broker.port, [b"t%d" % round_], "hub/v1/lab/bench-1/up/telemetry")
            await publish(iotcore_broker.port, [b"e%d" % round_], "hub/v1/lab/bench-2/up/event")
            got = payloads(await take(source, 2, acknowledge=True))
            assert sorted(got) == [b"e%d" % round_, b"t%d" % round_]


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
