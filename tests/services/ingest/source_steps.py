"""What tests of the source do around it: publish, take, wait."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt

from hubwell.mqtt.device_messages import Delivery
from hubwell.mqtt.subscriber import MqttSource
from lanes.brokers import Mosquitto
from lanes.missing_part import missing

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
