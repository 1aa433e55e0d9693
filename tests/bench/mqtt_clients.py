"""Compare MQTT clients for the ingest process: messages/s taken and acknowledged, and CPU per message.

A program, not a test: it made the table of docs/decisions/0002-mqtt-client-for-ingest.md. Each run starts a
consumer process and a publisher process (pre-encoded packets on a raw socket, so that it is never the slow
side) at a broker of its own. The consumer does what ingest does: collect 500 messages, "commit" (5 ms of
sleep), then acknowledge. Clients that are not installed are left out, so for the whole table:

    PYTHONPATH=tests uv run --with gmqtt --with mqttium python -m bench.mqtt_clients
"""

import argparse
import asyncio
import importlib.metadata
import json
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.mqtt_consumers import CONSUMERS, consume
from lanes.brokers import Mosquitto
from lanes.brokers import iotcore as embedded

DEVICES = 40
BROKERS = ["mosquitto", "iotcore"]
CLIENTS = {  # name -> the distribution whose version is printed
    "mqtt5": "mqtt5",
    "mqttium": "mqttium",
    "gmqtt": "gmqtt",
    "paho-thread": "paho-mqtt",
    "paho-loop": "paho-mqtt",
    "aiomqtt": "aiomqtt",
}


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


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a broker speaks which MQTT version."""

    v4: int
    v5: int


@contextmanager
def running(broker: str) -> Iterator[Ports]:
    """Run a broker of this run's own, with room for all messages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if broker == "mosquitto":
            mosquitto = Mosquitto(folder, persistence=False, lines=("max_inflight_messages 1000",))
            mosquitto.start()
            try:
                yield Ports(mosquitto.port, mosquitto.port)
            finally:
                mosquitto.stop()
        else:
            iotcore = embedded(folder)
            try:
                yield Ports(iotcore.port, iotcore.v5_port)
            finally:
                iotcore.server.stop()


def once(name: str, ports: Ports, total: int) -> dict[str, Any]:
    """One run: start the consumer, then the publisher; return the consumer's figures."""
    me = [sys.executable, "-m", "bench.mqtt_clients"]
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
                with running(broker) as ports:
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
        compare(options.clients, options.broker or BROKERS, options.messages, options.runs)


if __name__ == "__main__":
    main()
