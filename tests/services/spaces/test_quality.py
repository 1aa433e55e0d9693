"""A value in doubt counts nowhere, and everywhere it is said whose sensor to check."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest

from feed.ingest_setup import commit, device_in, one, reading, rows
from feed.simulated_device import Device, Packet
from hubwell.doctor import checks
from hubwell.evacuation import read_model
from hubwell.evacuation.rules import Provenance
from hubwell.storage.connect import connect
from hubwell.storage.engine import Engine, detect
from hubwell.storage.migrate import migrate
from lanes.database_lane import Database
from services.storage.schema_snapshot import create_landed
from services.web.running_site import Site, serving

SECOND = timedelta(seconds=1)
DOUBT = {"s": "scd41/co2", "v": 0, "u": "ppm", "q": "suspect"}
FREE = {"s": "pir/presence", "v": 0, "u": "/"}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def thirteen(device: Device, *readings: dict[str, Any], ago: timedelta = timedelta(0)) -> list[Packet]:
    """Thirteen messages, ten seconds apart, the last of them now or so long ago."""
    end = now() - ago
    return [device.readings(end - 10 * n * SECOND, list(readings)) for n in range(12, -1, -1)]


class Told(NamedTuple):
    """What a visitor and a program are told."""

    card: str
    answer: str
    devices: str
    space: dict[str, Any]
    readings: dict[str, Any]
    device: list[dict[str, Any]]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def _page(site: Site, path: str) -> str:
    answer = await site.client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


def told(database: Database, space: str = "lab") -> Told:
    async def ask() -> Told:
        async with serving(database) as site:
            board, found = await _page(site, "/"), await _page(site, "/?find=1")
            card = re.search(rf'<li class="row" id="space-{space}".*?</li>', board, re.DOTALL)
            answer = re.search(r'<section class="answer".*?</section>', found, re.DOTALL)
            assert card is not None
            assert answer is not None
            spaces = (await site.client.get("/api/v1/spaces")).json()["spaces"]
            span = {
                "from": (now() - timedelta(hours=1)).isoformat(),
                "to": now().isoformat(),
                "quantity": "co2",
            }
            steps = await site.client.get(
                f"/api/v1/spaces/{space}/readings", params={**span, "resolution": "5m"}
            )
            devices = (await site.client.get("/api/v1/devices")).json()["devices"]
            return Told(
                words(re.sub(r' aria-label="([^"]*)"', r"> \1 <", card[0])),
                words(answer[0]),
                words(await _page(site, "/devices")),
                next(item for item in spaces if item["id"] == space),
                steps.json(),
                devices,
            )

    return asyncio.run(ask())


def test_sensor_that_gives_zero_is_in_doubt_everywhere(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, thirteen(pi, DOUBT, FREE))

    found = told(database)

    assert "Air not known" in found.card
    assert "The CO₂ sensor is in doubt: its value cannot be right." in found.card
    assert not re.search(r"[Ff]resh|\b0 ppm", found.card)
    assert "No good CO₂ readings in the last 24 hours." in found.card
    assert "It is free. The air is not known. The CO₂ sensor is in doubt" in found.answer
    assert not re.search(r"fresh|\b0 ppm", found.answer)
    assert "1 device has a sensor in doubt" in found.devices
    assert "In doubt: check scd41/co2, its cable and its power." in found.devices
    assert (found.space["air"], found.space["air_reason"], found.space["co2_ppm"]) == (
        "unknown",
        "in-doubt",
        None,
    )
    assert _good(found) == []
    ((state,),) = [
        [item["state"] for item in device["series"] if item["name"] == "scd41/co2"] for device in found.device
    ]
    assert state == "in-doubt"
    with psycopg.connect(database.url) as conn:
        (finding,) = [item for item in checks._contents(conn) if item.part == "sensors"]
    assert (finding.state, finding.found) == ("warning", "1 in doubt: lab-pi scd41/co2 gives 0 ppm")
    assert "cable" in finding.advice


def _steps(found: Told) -> list[dict[str, Any]]:
    return [point for series in found.readings["series"] for point in series["points"]]


def _good(found: Told) -> list[dict[str, Any]]:
    return [step for step in _steps(found) if (step["n"], step["mean"], step["max"]) != (0, None, None)]


def test_closed_steps_in_doubt_have_no_value_and_are_counted(database: Database) -> None:
    commit(database.url, thirteen(device_in(database.url, "lab"), DOUBT, FREE, ago=timedelta(minutes=20)))

    found = told(database)

    assert "No good CO₂ readings in the last 24 hours." in found.card
    assert sum(step["suspect"] for step in _steps(found)) == 13
    assert _good(found) == []


@pytest.mark.parametrize(
    ("quantity", "unit", "value"),
    [
        ("co2", "ppm", 0.0),
        ("co2", "ppm", 65535.0),
        ("co2", "ppm", -1.0),
        ("temp", "Cel", -45.0),
        ("temp", "Cel", 130.0),
        ("temp", "Cel", -127.0),
        ("temp", "Cel", 85.0),
        ("rh", "%RH", 0.0),
        ("rh", "%RH", 100.0),
        ("light", "lx", -1.0),
        ("noise", "dB", 0.0),
        ("noise", "dB", 65535.0),
        ("presence", "/", 255.0),
    ],
)
@pytest.mark.parametrize("said", ["ok", "inferred"])
def test_impossible_value_is_in_doubt_whatever_its_device_says(
    database: Database, quantity: str, unit: str, value: float, said: str
) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.readings(now(), [{"s": f"x/{quantity}", "v": value, "u": unit, "q": said}])])
    assert one(database.url, "SELECT quality FROM reading") == 2
    row = rows(database.url, "SELECT co2, temp, rh, light, noise, presence, state, air FROM space_now")
    assert row == [(*[None] * 6, "unknown", "unknown")]


def test_ordinary_values_are_good(database: Database) -> None:
    values = {"co2": 420.0, "temp": -12.0, "rh": 12.0, "light": 0.0, "noise": 29.0, "presence": 0.0}
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.telemetry(now(), values)])
    assert rows(database.url, "SELECT DISTINCT quality, state, current FROM series_now") == [(0, "ok", True)]


def test_of_two_sensors_the_good_one_counts(lane_database: Database) -> None:
    url = lane_database.url
    broken, good = device_in(url, "lab", "broken"), device_in(url, "lab", "good")
    at = now()
    commit(url, [broken.readings(at, [DOUBT]), good.telemetry(at, {"co2": 1200.0, "presence": 0.0})])
    assert rows(url, "SELECT co2, air, air_reason FROM space_now") == [(1200.0, "stuffy", None)]


def test_pages_judge_the_air_by_the_good_one_of_two_sensors(database: Database) -> None:
    """1200 ppm is stuffy air, also where another sensor gives 0 ppm: the mean of both would be fresh."""
    for name, readings in {"broken": [DOUBT, FREE], "good": [DOUBT | {"v": 1200, "q": "ok"}]}.items():
        commit(database.url, thirteen(device_in(database.url, "lab", name), *readings))
        commit(database.url, thirteen(Device(name), *readings, ago=timedelta(minutes=12)))

    found = told(database)

    assert "Stuffy air" in found.card
    assert not re.search(r"[Ff]resh|in doubt|\b0 ppm|\b600 ppm", found.card)
    assert (found.space["air"], found.space["air_reason"]) == ("stuffy", None)
    closed = [step for step in _steps(found) if step["n"]]
    assert closed
    assert {step["mean"] for step in closed} == {1200.0}


def test_reasons_tell_no_sensor_from_a_silent_one_and_one_in_doubt(lane_database: Database) -> None:
    url = lane_database.url
    names = ("none", "silent", "doubt", "good", "private")
    pis = {name: device_in(url, name) for name in names}
    with reading(url) as conn:
        conn.execute("UPDATE space SET personal = true WHERE id = 'private'")
    old = now() - timedelta(minutes=6)
    commit(
        url,
        [
            pis["silent"].telemetry(old, {"co2": 700.0, "presence": 1.0}),
            pis["doubt"].readings(now(), [DOUBT, {**FREE, "q": "suspect"}]),
            pis["good"].telemetry(now(), {"co2": 700.0, "presence": 1.0}),
            pis["private"].readings(now(), [DOUBT]),
        ],
    )
    found = {
        row[0]: row[1:] for row in rows(url, "SELECT space_id, air_reason, presence_reason FROM space_now")
    }
    assert found == {
        "none": ("no-sensor", "no-sensor"),
        "silent": ("silent", "silent"),
        "doubt": ("in-doubt", "in-doubt"),
        "good": (None, None),
        "private": (None, None),
    }


def test_five_minutes_leave_out_what_is_in_doubt_and_count_it(lane_database: Database) -> None:
    url = lane_database.url
    begin = datetime(2026, 3, 2, 8, tzinfo=UTC)
    pi = device_in(url, "lab")
    for n, value in enumerate((500.0, 65535.0, 700.0, 0.0, 0.0)):
        commit(url, [pi.telemetry(begin + timedelta(minutes=n), {"co2": value})])
    commit(url, [pi.telemetry(begin + timedelta(minutes=5), {"co2": 0.0})])
    assert rows(url, "SELECT bucket, n, mean, min, max, last, suspect FROM reading_5m ORDER BY 1") == [
        (begin, 2, 600.0, 500.0, 700.0, 700.0, 3),
        (begin + timedelta(minutes=5), 0, None, None, None, None, 1),
    ]


def test_evacuation_sees_no_all_clear_in_a_sensor_in_doubt(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.readings(now(), [{**FREE, "q": "suspect"}])])

    async def sensed() -> Any:
        async with await connect(database.url, name="test") as conn:
            ((place),) = await read_model.places(conn, datetime.now(UTC))
            return place.sensed

    found = asyncio.run(sensed())
    assert (found.provenance, found.somebody) == (Provenance.IN_DOUBT, None)


@pytest.fixture
def landed(empty_lane_database: Database) -> Database:
    """Give a database of the release before with 41 weeks of readings, and the means of that release."""
    url = empty_lane_database.url
    create_landed(url)
    with reading(url) as conn:
        conn.execute("INSERT INTO space (id, name, kind, capacity) VALUES ('lab', 'Lab', 'workshop', 8)")
        conn.execute("INSERT INTO device (id, space_id) VALUES ('lab-pi', 'lab')")
        conn.execute(
            "INSERT INTO series (device_id, name, quantity, unit) VALUES ('lab-pi', 'x/co2', 'co2', 'ppm')"
        )
        weeks = "timestamptz '2026-01-01 00:00Z' + n * interval '7 days', 1"
        good = f"SELECT {weeks}, 600, 0 FROM generate_series(0, 40, 2) n"  # noqa: S608 - both stand here
        bad = f"SELECT {weeks.replace('00:00Z', '00:01Z')}, 0, 2 FROM generate_series(0, 40) n"  # noqa: S608
        conn.execute(f"INSERT INTO reading (time, series_id, value, quality) {good} UNION ALL {bad}".encode())
        if detect(conn).engine is Engine.TIMESCALE_COMMUNITY:
            conn.execute("CALL refresh_continuous_aggregate('reading_5m', NULL, NULL)")
    return empty_lane_database


def test_upgrade_makes_the_means_of_a_year_again(landed: Database) -> None:
    url = landed.url
    with reading(url) as conn:
        assert conn.execute("SELECT min(min) FROM reading_5m").fetchone() == (0.0,)
    migrate(url)
    expected = (41, 21, 41, 600.0, 600.0)
    query = "SELECT count(*), sum(n)::int, sum(suspect)::int, min(min), max(mean) FROM reading_5m"
    assert rows(url, query) == [expected]
    with reading(url) as conn:
        if detect(conn).engine is not Engine.TIMESCALE_COMMUNITY:
            return
        jobs = "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name LIKE 'policy_refresh%'"
        ((job,),) = conn.execute(jobs).fetchall()
        conn.execute(f"CALL run_job({job})")
        assert conn.execute(query).fetchone() == expected, "the policy reaches back to the first reading"


def test_dashboards_say_whose_sensor_is_in_doubt(database: Database) -> None:
    from hubwell.dashboards.hub_now import hub_now  # noqa: PLC0415 - imports Grafana's model, for this test only

    pi = device_in(database.url, "lab")
    commit(database.url, thirteen(pi, DOUBT, FREE))
    panels = {panel.title: panel.sql for row in hub_now().rows for panel in row.panels}
    spaces = next(sql for title, sql in panels.items() if title.startswith("Spaces now"))
    devices = next(sql for title, sql in panels.items() if title.startswith("Devices"))
    in_words = next(sql for title, sql in panels.items() if title.startswith("The hub in words"))
    with reading(database.url) as conn:
        conn.execute("SELECT publish_shown()")  # as the worker does every half minute
        (row,) = conn.execute(spaces.encode()).fetchall()
        assert row[5] == row[-1] == "in-doubt", "the air, and why no alert is possible"
        assert "scd41/co2" in (conn.execute(devices.encode()).fetchone() or ())
        assert "Sensor in doubt: 1." in json.dumps(conn.execute(in_words.encode()).fetchall())
