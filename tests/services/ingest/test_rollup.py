"""The table of hours equals the readings, whatever was written, in which order, and however late."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean
from typing import Any, Final

import psycopg
import pytest

from feed.ingest_setup import commit, device_in, one, reading, roll_up, rows
from feed.simulated_device import Device
from hubwell.privacy import retention
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.storage.migrate import migrate
from lanes.database_lane import Database

BEGIN: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
STORED: Final = "SELECT * FROM reading_hour ORDER BY series_id, hour"
READ: Final = """
    SELECT h.*
    FROM reading_hours((SELECT array_agg(id) FROM series), '2026-01-01 00:00Z', '2027-01-01 00:00Z') h
    ORDER BY series_id, hour
"""


def expected(url: str) -> dict[tuple[int, datetime], tuple[Any, ...]]:
    """Add up in Python: (known, raised, n, mean, min, max, suspect, steps, their means)."""
    series = {row[0]: row[1:] for row in rows(url, "SELECT id, quantity FROM series")}
    hours: dict[tuple[int, datetime], dict[int, list[tuple[float, int]]]] = {}
    for time, of, value, quality in rows(url, "SELECT time, series_id, value, quality FROM reading"):
        hour = time.replace(minute=0, second=0, microsecond=0)
        hours.setdefault((of, hour), {}).setdefault(time.minute // 5, []).append((value, quality))
    found = {}
    for (of, hour), steps in hours.items():
        good = {step: [value for value, quality in of_step if quality < 2] for step, of_step in steps.items()}
        means = {step: fmean(values) if values else None for step, values in good.items()}
        everything = [value for values in good.values() for value in values]
        co2 = series[of][0] == "co2"
        raised = [
            step
            for step, mean in means.items()
            if mean is not None
            and (mean >= 1000 if co2 else series[of][0] == "presence" and max(good[step]) > 0)
        ]
        found[of, hour] = (
            sum(1 << step for step, values in good.items() if values),
            sum(1 << step for step in raised),
            len(everything),
            pytest.approx(fmean(everything)) if everything else None,
            min(everything, default=None),
            max(everything, default=None),
            sum(len(of_step) for of_step in steps.values()) - len(everything),
            sorted(steps),
            [pytest.approx(means[step]) if means[step] is not None else None for step in sorted(steps)],
        )
    return found


def short(of: list[tuple[Any, ...]]) -> dict[tuple[int, datetime], tuple[Any, ...]]:
    return {(row[0], row[1]): (*row[2:10], row[11]) for row in of}


def test_hours_say_what_the_readings_say(lane_database: Database) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    values = [900.0, 1100.0, 0.0, 1300.0]  # 0 ppm cannot be: in doubt
    commit(url, [pi.telemetry(BEGIN + n * 4 * MINUTE, {"co2": value}) for n, value in enumerate(values)])
    roll_up(url)
    ((hour, known, raised, n, mean, least, most, suspect, steps, means),) = rows(
        url, "SELECT hour, known, raised, n, mean, min, max, suspect, steps, step_mean FROM reading_hour"
    )
    assert (hour, n, mean, least, most, suspect) == (BEGIN, 3, 1100.0, 900.0, 1300.0, 1)
    assert (known, raised) == (0b101, 0b101)  # 8:00 and 8:04 are 1000 on average, 8:08 is in doubt
    assert (steps, means) == ([0, 1, 2], [1000.0, None, 1300.0])


@pytest.mark.parametrize("seed", range(3))
def test_rollup_equals_recomputation_after_random_writes(lane_database: Database, seed: int) -> None:
    """Batches in any order, late ones, copies, values in doubt, a sensor that sticks; a run now and then."""
    url, random = lane_database.url, Random(seed)
    pis = [device_in(url, "lab", f"pi-{n}") for n in range(2)]
    moments = [BEGIN + n * MINUTE * 3 for n in range(100)]
    random.shuffle(moments)
    for batch in range(10):
        messages = [_message(random, random.choice(pis), at) for at in moments[batch * 10 : batch * 10 + 10]]
        commit(url, messages)
        if random.random() < 0.3:
            commit(url, messages)  # the broker delivers again
        if random.random() < 0.4:
            roll_up(url)
        assert short(rows(url, READ)) == expected(url), "what is read is right, added up or not"
    roll_up(url)
    assert one(url, "SELECT count(*) FROM reading_change") == 0
    assert short(rows(url, STORED)) == expected(url)


def _message(random: Random, pi: Device, at: datetime) -> Any:
    co2 = random.choice([0.0, 65535.0, 812.0, 812.0, 812.0, random.uniform(400, 2500)])
    return pi.telemetry(
        at, {"co2": co2, "presence": float(random.random() < 0.4), "temp": random.uniform(15, 30)}
    )


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 1e200, 5e-324])
def test_absurd_values_of_one_device_do_not_stop_the_others(lane_database: Database, value: float) -> None:
    url = lane_database.url
    broken, good = device_in(url, "lab", "broken"), device_in(url, "lab", "good")
    absurd = [{"s": "adc/voltage", "v": value, "u": "V"}, {"s": "scd41/co2", "v": value, "u": "ppm"}]
    commit(url, [broken.readings(BEGIN + n * MINUTE, absurd) for n in range(9)])
    commit(url, [good.telemetry(BEGIN, {"co2": 700.0})])
    roll_up(url)
    assert one(url, "SELECT count(*) FROM reading_change") == 0
    assert one(url, "SELECT count(*) FROM reading_hour WHERE mean = 700") == 1


def test_correction_of_older_readings_reaches_their_hours(lane_database: Database) -> None:
    """A value that never changes is found out later, and the mark goes back in time."""
    url = lane_database.url
    pi = device_in(url, "lab")
    for n in range(60):
        commit(url, [pi.telemetry(BEGIN + n * 5 * MINUTE, {"temp": 21.5})])
        if n % 20 == 0:
            roll_up(url)
    roll_up(url)
    assert short(rows(url, STORED)) == expected(url)


def test_writer_that_has_not_committed_is_added_up_after_it_has(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab")
    commit(url, [pi.telemetry(BEGIN, {"co2": 500.0})])
    series = one(url, "SELECT id FROM series")
    with psycopg.connect(url) as writer:
        writer.execute("INSERT INTO reading VALUES (%s, %s, 700, 0)", (BEGIN + MINUTE, series))
        note = "INSERT INTO reading_change (series, first, last) VALUES (%s, %s, %s)"
        writer.execute(note, ([series], BEGIN, BEGIN + HOUR - MINUTE))
        roll_up(url)
        assert one(url, "SELECT n FROM reading_hour") == 1
        writer.commit()
    assert [row[4] for row in rows(url, READ)] == [2]
    roll_up(url)
    assert one(url, "SELECT n FROM reading_hour") == 2


def test_retention_and_removal_reach_the_hours(lane_database: Database) -> None:
    url = lane_database.url
    old, young = BEGIN - timedelta(days=40), BEGIN - timedelta(days=1)
    for name, at in {"old": old, "young": young}.items():
        commit(url, [device_in(url, "lab", name).telemetry(at, {"co2": 600.0})])
    roll_up(url)
    assert one(url, "SELECT count(*) FROM reading_hour") == 2

    async def delete() -> None:
        settings = Settings(database_url=url, retention={"reading": "30d"})
        async with await connect(url, name="test") as conn, conn.transaction():
            await retention.run(conn, BEGIN, settings, {"reading"})

    asyncio.run(delete())
    assert rows(url, "SELECT hour FROM reading_hour") == [(young,)]
    assert short(rows(url, READ)) == expected(url)
    with reading(url) as conn:
        conn.execute("DELETE FROM reading")
        conn.execute("DELETE FROM series")
    assert one(url, "SELECT count(*) FROM reading_hour") == 0


def test_what_is_added_up_is_read_without_its_readings(lane_database: Database) -> None:
    """A month is rows of hours: this one has no readings any more, and is the same."""
    url = lane_database.url
    pi = device_in(url, "lab")
    commit(url, [pi.telemetry(BEGIN + n * 6 * HOUR, {"co2": 600.0 + n}) for n in range(120)])
    roll_up(url)
    before = rows(url, READ)
    with reading(url) as conn:
        conn.execute("DELETE FROM reading")  # as no code of ours does it: without a note
    assert len(before) == 120
    assert rows(url, READ) == before


def test_upgrade_adds_up_what_was_stored_before(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    migrate(url, "0010")
    with reading(url) as conn:
        conn.execute("INSERT INTO space (id, name, kind, capacity) VALUES ('lab', 'Lab', 'workshop', 8)")
        conn.execute("INSERT INTO device (id, space_id) VALUES ('pi', 'lab')")
        conn.execute(
            "INSERT INTO series (device_id, name, quantity, unit) VALUES ('pi', 'x/co2', 'co2', 'ppm')"
        )
        conn.execute(
            "INSERT INTO reading SELECT timestamptz '2026-03-02 08:00Z' + n * interval '7 hours', "
            "1, 600 + n, n % 3 FROM generate_series(0, 99) n"
        )
    migrate(url)
    assert short(rows(url, READ)) == expected(url), "right before anything is added up"
    roll_up(url)
    assert one(url, "SELECT count(*) FROM reading_change") == 0
    assert short(rows(url, STORED)) == expected(url)
