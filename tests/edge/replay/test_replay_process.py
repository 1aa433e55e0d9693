"""A recorded file through the real agent process, also when that is killed in the middle."""

import asyncio
import csv
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.agent_builders import ROOT, start_agent, until
from edge.fake_server import FakeServer
from hubwell_edge.replay.layout import load_map
from hubwell_edge.replay.source import ReplaySource
from hubwell_wire.messages import Telemetry
from lanes.brokers import Mosquitto

MAPS = ROOT / "firmware_configs" / "replay"
MAP = """
row_names = 1
delimiter = ";"
[time]
columns = ["day", "clock"]
format = "%d.%m.%Y %H:%M:%S"
zone = "Europe/Berlin"
[[columns]]
column = "CO2"
series = "room/co2"
unit = "ppm"
[[columns]]
column = "T"
series = "room/temp"
unit = "Cel"
"""
Point = tuple[str, datetime, float]


@pytest.fixture
async def server(mosquitto: Mosquitto) -> AsyncIterator[FakeServer]:
    async with FakeServer(mosquitto.url) as fake_server:
        yield fake_server


def _points(server: FakeServer) -> Counter[Point]:
    return Counter(
        (one.s, message.ts + timedelta(milliseconds=one.t), one.v)
        for message in server.received
        if isinstance(message, Telemetry)
        for one in message.r
    )


def _recording(folder: Path, rows: int) -> tuple[Path, Path, Counter[Point]]:
    """Write a self-made recording and its map; return what must arrive."""
    begin = datetime(2026, 3, 1, 8, tzinfo=ZoneInfo("Europe/Berlin"))
    points: Counter[Point] = Counter()
    lines = ["day;clock;CO2;T"]
    for n in range(rows):
        at = begin + timedelta(seconds=30 * n)
        co2, temp = 400 + n / 7, 20 + n * 1e-9
        lines.append(f'"{n}";{at:%d.%m.%Y;%H:%M:%S};{co2!r};{temp!r}')
        points["room/co2", at.astimezone(UTC), co2] += 1
        points["room/temp", at.astimezone(UTC), temp] += 1
    file, layout = folder / "made.csv", folder / "made.toml"
    file.write_text("\n".join(lines) + "\n")
    layout.write_text(MAP)
    return file, layout, points


def _command(file: Path, layout: Path, broker: str, *more: str) -> list[str]:
    return ["replay", str(file), "--map", str(layout), "--broker", broker, *more]


async def test_replay_brings_every_value_and_time_exactly_once(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    file, layout, points = _recording(tmp_path, 3000)
    log = tmp_path / "log"
    agent = start_agent(*_command(file, layout, mosquitto.url), log=log)
    assert await asyncio.to_thread(agent.wait, 60) == 0
    assert _points(server) == points
    assert server.unexplained() == []
    assert "3000 rows of made.csv arrived" in log.read_text()


async def test_replay_killed_and_started_again_still_brings_each_once(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    file, layout, points = _recording(tmp_path, 8000)
    command = _command(file, layout, mosquitto.url, "--outbox", str(tmp_path / "box"))
    for part in (1, 4):
        # The first receipts come when much of the file is still unread: the backlog of a replay is bounded.
        agent = start_agent(*command, log=tmp_path / "log")
        server.answers = part != 1
        await until(lambda part=part: len(server.received) >= 5 * part)  # type: ignore[misc] # bound now
        agent.send_signal(signal.SIGKILL)
        agent.wait()
    server.answers = True
    agent = start_agent(*command, log=tmp_path / "log")
    assert await asyncio.to_thread(agent.wait, 60) == 0
    assert _points(server) == points
    assert server.unexplained() == []


async def test_replay_interrupted_says_so_and_fails(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    file, layout, _ = _recording(tmp_path, 100)
    server.answers = False
    log = tmp_path / "log"
    agent = start_agent(*_command(file, layout, mosquitto.url), log=log)
    await until(lambda: server.received)
    agent.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(agent.wait, 30) == 1
    assert "messages have no receipt" in log.read_text()


@pytest.mark.parametrize(
    ("name", "layout", "columns"),
    [
        ("uci357_occupancy_detection/datatraining.txt", "uci357", 6),
        ("uci864_room_occupancy_estimation/Occupancy_Estimation.csv", "uci864", 17),
    ],
)
async def test_public_recordings_are_read_whole_and_exactly(
    shared_data: Path, name: str, layout: str, columns: int
) -> None:
    path, plan = shared_data / name, load_map(MAPS / f"{layout}.toml")
    source = ReplaySource(path, plan)
    taken = [observation async for observation in source.observations(None)]
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert source.progress.rows == len(taken) == len(rows)
    assert all(len(observation.readings) == columns for observation in taken)
    extra = len(rows[0]) - len(header)
    for column in plan.columns:
        place = header.index(column.column) + extra
        values = [one.v for o in taken for one in o.readings if one.s == column.series]
        assert values == [float(row[place]) for row in rows]


@pytest.mark.parametrize("path", sorted(MAPS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_maps_are_valid(path: Path) -> None:
    assert load_map(path).columns


async def test_speed_follows_the_recorded_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, layout, _ = _recording(tmp_path, 4)
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr("hubwell_edge.replay.source.asyncio.sleep", nap)
    assert len([o async for o in ReplaySource(file, load_map(layout), speed=10).observations(None)]) == 4
    assert [round(seconds) for seconds in naps] == [0, 3, 6, 9]
