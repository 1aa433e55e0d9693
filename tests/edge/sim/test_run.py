"""The simulated hub through real agents, outboxes and uplinks, a real broker, to a server of few words."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import aiomqtt
import pytest

from hubwell.runtime.embedded_broker import EmbeddedBroker
from hubwell_edge.settings import BrokerSettings
from hubwell_edge.sim import run
from hubwell_edge.sim.faults import parse_fault
from hubwell_edge.sim.hub import devices
from hubwell_edge.sim.network_cut import NetworkCut
from hubwell_edge.sim.pace import UNLIMITED, Pace
from hubwell_edge.sim.run import SimulationError, Span, simulate
from hubwell_edge.sim.scenario import Scenario, load_scenario
from hubwell_wire.messages import Fault, Gap, Meta, Receipt, Status, Tap, Telemetry
from hubwell_wire.parse import parse
from lanes.servers import free_port

DEADLINE_S = 30
BEGINS_MS = int(datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()) * 1000
TEN_MINUTES = Span(BEGINS_MS, BEGINS_MS + 600_000)

Value = tuple[str, int, str, float]


@dataclass
class Listener:
    """What a server would know: values by device, time and series; taps; status; and the numbering."""

    values: list[Value] = field(default_factory=list)
    taps: int = 0
    statuses: list[tuple[str, str]] = field(default_factory=list)
    metas: dict[str, Meta] = field(default_factory=dict)
    numbers: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))

    def take(self, topic: str, payload: bytes) -> Receipt | None:
        parsed = parse(topic, payload)
        device, message = parsed.topic.device, parsed.message
        if isinstance(message, Status):
            self.statuses.append((device, message.state))
            return None
        if isinstance(message, Meta):
            self.metas[device] = message
            return None
        assert isinstance(message, Telemetry | Tap | Gap | Fault)
        numbers = self.numbers[device, str(message.boot)]
        if message.seq not in numbers:
            numbers.add(message.seq)
            if isinstance(message, Telemetry):
                ts_ms = round(message.ts.timestamp() * 1000)
                self.values += [(device, ts_ms + r.t, r.s, r.v) for r in message.r]
            elif isinstance(message, Tap):
                self.taps += 1
        upto = next(n for n in range(1, len(numbers) + 2) if n not in numbers) - 1
        above = tuple((n, n) for n in sorted(numbers) if n > upto)
        return Receipt(v=1, boot=message.boot, upto=upto, ranges=above)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    embedded = EmbeddedBroker(server_port=free_port(), device_port=free_port())
    with started(embedded.command(), embedded.environment()):
        wait_for(lambda: answers(embedded.server_port) and answers(embedded.device_port))
        yield embedded


@contextmanager
def started(command: list[str], environment: dict[str, str] | None = None) -> Iterator[Popen[bytes]]:
    process = Popen(command, env=os.environ | (environment or {}))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@asynccontextmanager
async def listening(url: str, site: str) -> AsyncIterator[Listener]:
    listener, address = Listener(), urlsplit(url)
    async with aiomqtt.Client(
        "127.0.0.1",
        address.port or 0,
        username=address.username,
        password=address.password,
        protocol=aiomqtt.ProtocolVersion.V5,
    ) as client:
        for channel in ("up/telemetry", "up/event", "status", "meta"):
            await client.subscribe(f"hub/v1/{site}/+/{channel}", qos=1)

        async def answer() -> None:
            async for message in client.messages:
                topic = str(message.topic)
                receipt = listener.take(topic, bytes(message.payload))
                if receipt is not None:
                    await client.publish(
                        "/".join([*topic.split("/")[:4], "down/ack"]), receipt.encode(), qos=1
                    )

        task = asyncio.create_task(answer())
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert all(max(n) == len(n) for n in listener.numbers.values())


def hub(site: str) -> Scenario:
    return load_scenario().model_copy(update={"site": site})


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.02)


def truth(scenario: Scenario, span: Span) -> list[Value]:
    assert span.until_ms is not None
    until = span.until_ms
    return sorted(
        (device.name, seen.at_ms, reading.s, reading.v)
        for device in devices(scenario)
        for seen in takewhile(lambda seen: seen.at_ms <= until, device.timeline(span.start_ms - 1))
        for reading in seen.observation.readings
    )


async def test_whole_hub_reaches_the_server_once(broker: EmbeddedBroker, tmp_path: Path) -> None:
    scenario = hub("whole")
    async with listening(broker.server_url, "whole") as listener:
        connection = BrokerSettings(url=broker.device_url, protocol=311)
        done = await asyncio.wait_for(
            simulate(
                scenario,
                broker=connection,
                data=tmp_path,
                stop=asyncio.Event(),
                speed=UNLIMITED,
                span=TEN_MINUTES,
            ),
            DEADLINE_S,
        )
    assert done
    assert sorted(listener.values) == truth(scenario, TEN_MINUTES)
    assert len(listener.values) == 9 * 61 * 6
    declared = {reader.name for meta in listener.metas.values() for reader in meta.readers}
    assert declared == {"door"}, "taps come from readers that the devices say they have"
    assert {meta.name for meta in listener.metas.values()} == {
        f"{s.name} (simulated)" for s in scenario.spaces
    }


async def test_stopped_hub_goes_on_where_it_was(broker: EmbeddedBroker, tmp_path: Path) -> None:
    scenario = hub("stopped")
    connection = BrokerSettings(url=broker.device_url, protocol=311)
    half_hour = Span(BEGINS_MS, BEGINS_MS + 1_800_000)
    async with listening(broker.server_url, "stopped") as listener:
        stop = asyncio.Event()
        first = asyncio.create_task(
            simulate(scenario, broker=connection, data=tmp_path, stop=stop, speed=300, span=Span(BEGINS_MS))
        )
        await eventually(lambda: len(listener.values) > 1000)
        stop.set()
        await asyncio.wait_for(first, DEADLINE_S)
        second = simulate(
            scenario, broker=connection, data=tmp_path, stop=asyncio.Event(), speed=UNLIMITED, span=half_hour
        )
        assert await asyncio.wait_for(second, DEADLINE_S)
    assert half_hour.until_ms is not None
    within = sorted(value for value in listener.values if value[1] <= half_hour.until_ms)
    assert within == truth(scenario, half_hour)
    assert listener.taps > 0


async def test_lost_network_is_a_lost_connection_and_nothing_is_lost(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    demo = hub("cut")
    corner = next(space for space in demo.spaces if space.id == "quiet-corner")
    scenario = demo.model_copy(update={"spaces": (corner,), "programmes": ()})
    # Soon after midnight there is little to compute before the first tick. At thirty times the speed, the
    # network is there for a second, gone for a second, and there again.
    begins = datetime(2026, 11, 19, 22, 0, tzinfo=UTC)
    gone, back = (begins + timedelta(seconds=s) for s in (30, 60))
    fault = parse_fault(f"quiet-corner-1:network-gone:{gone.isoformat()}-{back.isoformat()}")
    span = Span(round(begins.timestamp() * 1000), round(begins.timestamp() * 1000) + 70_000)
    async with listening(broker.server_url, "cut") as listener:
        connection = BrokerSettings(url=broker.device_url, protocol=311)
        done = simulate(
            scenario,
            broker=connection,
            data=tmp_path,
            stop=asyncio.Event(),
            speed=30,
            span=span,
            faults=[fault],
        )
        assert await asyncio.wait_for(done, DEADLINE_S)
    assert sorted(listener.values) == truth(scenario, span)
    assert "online,offline,online" in ",".join(state for _, state in listener.statuses)


def test_hub_stops_cleanly_when_told(broker: EmbeddedBroker, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from hubwell_edge.sim.run import main; "
        "main(broker=sys.argv[1], data=Path(sys.argv[2]), site='told')"
    )
    command = [sys.executable, "-c", program, broker.device_url, str(tmp_path / "outboxes")]

    async def watch() -> int:
        async with listening(broker.server_url, "told") as listener:
            with started(command) as process:
                # Three half_hours of nine devices, then it lives on.
                await eventually(lambda: len(listener.values) >= 9 * 1080 * 6)
                process.send_signal(signal.SIGTERM)
                return await asyncio.wait_for(asyncio.to_thread(process.wait), DEADLINE_S)

    assert asyncio.run(watch()) == 0


async def test_cable_that_is_pulled_cuts_the_connection() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, NetworkCut("127.0.0.1", server.sockets[0].getsockname()[1]) as cable:

        async def talk() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
            writer.write(b"hello")
            answer = await asyncio.wait_for(reader.read(5), DEADLINE_S)
            writer.transport.abort()
            return answer

        assert await talk() == b"hello"
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        writer.write(b"open")
        assert await asyncio.wait_for(reader.read(4), DEADLINE_S) == b"open"
        await cable.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)
        writer.transport.abort()
        with pytest.raises(ConnectionRefusedError):
            await talk()
        await cable.connect()
        assert await talk() == b"hello"


@pytest.mark.parametrize(
    ("speed", "at_s", "waits"),
    [
        (1.0, 900, 0),
        (1.0, 1100, 100),
        (UNLIMITED, 999, 0),
        (60.0, 400, 0),
        (60.0, 460, 1),
        (60.0, 2000, 1000),
    ],
)
def test_pace_fills_in_the_past_and_never_leaves_the_wall_clock_behind(
    speed: float, at_s: int, waits: float
) -> None:
    pace = Pace(speed, 400_000, now=lambda: 1000.0)
    assert max(0.0, pace._delay(at_s)) == pytest.approx(waits)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"speed": 0}, "speed must be above 0"),
        ({"start": datetime(2026, 1, 1)}, "--from 2026-01-01T00:00:00 needs a zone"),  # noqa: DTZ001 - on purpose
        ({"start": soon()}, "--from cannot be in the future"),
        ({"until": soon(), "speed": UNLIMITED}, "cannot be in the future"),
        ({"until": datetime(2026, 1, 1, tzinfo=UTC)}, "--until must be after --from"),
        ({"faults": ["attic-1:silent:10:00-11:00"]}, "no device 'attic-1'"),
        ({"faults": ["nonsense"]}, "does not have the form"),
        ({"scenario": Path("no-such.toml")}, "cannot read no-such.toml"),
        ({"site": "Not An Id"}, "site: String should match"),
        ({"broker": "http://127.0.0.1"}, "write it as mqtt://HOST:PORT"),
        (
            {"broker": "mqtts://h", "ca_file": Path("no-such.crt")},
            "certificate authority no-such.crt: No such file",
        ),
        ({"accounts": Path("no-such")}, "the password of .* from no-such/.*: No such file"),
    ],
)
def test_hub_that_cannot_be_run_says_why(tmp_path: Path, options: dict[str, object], words: str) -> None:
    asked: dict[str, object] = {"broker": "mqtt://127.0.0.1:1", "data": tmp_path, **options}
    with pytest.raises(SimulationError, match=words):
        run.main(**asked)  # type: ignore[arg-type] # the wrong options are the point
