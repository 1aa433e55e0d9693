"""Measure the search for free spaces and for the dates of a series, in 500 spaces with a year of bookings.

What is timed is what page and API call (`free_spaces.offers`), and the one statement about thirty dates, for
one space (`free.conflicts_of_terms`) and for all of them (`free.held_in_terms`). The bookings are made by the
database itself: the constraints of holds are taken away and come back, checked, before anything is timed.
"""

import os
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection, Connection, sql

from hubwell.api import free_spaces
from hubwell.bench.machine_speed import MachineSpeed
from hubwell.bench.outcome import Outcome
from hubwell.bench.scratch_environment import stage
from hubwell.booking import free
from hubwell.booking.rules import Term
from hubwell.settings import Settings
from hubwell.storage.connect import connect_sync, connection

TARGET_MS: Final = 20.0
"""The slowest search but one in twenty, on the machine of `machine_speed`."""
SERIES_TARGET_MS: Final = 50.0
"""The same of thirty dates."""
_SPACES: Final = 500
_DATES: Final = 30
_SAMPLES: Final = 200
_WEEK: Final = timedelta(days=7)
_FILL: Final = (
    # Half of the spaces have opening hours, a third has a turnaround, a tenth has four parts.
    """INSERT INTO space (id, name, kind, capacity, position, opens_at, closes_at, turnaround_min)
    SELECT 'space-' || n, 'Space ' || n, (space_kinds())[1 + n %% cardinality(space_kinds())], 4 + n %% 37, n,
           CASE WHEN n %% 2 = 0 THEN '07:00'::time END, CASE WHEN n %% 2 = 0 THEN '22:00'::time END,
           CASE WHEN n %% 3 = 0 THEN 15 ELSE 0 END
    FROM generate_series(1, %(spaces)s) n""",
    """INSERT INTO atom (space_id, position, name)
    SELECT 'space-' || n, p, 'Part ' || p
    FROM generate_series(10, %(spaces)s, 10) n CROSS JOIN generate_series(2, 4) p""",
    # Each atom has at most one booking in each three hours of a day, so that none overlap.
    """CREATE TEMPORARY TABLE made AS
    SELECT gen_random_uuid() AS id, a.space_id, a.id AS atom,
           s.turnaround_min * interval '1 minute' AS turnaround,
           day + slot * interval '3 hours' + floor(random() * 12) * interval '5 minutes' AS start,
           (6 + floor(random() * 12)) * interval '5 minutes' AS length
    FROM generate_series(date_trunc('day', now()), now() + interval '364 days', interval '1 day') day
    CROSS JOIN generate_series(2, 5) slot CROSS JOIN atom a JOIN space s ON s.id = a.space_id
    WHERE random() < 0.808""",
    """INSERT INTO booking (id, space_id, atoms, during, title, shows_title, people, owner, created_at,
                         changed_at)
    SELECT id, space_id, ARRAY[atom], tstzrange(start, start + length), 'Course', true, 4, '', now(), now()
    FROM made""",
    """INSERT INTO hold (booking_id, atom_id, during)
    SELECT id, atom, tstzrange(start, start + length + turnaround) FROM made""",
)
_CONSTRAINTS: Final = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid IN ('booking'::regclass, 'hold'::regclass) AND contype IN ('f', 'x') ORDER BY contype, conname
"""


async def measure(settings: Settings) -> Outcome:
    """Return 95th percentiles in milliseconds; ratios are the targets over what was measured."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    dice, machine = random.Random(7), MachineSpeed()  # noqa: S311 - not a secret
    async with stage(server) as scene:
        began = time.perf_counter()
        with connect_sync(scene.database_url, name="bench") as conn:
            holds = _fill(conn)
        filled_s = time.perf_counter() - began
        async with connection(scene.database_url, name="bench") as conn:
            offered: list[int] = []
            search = await _timed(machine, lambda: _search(conn, dice, offered))
            atoms = await _atoms_by_space(conn)
            series = await _timed(
                machine, lambda: free.conflicts_of_terms(conn, dice.choice(atoms), _dates(dice))
            )
            everywhere = await _timed(machine, lambda: free.held_in_terms(conn, _dates(dice)))
    p95 = [_percentile(times, 95) for times in (search, series, everywhere)]
    ratio = {
        "20 ms over the search": round(TARGET_MS * machine.slowness / p95[0], 3),
        "50 ms over thirty dates": round(SERIES_TARGET_MS * machine.slowness / max(p95[1:]), 3),
    }
    figures: dict[str, Any] = {
        "engine": str(scene.version.engine),
        "cpus": os.cpu_count(),
        "spaces": _SPACES,
        "holds": holds,
        "filled_s": round(filled_s, 1),
        "samples": _SAMPLES,
        "offered_median": sorted(offered)[len(offered) // 2],
        "machine_ms": round(machine.work_ms, 2),
        "machine_slowness": round(machine.slowness, 2),
        "search_p50_ms": round(_percentile(search, 50), 2),
        "search_p95_ms": round(p95[0], 2),
        "series_p50_ms": round(_percentile(series, 50), 2),
        "series_p95_ms": round(p95[1], 2),
        "series_of_all_spaces_p50_ms": round(_percentile(everywhere, 50), 2),
        "series_of_all_spaces_p95_ms": round(p95[2], 2),
    }
    return Outcome("search", figures, ratio, dict.fromkeys(ratio, 1.0), min(ratio.values()) >= 1.0)


def _fill(conn: Connection[Any]) -> int:
    """Fill spaces and bookings; return the number of holds."""
    constraints = conn.execute(_CONSTRAINTS).fetchall()
    for table, name, _definition in constraints:
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        conn.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
    conn.execute("SET maintenance_work_mem = '256MB'")
    rows = 0
    for statement in _FILL:
        rows = conn.execute(statement, {"spaces": _SPACES}).rowcount
    for table, name, definition in constraints:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        conn.execute(add.format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)))
    conn.execute("VACUUM ANALYZE space, atom, booking, hold")
    return rows


async def _timed(machine: MachineSpeed, ask: Callable[[], Awaitable[object]]) -> list[float]:
    """Return the milliseconds of each sample; ten before them are not counted."""
    times = []
    for _ in range(_SAMPLES + 10):
        machine.sample()
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1000)
    return times[10:]


async def _search(conn: AsyncConnection[Any], dice: random.Random, offered: list[int]) -> None:
    now = datetime.now(UTC)
    start = _moment(dice, now, 1, 360)
    term = Term(start, start + timedelta(minutes=dice.choice((30, 60, 90, 180))))
    offers = await free_spaces.offers(conn, term, dice.randint(1, 20), ZoneInfo("Europe/Helsinki"), now)
    offered.append(len(offers))


def _dates(dice: random.Random) -> list[Term]:
    start = _moment(dice, datetime.now(UTC), 1, 150)
    return [
        Term(start + number * _WEEK, start + number * _WEEK + timedelta(minutes=90))
        for number in range(_DATES)
    ]


def _moment(dice: random.Random, now: datetime, first: int, last: int) -> datetime:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=dice.randint(first, last))
    return day + timedelta(minutes=15 * dice.randint(6 * 4, 17 * 4))


async def _atoms_by_space(conn: AsyncConnection[Any]) -> list[list[int]]:
    rows = await conn.execute(
        "SELECT array_agg(id ORDER BY id) FROM atom GROUP BY space_id ORDER BY space_id"
    )
    return [row[0] for row in await rows.fetchall()]


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
