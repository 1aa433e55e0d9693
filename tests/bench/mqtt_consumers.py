"""The MQTT clients under comparison, each doing what ingest does: see ``mqtt_clients``.

Libraries are imported by name inside their function: most are not dependencies of the project.
"""

import asyncio
import importlib
import json
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from hubwell.mqtt.subscriber import MqttSource

BATCH = 500
COMMIT_S = 0.005
RECEIVE_MAXIMUM = 1000
FILTER = "hub/v1/+/+/up/telemetry"


class Meter:
    """Counts what was acknowledged; time and CPU run from the first message to the last acknowledgement."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.received = 0
        self.acknowledged = 0
        self._wall = self._cpu = 0.0

    def began(self) -> None:
        """Note the first message."""
        if not self._wall:
            self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def done(self) -> bool:
        return self.acknowledged >= self.total

    def figures(self) -> dict[str, float]:
        wall = time.perf_counter() - self._wall
        cpu = time.process_time() - self._cpu
        return {"per_s": self.acknowledged / wall, "cpu_us": cpu / self.acknowledged * 1e6}


class Batches:
    """Hand-over between a client's callback and the ingest-like loop."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._waiting: deque[Any] = deque()
        self._enough = asyncio.Event()

    def put(self, message: Any) -> None:
        self._meter.began()
        self._waiting.append(message)
        if len(self._waiting) >= BATCH:
            self._enough.set()

    async def take(self) -> list[Any]:
        if len(self._waiting) < BATCH:
            self._enough.clear()
            try:
                async with asyncio.timeout(0.05):
                    await self._enough.wait()
            except TimeoutError:
                pass
        taken = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        if taken:
            await asyncio.sleep(COMMIT_S)
        return taken


def announce() -> None:
    """Tell the parent that the subscription stands."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


async def consume_mqtt5(port: int, meter: Meter) -> None:
    """The product's own source: asyncio and the mqtt5 codec."""
    url = f"mqtt://127.0.0.1:{port}"
    async with MqttSource(url, "bench", [(FILTER, 1)], receive_maximum=RECEIVE_MAXIMUM) as source:
        await source.ready()
        announce()
        deliveries = await source.batch(most=1, wait_s=0)
        meter.began()
        source.acknowledge(deliveries)
        meter.acknowledged += len(deliveries)
        while not meter.done:
            deliveries = await source.batch(most=BATCH, wait_s=0.05)
            await asyncio.sleep(COMMIT_S)
            source.acknowledge(deliveries)
            meter.acknowledged += len(deliveries)


async def consume_aiomqtt(port: int, meter: Meter) -> None:
    """Manual acknowledgement through the private paho client."""
    aiomqtt: Any = importlib.import_module("aiomqtt")
    client = aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier="bench",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=paho_properties(),
    )
    client._client.manual_ack_set(on=True)
    batches = Batches(meter)

    async def pump() -> None:
        async for message in client.messages:
            batches.put(message)

    async with client:
        await client.subscribe(FILTER, qos=1)
        announce()
        pumping = asyncio.create_task(pump())
        while not meter.done:
            taken = await batches.take()
            for message in taken:
                client._client.ack(message.mid, message.qos)
            meter.acknowledged += len(taken)
        pumping.cancel()


def paho_properties() -> Any:
    packettypes: Any = importlib.import_module("paho.mqtt.packettypes")
    properties: Any = importlib.import_module("paho.mqtt.properties")
    connect = properties.Properties(packettypes.PacketTypes.CONNECT)
    connect.SessionExpiryInterval = 86400
    connect.ReceiveMaximum = RECEIVE_MAXIMUM
    return connect


def paho_client(on_message: Callable[..., None], subscribed: Callable[[], None]) -> Any:
    paho: Any = importlib.import_module("paho.mqtt.client")
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="bench", protocol=paho.MQTTv5)
    client.manual_ack_set(on=True)
    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe(FILTER, qos=1)
    client.on_subscribe = lambda *_: subscribed()
    return client


async def consume_paho_loop(port: int, meter: Meter) -> None:
    """paho's public API on the event loop: loop_read, loop_write and loop_misc, no thread."""
    loop = asyncio.get_running_loop()
    batches = Batches(meter)
    client = paho_client(lambda _client, _data, message: batches.put(message), announce)

    def read() -> None:
        for _ in range(100):  # several packets for each time the selector wakes us
            before = len(batches._waiting)
            client.loop_read()
            if len(batches._waiting) == before:
                return

    client.on_socket_open = lambda _client, _data, sock: loop.add_reader(sock, read)
    client.on_socket_close = lambda _client, _data, sock: loop.remove_reader(sock)
    client.on_socket_register_write = lambda _client, _data, sock: loop.add_writer(sock, client.loop_write)
    client.on_socket_unregister_write = lambda _client, _data, sock: loop.remove_writer(sock)
    client.connect("127.0.0.1", port, clean_start=False, properties=paho_properties())
    client.socket().setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    while not meter.done:
        taken = await batches.take()
        for message in taken:
            client.ack(message.mid, message.qos)
        meter.acknowledged += len(taken)
        client.loop_misc()
    client.disconnect()


