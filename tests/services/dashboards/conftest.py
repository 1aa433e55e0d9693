"""A small hub with everything a panel must be able to say, and Grafana's macros."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

PEOPLE_IN_WORKSHOP = 6

_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")


@dataclass(frozen=True)
class Hub:
    """When the seeded hub is "now"."""

    now: datetime
    since: datetime


Seed = Callable[[psycopg.Connection[Any]], Hub]


@pytest.fixture
def seed() -> Seed:
    """Give the function that fills a database."""
    return seed_hub


@pytest.fixture
def expand() -> Callable[..., bytes]:
    """Give what Grafana's PostgreSQL data source does to a query before it sends it."""
    return expand_macros


def seed_hub(conn: psycopg.Connection[Any]) -> Hub:
    row = conn.execute("SELECT now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    conn.execute(
        """INSERT INTO space (id, name, kind, capacity, zone) VALUES
           ('wood', 'Wood workshop', 'workshop', 14, 'Ground floor'),
           ('library', 'Library', 'collaboration', 20, 'First floor'),
           ('quiet', 'Quiet room', 'relaxation', 6, ''),
           ('loft', 'Loft', 'relaxation', 8, '')"""
    )
    conn.execute(
        """INSERT INTO device (id, space_id, status, status_at) VALUES
           ('wood-1', 'wood', 'online', now()), ('library-1', 'library', 'online', now()),
           ('quiet-1', 'quiet', 'online', now() - interval '1 hour'), ('spare-1', NULL, 'unknown', NULL)"""
    )
    minute = timedelta(minutes=1)
    _device(
        conn, "wood-1", now, {"scd41/co2": ("co2", "ppm", 1450.0), "pir/presence": ("presence", "/", 1.0)}
    )
    _device(
        conn, "library-1", now, {"scd41/co2": ("co2", "ppm", 620.0), "pir/presence": ("presence", "/", 0.0)}
    )
    _device(conn, "quiet-1", now - 40 * minute, {"scd41/co2": ("co2", "ppm", 700.0)})
    conn.execute(
        "INSERT INTO series (device_id, name, quantity, unit)"
        " VALUES ('library-1', 'bme280/temp', 'temp', 'Cel')"
    )
    for _ in range(PEOPLE_IN_WORKSHOP):
        _visit(conn, "wood", now - 30 * minute)
    _visit(conn, "library", now - 30 * minute)
    conn.execute(  # what the gate made of it
        """INSERT INTO people_figure (scope, place, start, about, fullness, withheld) VALUES
           ('space', 'wood', now() - interval '9 minutes', 5, 'third', NULL),
           ('space', 'library', now() - interval '9 minutes', NULL, NULL, 'group'),
           ('hub', '', now() - interval '9 minutes', NULL, NULL, 'group')"""
    )
    _ledger(conn, now)
    conn.execute(
        """INSERT INTO episode (rule, rule_version, space_id, opened_at, resolved_at, value, peak, evidence)
           VALUES
           ('co2-asr-a3.6', 1, 'wood', now() - interval '20 minutes', NULL, 1010, 1450, '{}'),
           ('co2-asr-a3.6', 1, 'library', now() - interval '3 hours', now() - interval '2 hours', 1005, 1100,
            '{}')"""
    )
    return Hub(now, now - 6 * timedelta(hours=1))


def _device(
    conn: psycopg.Connection[Any], device: str, until: datetime, series: dict[str, tuple[str, str, float]]
) -> None:
    """Readings every minute of the hour up to `until`, with a quarter of an hour of silence in it."""
    conn.execute(
        "INSERT INTO stream (device_id, boot, first_received_at, last_received_at, received, last_seq)"
        " VALUES (%s, gen_random_uuid(), %s, %s, '{[1,61)}', 60)",
        [device, until - timedelta(hours=1), until],
    )
    for name, (quantity, unit, value) in series.items():
        conn.execute(
            """WITH added AS (
                   INSERT INTO series (device_id, name, quantity, unit) VALUES (%s, %s, %s, %s) RETURNING id
               )
               INSERT INTO reading (time, series_id, value)
               SELECT %s::timestamptz - minute * interval '1 minute', id, %s::float8
               FROM added, generate_series(0, 59) AS minute WHERE minute NOT BETWEEN 20 AND 34""",
            [device, name, quantity, unit, until, value],
        )


def _visit(conn: psycopg.Connection[Any], space: str, since: datetime) -> None:
    conn.execute(
        """WITH new AS (INSERT INTO person (kind) VALUES ('enrolled') RETURNING id)
           INSERT INTO visit (person_id, space_id, during) SELECT id, %s, tstzrange(%s, NULL) FROM new""",
        [space, since],
    )


def _ledger(conn: psycopg.Connection[Any], now: datetime) -> None:
    """Ten messages, one of them twice; two rejected; three declared lost; four missing."""
    conn.execute(
        """INSERT INTO message (stream_id, seq, id, time, received_at, kind, verdict, readings, copies)
           SELECT s.id, seq, gen_random_uuid(), %(now)s, %(now)s, 'telemetry', 'stored', 2,
                  CASE seq WHEN 5 THEN 2 ELSE 1 END
           FROM stream s, generate_series(1, 10) AS seq WHERE s.device_id = 'wood-1'""",
        {"now": now},
    )
    conn.execute(
        """INSERT INTO rejected (digest, topic, device_id, code, reason, payload, size, first_at) VALUES
           ('\\x01', 't', 'wood-1', 'not-json', 'badge 04A2B3', '{"badge":"04A2B3"}', 18, %(now)s),
           ('\\x02', 't', NULL, 'unknown-device', 'no such device', '{}', 2, %(now)s)""",
        {"now": now},
    )
    conn.execute(
        """UPDATE stream SET received = '{[1,11),[14,16)}', declared = '{[11,14)}', last_seq = 19
           WHERE device_id = 'wood-1'"""
    )
    conn.execute(
        """INSERT INTO gap (stream_id, seq, seqs, cause, count, declared_at)
           SELECT id, 14, '[11,14)', 'outbox-full', 3, %s FROM stream WHERE device_id = 'wood-1'""",
        [now],
    )


def expand_macros(sql: str, *, since: datetime, until: datetime, interval: str) -> bytes:
    """Replace the macros that the dashboards use. Raises ValueError for any other, as Grafana would."""

    def one(match: re.Match[str]) -> str:
        name, argument = match.groups()
        match name:
            case "__timeFilter":
                return f"{argument} BETWEEN '{_rfc3339(since)}' AND '{_rfc3339(until)}'"
            case "__timeFrom":
                return f"'{_rfc3339(since)}'"
            case "__timeTo":
                return f"'{_rfc3339(until)}'"
            case _:
                raise ValueError(f"unknown macro {name!r}")

    expanded = _MACRO.sub(one, sql.replace("$__interval", interval))
    if "$" in expanded or "[[" in expanded:
        raise ValueError(f"Grafana would look for a variable in: {expanded}")
    return expanded.encode()


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
