"""Single values of sensors leave only to roles with that right, on every address there is.

A sensor's readings are marked: each is a number that occurs nowhere else, at a second that occurs nowhere
else. Every GET route of the application is asked by every role, with every resolution, once while the window
of the readings is open and once when it is closed, and the answers are searched for the marks. A route that a
later release adds is asked, too.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from feed.ingest_setup import commit, device_in
from hubwell.api.visibility import EXACT
from hubwell.privacy.publish_counts import window_of
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.dashboards.conftest import expand_macros
from services.privacy.paired_worlds import paths, seen_by, seen_by_grafana

SPACES = {"hall": False, "den": True}
"""Whether it is one person's room."""
COUNT = "ld2450/people/count"
SERIES = {COUNT: "count", "door/passed": "count", "scd41/co2": "ppm", "pir/presence": "/", "pir/motion": "/"}
SECOND, CLIMATE_SECOND = "7.654321", "3.123456"
"""The seconds of marked readings. Those of climate may be seen in the time of the hub's newest reading."""


def marks(now: datetime) -> Iterator[tuple[str, datetime, str, float]]:
    """Yield space, time, series and value of the readings: each value once, in two windows."""
    closed = window_of(now) - timedelta(minutes=5)
    for number, (space, name) in enumerate((space, name) for space in SPACES for name in SERIES):
        for minute in range(4):
            at = closed + timedelta(minutes=minute, seconds=_second(name))
            yield space, at, name, 613.0001 + number * 10 + minute
        yield space, min(now, window_of(now) + timedelta(seconds=_second(name))), name, 619.0001 + number * 10


def _second(name: str) -> float:
    return float(CLIMATE_SECOND if name.endswith("co2") else SECOND)


async def test_no_single_value_leaves_to_others(database: Database) -> None:
    now = datetime.now(UTC)
    readings = list(marks(now))
    pis = {space: device_in(database.url, space, capacity=30) for space in SPACES}
    await asyncio.to_thread(
        commit,
        database.url,
        [
            pis[space].readings(at, [{"s": name, "v": value, "u": SERIES[name]}])
            for space, at, name, value in readings
        ],
    )
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute("UPDATE space SET personal = (id = 'den')")
    async with open_house(database) as house:
        addresses = [path for path in sorted(set(_paths(house))) if not path.endswith("resolution=raw")]
        assert len(addresses) > 30
        seen = {"nobody": await seen_by(house.browser(), addresses)}
        for role in set(Role) - set(EXACT):
            seen[role] = await seen_by(await house.signed_in(role, role), addresses)
        exact = await seen_by(await house.signed_in("exact", Role.FACILITIES), ["/api/v1/devices"])
        streams = {path: await _stream(house.browser(), path) for path in ("/api/v1/stream", "/live")}
    answers = {f"{role} at {path}": text for role, of in seen.items() for path, text in of.items()} | streams
    grafana = seen_by_grafana(database.url, expand_macros, now)
    answers |= {f"grafana in {name}": str(rows) for name, rows in grafana.items()}
    assert _leaks(answers, readings) == []
    newest = [value for space, at, name, value in readings if space == "hall" and at >= window_of(now)]
    assert all(f"{value}" in exact["/api/v1/devices"] for value in newest), "those with the right see them"


def _leaks(answers: dict[str, str], readings: list[tuple[str, datetime, str, float]]) -> list[str]:
    """Return which answers hold a value that only those with the right may see, or the second of any."""
    now = max(at for _, at, _, _ in readings)
    forbidden = {
        str(value)
        for space, at, name, value in readings
        if space == "den" or SERIES[name] == "count" or at >= window_of(now)
    }
    means = [614.5001 + 10 * number for number, name in enumerate(SERIES) if SERIES[name] == "count"]
    forbidden |= {f"{mean:.4f}" for mean in means} | {SECOND}
    return [
        f"{where}: {mark}"
        for where, text in answers.items()
        for mark in sorted(forbidden | ({CLIMATE_SECOND} if "/health" not in where else set()))
        if mark in text
    ]


def _paths(house: House) -> Iterator[str]:
    for path in paths(house, "1"):
        yield path.replace("/spaces/lab", "/spaces/hall").replace("/spaces/loft", "/spaces/hall")


async def _stream(client: httpx.AsyncClient, path: str) -> str:
    """Return what a watcher is sent at first: every space as it is."""
    text = ""
    async with asyncio.timeout(20), client.stream("GET", path) as answer:
        async for line in answer.aiter_lines():
            text += line
            if '"den"' in text and '"hall"' in text:
                return text
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("resolution", ["5m", "1h"])
async def test_polling_a_growing_step_shows_no_reading(database: Database, resolution: str) -> None:
    """Asked after each of four readings of the open window, the answer is the same."""
    pi = device_in(database.url, "hall")
    now = datetime.now(UTC)
    answers: list[Any] = []
    async with open_house(database) as house:
        for number in range(4):
            at = max(window_of(now), now - timedelta(minutes=1)) + timedelta(milliseconds=number)
            await asyncio.to_thread(commit, database.url, [pi.telemetry(at, {"co2": 600.0 + 9 * number})])
            query = f"/api/v1/spaces/hall/readings?resolution={resolution}"
            answer = (await house.browser().get(query)).json()
            devices = (await house.browser().get("/api/v1/devices")).json()["devices"]
            space = (await house.browser().get("/api/v1/spaces/hall")).json()
            answers.append((answer["series"], devices[0]["series"], space["co2_ppm"], space["air"]))
    if window_of(datetime.now(UTC)) == window_of(now):
        assert answers == [answers[0]] * 4
        assert answers[0][2:] == (None, "fresh")
