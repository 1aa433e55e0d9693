import asyncio
import logging
import sys
from pathlib import Path

import aiomqtt
import pytest

from hubwell.ingest.consumer import subscriptions
from hubwell.mqtt.subscriber import MqttSource
from lanes.brokers import EMBEDDED_REST_S, IotCore, Mosquitto
from services.ingest.source_steps import (
    PATIENCE_S,
    UP,
    mosquitto_with,
    nothing_comes,
    numbered,
    payloads,
    publish,
    ready,
    run,
    take,
    until,
)

pytestmark = pytest.mark.broker

TAKE_AND_HANG = """
import asyncio, sys
from hubwell.ingest.consumer import subscriptions
from hubwell.mqtt.subscriber import MqttSource

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


async def test_messages_sent_while_the_source_was_down_are_delivered_after(mosquitto: Mosquitto) -> None:
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        await ready(source)
    await publish(mosquitto.port, numbered(1500))
    async with MqttSource(mosquitto.url, "ingest", [(UP, 1)]) as source:
        assert payloads(await take(source, 1500, acknowledge=True)) == numbered(1500)


async def test_a_killed_broker_is_found_again(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubwell.mqtt")
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
            await asyncio.sleep(EMBEDDED_REST_S)
            await publish(iotcore_broker.port, [b"e%d" % round_], "hub/v1/lab/bench-2/up/event")
            await asyncio.sleep(EMBEDDED_REST_S)
            got = payloads(await take(source, 2, acknowledge=True))
            assert sorted(got) == [b"e%d" % round_, b"t%d" % round_]
