"""The production configuration of the broker: who may write and hear what, and what survives a restart."""

import asyncio
import shutil
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_configs.production_broker import (
    NOT_AUTHORIZED,
    PASSWORDS,
    SUCCESS,
    WAIT_S,
    Broker,
    Client,
)
from hubwell.ingest.consumer import subscriptions
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.mqtt.subscriber import MqttSource
from hubwell.settings import Settings
from lanes.servers import accepts, until


@pytest.mark.parametrize("topic", ["up/telemetry", "up/event", "status", "meta"])
def test_device_writes_its_own_topics(device: Client, topic: str) -> None:
    assert device.publish(f"hub/v1/hub/room-1/{topic}", b"") in {SUCCESS, 0x10}  # 0x10: nobody subscribes


@pytest.mark.parametrize(
    "topic",
    [
        "hub/v1/hub/room-1/up",
        "hub/v1/hub/room-1/up/telemetry/1",
        "hub/v1/hub/room-1/up/other",
        "hub/v1/hub/room-1/status/1",
        "hub/v1/hub/room-2/up/telemetry",
        "hub/v1/hub/room-2/status",
        "hub/v1/other/room-1/up/telemetry",
        "hub/v1/other/room-1/status",
        "hub/v1/hub/room-1/down/ack",
        "hub/v1/hub/room-2/down/cmd",
        "elsewhere",
    ],
)
def test_device_writes_nothing_else(device: Client, topic: str) -> None:
    assert device.publish(topic) == NOT_AUTHORIZED


def test_device_of_mqtt_3_is_not_told_but_nothing_passes(broker: Broker) -> None:
    with Client(broker, "ingest") as server, Client(broker, "room-1", v5=False) as device:
        server.subscribe("hub/v1/hub/+/up/telemetry")
        assert device.publish("hub/v1/hub/room-2/up/telemetry", b"false") == SUCCESS
        device.publish("hub/v1/hub/room-1/up/telemetry", b"end")
        assert server.heard("end") == ["hub/v1/hub/room-1/up/telemetry"]


def test_plain_text_is_refused(broker: Broker) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hubwell-plain")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    closed = any(not client.is_connected() and client.socket() is None for _ in until(WAIT_S))
    client.loop_stop()
    assert closed


def test_device_hears_only_what_is_for_it(broker: Broker, device: Client) -> None:
    device.subscribe("hub/v1/hub/room-1/down/#", "hub/v1/hub/room-2/down/#", "#")
    with Client(broker, "ingest") as server:
        server.publish("hub/v1/hub/room-2/down/ack", b"not for room-1")
        server.publish("hub/v1/hub/room-1/down/ack", b"end")
    assert set(device.heard("end")) == {"hub/v1/hub/room-1/down/ack"}


def test_status_and_meta_are_retained_and_the_last_will_passes(broker: Broker) -> None:
    status = "hub/v1/hub/room-1/status"
    with Client(broker, "room-1") as device:
        device.publish(status, b"online", retain=True)
        device.publish("hub/v1/hub/room-1/meta", b"end", retain=True)
    with Client(broker, "ingest") as server:
        server.subscribe("hub/v1/hub/+/status")
        server.subscribe("hub/v1/hub/+/meta")
        assert {status, "hub/v1/hub/room-1/meta"} <= set(server.heard("end"))
        with Client(broker, "room-1") as device:
            device.publish(status, b"", retain=True)
            device.publish("hub/v1/hub/room-1/meta", b"", retain=True)


async def test_what_waits_for_the_server_and_what_is_retained_survive_a_restart(broker: Broker) -> None:
    """With rights for each listener: the broker has to know after a restart which of them a session is of."""

    def server(session_s: int = 300) -> MqttSource:
        url = f"mqtts://ingest:{PASSWORDS['ingest']}@localhost:{broker.server_port}"
        name, filters = "hubwell-ingest-restart", subscriptions("hub")
        return MqttSource(url, name, filters, session_expiry_s=session_s, ca_file=broker.ca)

    async with server() as source, asyncio.timeout(20):
        await source.ready()
    with Client(broker, "room-1") as device:
        device.publish("hub/v1/hub/room-1/up/telemetry", b"waiting")
        device.publish("hub/v1/hub/room-1/status", b"retained", retain=True)
    broker.server.stop()
    broker.server.start(lambda: accepts(broker.port) and accepts(broker.server_port))
    async with server(session_s=0) as source, asyncio.timeout(20):  # which also ends the session
        await source.ready()
        heard = {delivery.payload for delivery in await source.batch(most=10, wait_s=2)}
    assert {b"waiting", b"retained"} <= heard
    with Client(broker, "room-1") as device:
        device.publish("hub/v1/hub/room-1/status", b"", retain=True)