async def consume_paho_thread(port: int, meter: Meter) -> None:
    """paho's own thread; one hand-over to the event loop for each batch, not for each message."""
    loop = asyncio.get_running_loop()
    enough = asyncio.Event()
    lock = threading.Lock()
    waiting: list[Any] = []

    def on_message(_client: Any, _data: Any, message: Any) -> None:
        meter.began()
        with lock:
            waiting.append(message)
            wake = len(waiting) == BATCH
        if wake:
            loop.call_soon_threadsafe(enough.set)

    client = paho_client(on_message, announce)
    client.connect("127.0.0.1", port, clean_start=False, properties=paho_properties())
    client.loop_start()
    while not meter.done:
        try:
            async with asyncio.timeout(0.05):
                await enough.wait()
        except TimeoutError:
            pass
        enough.clear()
        with lock:
            taken, waiting[:] = waiting[:], []
        if taken:
            await asyncio.sleep(COMMIT_S)
        for message in taken:
            client.ack(message.mid, message.qos)
        meter.acknowledged += len(taken)
    client.disconnect()
    client.loop_stop()


async def consume_gmqtt(port: int, meter: Meter) -> None:
    """Acknowledges when the message's coroutine returns, so each waits for its batch's commit."""
    gmqtt: Any = importlib.import_module("gmqtt")
    client = gmqtt.Client(
        "bench",
        clean_session=False,
        optimistic_acknowledgement=False,
        session_expiry_interval=86400,
        receive_maximum=RECEIVE_MAXIMUM,
    )
    batches = Batches(meter)

    async def on_message(_client: Any, _topic: str, _payload: bytes, _qos: int, _properties: Any) -> int:
        committed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        batches.put(committed)
        return await committed

    client.on_message = on_message
    client.on_subscribe = lambda *_: announce()
    await client.connect("127.0.0.1", port)
    client.subscribe(FILTER, qos=1)
    while not meter.done:
        taken = await batches.take()
        for committed in taken:
            committed.set_result(0)
        meter.acknowledged += len(taken)
    await asyncio.sleep(0)
    await client.disconnect()


async def consume_mqttium(port: int, meter: Meter) -> None:
    """Public manual acknowledgement, in order."""
    api: Any = importlib.import_module("mqttium.api")
    mqttium: Any = importlib.import_module("mqttium")
    client = api.AsyncClient(
        "bench",
        protocol=mqttium.MQTTProtocolVersion.MQTTv5,
        clean_start=False,
        manual_ack=True,
        connect_properties=api.Properties({"session_expiry_interval": 86400}),
        max_inbound_inflight=RECEIVE_MAXIMUM,
    )
    batches = Batches(meter)

    async def pump() -> None:
        async for message in client.messages():
            batches.put(message)

    await client.connect("127.0.0.1", port)
    await client.subscribe(FILTER, qos=1)
    announce()
    pumping = asyncio.create_task(pump())
    while not meter.done:
        if pumping.done():
            raise ConnectionError(f"connection ended after {meter.acknowledged} messages")
        taken = await batches.take()
        for message in taken:
            await client.ack(message)
        meter.acknowledged += len(taken)
    pumping.cancel()
    await client.disconnect()


CONSUMERS: dict[str, Callable[[int, Meter], Awaitable[None]]] = {
    "mqtt5": consume_mqtt5,
    "mqttium": consume_mqttium,
    "gmqtt": consume_gmqtt,
    "paho-thread": consume_paho_thread,
    "paho-loop": consume_paho_loop,
    "aiomqtt": consume_aiomqtt,
}


async def consume(name: str, port: int, total: int, limit_s: float) -> None:
    """Run one consumer and print its figures as JSON."""
    meter = Meter(total)
    error = ""
    try:
        async with asyncio.timeout(limit_s):
            await CONSUMERS[name](port, meter)
    except Exception as failure:  # noqa: BLE001 - a client that gives up is a result too
        error = f"{type(failure).__name__}: {failure}"
    figures = meter.figures() if meter.acknowledged else {}
    sys.stdout.write(json.dumps({"acked": meter.acknowledged, "error": error, **figures}) + "\n")
