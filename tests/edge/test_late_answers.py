"""A broker that answers a call after it was cancelled, as at an early end: no error, and no traceback."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import pytest

from edge.agent_builders import settings
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.settings import Settings
from hubwell_edge.agent.mqtt_link import make_client

CONNACK = b"\x20\x03\x00\x00\x00"  # MQTT 5, without properties
SUBACK = b"\x90\x04%b\x00\x01"  # of the message id in the middle: granted at QoS 1


def of_device(folder: Path, url: str) -> aiomqtt.Client:
    return make_client(settings(url, folder))


def of_server(_: Path, url: str) -> aiomqtt.Client:
    return DevicePublisher(Settings(broker_url=url))._make_client()


@pytest.mark.parametrize("make", [of_device, of_server])
async def test_answer_after_a_cancel_prints_nothing(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path, str], aiomqtt.Client],
) -> None:
    asked, cancelled, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(CONNACK)
        for _ in range(2):
            subscribe = await reader.read(4096)
            asked.set()
            await cancelled.wait()
            writer.write(SUBACK % subscribe[2:4])
        await reader.read()
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(answer_late, "127.0.0.1", 0) as server, asyncio.timeout(20):
        port = server.sockets[0].getsockname()[1]
        async with make(tmp_path, f"mqtt://127.0.0.1:{port}") as client:
            first = asyncio.create_task(client.subscribe("a", qos=1))
            await asked.wait()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            cancelled.set()
            await client.subscribe("b", qos=1)  # its answer comes after the late one
        await closed.wait()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
