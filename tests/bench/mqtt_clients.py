"""Compare MQTT clients for the ingest process: messages/s taken and acknowledged, and CPU per message.

A program, not a test: it made the table of docs/decisions/0002-mqtt-client-for-ingest.md. Each run starts a
consumer process and a publisher process (pre-encoded packets on a raw socket, so that it is never the slow
side) at a broker of its own. The consumer does what ingest does: collect 500 messages, "commit" (5 ms of
sleep), then acknowledge. Clients that are not installed are left out, so for the whole table:

    uv run --with gmqtt --with mqttium python tests/bench/mqtt_clients.py
"""

import argparse
import asyncio
import importlib
import importlib.metadata
import json
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubwell.ingest.source import MqttSource

BATCH = 500
COMMIT_S = 0.005
RECEIVE_MAXIMUM = 1000
FILTER = "hub/v1/+/+/up/telemetry"
DEVICES = 40
CLIENTS = {  # name -> the distribution whose version is printed
    "mqtt5": "mqtt5",
    "mqttium": "mqttium",
    "gmqtt": "gmqtt",
    "paho-thread": "paho-mqtt",
    "paho-loop": "paho-mqtt",
    "aiomqtt": "aiomqtt",
}


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


def packets(first: int, count: int) -> bytes:
    """MQTT 3.1.1 QoS 1 PUBLISH packets of eight readings each, about 600 bytes of payload."""
    encoded = bytearray()
    for number in range(first, first + count):
        readings = ",".join(
            f'{{"s":"sensor{i}/co2","v":{600 + i}.25,"u":"ppm","q":"ok","t":-{i}500}}' for i in range(8)
        )
        payload = (
            f'{{"v":1,"id":"0190a6a2-7b7c-7def-8000-{number:012x}","boot":"0190a6a2-7b7c-7def-8000-000000000000"'
            f',"seq":{number},"ts":"2026-11-22T21:04:05.123Z","clock":"synced","mono_ms":{number},"r":[{readings}]}}'
        ).encode()
        topic = f"hub/v1/lab/dev-{number % DEVICES}/up/telemetry".encode()
        body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", number % 65535 + 1) + payload
        encoded += bytes([0x32, len(body) % 128 | 128, len(body) // 128]) + body  # two length bytes do
    return bytes(encoded)


def publish(port: int, total: int, window: int = 1000) -> None:
    """Send ``total`` messages, at most two windows ahead of the broker's acknowledgements."""
    sizes = [min(window, total - first) for first in range(0, total, window)]
    chunks = [packets(number * window, size) for number, size in enumerate(sizes)]
    with socket.create_connection(("127.0.0.1", port)) as sock:
        hello = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x03pub"
        sock.sendall(bytes([0x10, len(hello)]) + hello)
        read_exactly(sock, 4)
        sock.sendall(chunks[0])
        for acknowledged, chunk in zip(sizes, [*chunks[1:], b""], strict=True):
            sock.sendall(chunk)
            read_exactly(sock, 4 * acknowledged)


def read_exactly(sock: socket.socket, size: int) -> None:
    while size > 0:
        got = len(sock.recv(min(size, 1 << 16)))
        if not got:
            raise ConnectionError("the broker closed the publisher's connection")
        size -= got


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a broker speaks which MQTT version."""

    v4: int
    v5: int


@contextmanager
def mosquitto() -> Iterator[Ports]:
    """Run Mosquitto without persistence and with room for the whole run."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000000\n"
            "max_inflight_messages 1000\n"
        )
        process = subprocess.Popen(
            ["mosquitto", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(port)
            yield Ports(port, port)
        finally:
            process.terminate()
            process.wait()


IOTCORE = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 1000
max_segment_size = 104857600
max_segment_count = 10
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 5000
max_payload_size = 262144
max_inflight_count = 1000
dynamic_filters = true
"""


@contextmanager
def iotcore() -> Iterator[Ports]:
    """Run the embedded development broker with one port for each protocol version."""
    library: Any = importlib.import_module("iotcore")
    ports = Ports(free_port(), free_port())
    first = IOTCORE.format(version="v4", port=ports.v4)
    second = IOTCORE.format(version="v5", port=ports.v5)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "iotcore.toml"
        config.write_text(first + second[second.index("[v5.1]") :])
        with library.Broker(config_path=str(config)):
            yield ports


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def once(name: str, ports: Ports, total: int) -> dict[str, Any]:
    """One run: start the consumer, then the publisher; return the consumer's figures."""
    me = [sys.executable, __file__]
    consumer = subprocess.Popen(
        [*me, "--consume", name, "--port", str(ports.v5), "--messages", str(total)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert consumer.stdout is not None
    with ExitStack() as stack:
        stack.callback(consumer.wait)
        stack.callback(consumer.kill)
        if consumer.stdout.readline().strip() != "ready":
            return {"acked": 0, "error": "did not start"}
        subprocess.run([*me, "--publish", "--port", str(ports.v4), "--messages", str(total)], check=True)
        result: dict[str, Any] = json.loads(consumer.stdout.readline() or '{"acked": 0, "error": "died"}')
        consumer.wait()
        return result


BROKERS = {"mosquitto": mosquitto, "iotcore": iotcore}


def compare(names: list[str], brokers: list[str], total: int, runs: int) -> None:
    """Print a Markdown table of medians."""
    sys.stdout.write(
        "| Client | Broker | messages/s | CPU s per 10,000 | runs, messages/s |\n|---|---|---|---|---|\n"
    )
    for name in names:
        try:
            version = importlib.metadata.version(CLIENTS[name])
        except importlib.metadata.PackageNotFoundError:
            sys.stdout.write(f"| {name} | - | not installed | | |\n")
            continue
        for broker in brokers:
            results = []
            for _ in range(runs):
                with BROKERS[broker]() as ports:
                    results.append(once(name, ports, total))
            sys.stdout.write(f"| {name} {version} | {broker} | {row(results, total)} |\n")
            sys.stdout.flush()


def row(results: list[dict[str, Any]], total: int) -> str:
    broken = [result for result in results if result["error"] or result["acked"] < total]
    if broken:
        return f"failed: {broken[0]['acked']} of {total} acknowledged, {broken[0]['error']} | | "
    rates = [result["per_s"] for result in results]
    cpu = statistics.median(result["cpu_us"] for result in results) / 100
    listed = ", ".join(f"{rate:,.0f}" for rate in rates)
    return f"{statistics.median(rates):,.0f} | {cpu:.2f} | {listed}"


def main() -> None:
    """Parse the command line; without arguments compare everything that is installed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--consume", choices=CONSUMERS, help=argparse.SUPPRESS)
    parser.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--broker", action="append", choices=BROKERS)
    parser.add_argument("clients", nargs="*", default=list(CONSUMERS))
    options = parser.parse_args()
    if options.consume:
        asyncio.run(consume(options.consume, options.port, options.messages, limit_s=60))
    elif options.publish:
        publish(options.port, options.messages)
    else:
        compare(options.clients, options.broker or list(BROKERS), options.messages, options.runs)


if __name__ == "__main__":
    main()
