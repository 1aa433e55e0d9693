"""The embedded broker as a real process."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
import psutil
import pytest

from hubwell.runtime.embedded_broker import MAX_PAYLOAD, EmbeddedBroker, ExternalBroker, kept_device_password
from lanes.servers import free_port


@pytest.fixture
def broker() -> EmbeddedBroker:
    return EmbeddedBroker(server_port=free_port(), device_port=free_port())


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
    return subprocess.Popen(
        broker.command(), stderr=subprocess.DEVNULL, env=os.environ | broker.environment()
    )


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
        client(broker.server_url, version.V5) as server,
        client(broker.device_url, version.V311) as device,
    ):
        await server.subscribe("$share/hubwell/hub/v1/+/+/up/#", qos=1)
        await device.publish("hub/v1/hub/room-1/up/telemetry", payload, qos=1)
        message = await asyncio.wait_for(anext(aiter(server.messages)), 20)
    assert message.payload == payload
    assert message.qos == 1


def client(url: str, version: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
    parts = urlsplit(url)
    return aiomqtt.Client(
        "127.0.0.1",
        parts.port or 0,
        protocol=version,
        timeout=3,
        username=parts.username,
        password=parts.password,
    )


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("account", ["", "server:guessed@", "devices:guessed@", "server:@"])
async def test_stranger_on_the_same_machine_is_refused(broker: EmbeddedBroker, account: str) -> None:
    version = aiomqtt.ProtocolVersion
    for port, spoken in ((broker.server_port, version.V5), (broker.device_port, version.V311)):
        with pytest.raises(aiomqtt.MqttError):
            async with client(f"mqtt://{account}127.0.0.1:{port}", spoken):
                pass


@pytest.mark.usefixtures("running")
async def test_devices_and_server_have_no_way_through_each_others_door(broker: EmbeddedBroker) -> None:
    server, device = urlsplit(broker.server_url), urlsplit(broker.device_url)
    crossed = f"mqtt://{device.username}:{device.password}@127.0.0.1:{server.port}"
    with pytest.raises(aiomqtt.MqttError):
        async with client(crossed, aiomqtt.ProtocolVersion.V5):
            pass


def test_passwords_are_new_at_each_start_and_in_no_argument() -> None:
    first, second = (EmbeddedBroker(server_port=1, device_port=2) for _ in range(2))
    passwords = [
        urlsplit(url).password for one in (first, second) for url in (one.server_url, one.device_url)
    ]
    assert len(set(passwords)) == 4
    assert not any(password in argument for password in passwords for argument in first.command() if password)


def test_person_who_starts_it_alone_is_given_the_addresses() -> None:
    ports = ["--server-port", str(free_port()), "--device-port", str(free_port())]
    command = [sys.executable, "-m", "hubwell.runtime.embedded_broker", *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.terminate()
    assert re.fullmatch(r"HUBWELL_BROKER_URL=mqtt://server:[0-9a-f]{32}@127.0.0.1:\d+\n", lines[0])
    assert re.fullmatch(r"HUBWELL_EDGE__BROKER__URL=mqtt://devices:[0-9a-f]{32}@127.0.0.1:\d+\n", lines[1])


def test_external_broker_has_one_address_for_everybody() -> None:
    broker = ExternalBroker("mqtts://hub:secret@broker.example:8883")
    assert broker.server_url == broker.device_url == "mqtts://hub:secret@broker.example:8883"


def test_password_of_devices_is_kept_for_its_user_only(tmp_path: Path) -> None:
    password = kept_device_password(tmp_path)
    file = tmp_path / "device-password"
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept_device_password(tmp_path) == password
    first, second = (
        EmbeddedBroker(server_port=1, device_port=2, device_password=kept_device_password(tmp_path))
        for _ in range(2)
    )
    assert first.device_url == second.device_url
    assert first.server_url != second.server_url
    file.write_bytes(b"\xffnot a password")
    assert len(kept_device_password(tmp_path)) == len(password)
