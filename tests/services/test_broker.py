"""The embedded broker as a real process."""

import asyncio
import subprocess
from collections.abc import AsyncIterator

import aiomqtt
import psutil
import pytest

from hubwell.runtime.embedded_broker import MAX_PAYLOAD, EmbeddedBroker, ExternalBroker
from hubwell.runtime.preflight import free_port


@pytest.fixture
def broker() -> EmbeddedBroker:
    return EmbeddedBroker(server_port=free_port("127.0.0.1"), device_port=free_port("127.0.0.1"))


@pytest.fixture
async def running(broker: EmbeddedBroker) -> AsyncIterator["subprocess.Popen[bytes]"]:
    process = start(broker)
    async with asyncio.timeout(20):
        while True:
            if await broker.ready():
                break
            await asyncio.sleep(0.02)
    yield process
    stop(process)


def start(broker: EmbeddedBroker) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(broker.command(), stderr=subprocess.DEVNULL)


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()


async def test_ready_tells_whether_it_answers(
    broker: EmbeddedBroker, running: "subprocess.Popen[bytes]"
) -> None:
    assert await broker.ready()
    stop(running)
    assert not await broker.ready()


async def test_it_listens_on_loopback_only(
    broker: EmbeddedBroker, running: "subprocess.Popen[bytes]"
) -> None:
    listening = {
        tuple(c.laddr) for c in psutil.Process(running.pid).net_connections() if c.status == "LISTEN"
    }
    assert listening == {("127.0.0.1", broker.server_port), ("127.0.0.1", broker.device_port)}


@pytest.mark.usefixtures("running")
async def test_a_large_message_passes_from_a_device_to_the_server(broker: EmbeddedBroker) -> None:
    payload = b"x" * (MAX_PAYLOAD - 1000)
    version = aiomqtt.ProtocolVersion
    async with (
        aiomqtt.Client("127.0.0.1", broker.server_port, protocol=version.V5) as server,
        aiomqtt.Client("127.0.0.1", broker.device_port, protocol=version.V311) as device,
    ):
        await server.subscribe("$share/hubwell/hub/v1/+/+/up/#", qos=1)
        await device.publish("hub/v1/hub/room-1/up/telemetry", payload, qos=1)
        message = await asyncio.wait_for(anext(aiter(server.messages)), 20)
    assert message.payload == payload
    assert message.qos == 1


def test_external_broker_has_one_address_for_everybody() -> None:
    broker = ExternalBroker("mqtts://hub:secret@broker.example:8883")
    assert broker.server_url == broker.device_url == "mqtts://hub:secret@broker.example:8883"