def test_ingest_shares_a_subscription_and_cannot_pretend_to_be_a_device(
    broker: Broker, device: Client
) -> None:
    shared = "$share/hubwell/hub/v1/hub/+/up/telemetry"
    with (
        Client(broker, "ingest", name="hubwell-ingest-1") as one,
        Client(broker, "ingest", name="hubwell-ingest-2") as two,
    ):
        one.subscribe(shared)
        two.subscribe(shared)
        for _ in range(10):
            assert device.publish("hub/v1/hub/room-1/up/telemetry") == SUCCESS
        arrived = any(one.messages.qsize() + two.messages.qsize() == 10 for _ in until(WAIT_S))
        assert arrived
        assert one.messages.qsize()
        assert two.messages.qsize()
        assert one.publish("hub/v1/hub/room-1/up/telemetry") == NOT_AUTHORIZED


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_unusable_authority_is_named_and_the_right_one_is_used_without_a_restart(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    authority = tmp_path / "ca.pem"
    if content is not None:
        authority.write_text(content)
    url = f"mqtts://ingest:{PASSWORDS['ingest']}@localhost:{broker.server_port}"
    publisher = DevicePublisher(Settings(broker_url=url, broker_ca_file=str(authority)))
    async with (
        asyncio.timeout(30),
        MqttSource(url, "hubwell-ingest-test", subscriptions("hub"), ca_file=authority) as source,
    ):
        running = asyncio.create_task(publisher.run())
        named = f"HUBWELL_BROKER_CA_FILE='{authority}'"
        while caplog.text.count(named) < 2:  # noqa: ASYNC110 - logs set no event
            await asyncio.sleep(0.05)
        assert ("cannot be read" if content is None else "holds no certificate") in caplog.text
        shutil.copy(broker.ca, authority)
        await asyncio.gather(source.ready(), publisher.connected())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_server_reads_far_ahead_of_its_commits(broker: Broker, device: Client) -> None:
    source = MqttSource(
        f"mqtts://ingest:{PASSWORDS['ingest']}@localhost:{broker.server_port}",
        "hubwell-ingest-test",
        subscriptions("hub"),
        ca_file=broker.ca,
    )
    async with source, asyncio.timeout(20):
        await source.ready()
        for _ in range(100):
            await asyncio.to_thread(device.publish, "hub/v1/hub/room-1/up/telemetry")
        batch = await source.batch(most=100, wait_s=10)
        assert len(batch) == 100
        source.acknowledge(batch)


def test_bridge_reads_no_taps_and_writes_nothing(broker: Broker, device: Client) -> None:
    with Client(broker, "bridge") as bridge:
        bridge.subscribe("hub/v1/#")
        device.publish("hub/v1/hub/room-1/up/event", b"a tap")
        device.publish("hub/v1/hub/room-1/up/telemetry", b"end")
        heard = bridge.heard("end")
        assert heard[-1] == "hub/v1/hub/room-1/up/telemetry"
        assert "hub/v1/hub/room-1/up/event" not in heard
        for topic in ("hub/v1/hub/room-1/down/cmd", "hub/v1/hub/room-1/up/telemetry"):
            assert bridge.publish(topic) == NOT_AUTHORIZED


def test_message_over_the_limit_goes_nowhere_and_the_connection_stays(broker: Broker) -> None:
    topic = "hub/v1/hub/room-1/up/telemetry"
    # MQTT 3.1.1, because paho has no name for the reason code by which Mosquitto refuses it in MQTT 5.
    with Client(broker, "ingest") as server, Client(broker, "room-1", v5=False) as device:
        server.subscribe(topic)
        device.publish(topic, b" " * 1_000_001)
        device.publish(topic, b" " * 300_000)  # too large for the contract, so the server can say why
        device.publish(topic, b"end")
        assert server.heard("end") == [topic, topic]
