"""A made-up hub, written straight into a test's database: what the board looks like on an ordinary day."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from hubwell.privacy.publish_counts import window_of
from services.privacy.count_windows import publish

UNITS = {
    "co2": "ppm",
    "temp": "Cel",
    "rh": "%RH",
    "noise": "dB",
    "light": "lx",
    "presence": "/",
}
EVIDENCE = {
    "source": "ASR A3.6 (Lüftung) section 4.2, table 1: 1000-2000 ppm, check and improve airing",
    "unit": "ppm",
    "window_minutes": 15,
    "coverage": 0.98,
    "readings": 89,
    "occupied": True,
}


@dataclass
class Hub:
    """A door to the database for tests: spaces, devices, readings, visits, alerts, notifications."""

    conn: psycopg.Connection[Any]

    def space(self, space: str, name: str, kind: str, capacity: int, zone: str = "") -> None:
        self.conn.execute(
            "INSERT INTO space (id, name, kind, capacity, zone) VALUES (%s, %s, %s, %s, %s)",
            (space, name, kind, capacity, zone),
        )

    def device(self, device: str, space: str | None, *, heard: datetime | None = None) -> None:
        self.conn.execute("INSERT INTO device (id, space_id) VALUES (%s, %s)", (device, space))
        if heard is not None:
            self.heard(device, heard)

    def heard(self, device: str, at: datetime) -> int:
        row = self.conn.execute(
            "INSERT INTO stream (device_id, boot, last_received_at, received, last_seq) "
            "VALUES (%s, %s, %s, '{[1,100]}', 100) RETURNING id",
            (device, uuid4(), at),
        ).fetchone()
        assert row is not None
        self.conn.execute(
            "UPDATE device SET status = 'online', status_at = %s, "
            'meta = \'{"software": "hubwell-edge 0.1.0"}\' WHERE id = %s',
            (at, device),
        )
        return int(row[0])

    def series(self, device: str, quantity: str) -> int:
        row = self.conn.execute(
            "INSERT INTO series (device_id, name, quantity, unit) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT ON CONSTRAINT series_device_name DO UPDATE SET name = excluded.name RETURNING id",
            (device, f"sim/{quantity}", quantity, UNITS[quantity]),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def reading(self, device: str, quantity: str, value: float, at: datetime | None = None) -> None:
        self.readings(device, quantity, [(at or datetime.now(UTC), value)])

    def readings(self, device: str, quantity: str, values: list[tuple[datetime, float]]) -> None:
        series = self.series(device, quantity)
        self.conn.execute(
            "INSERT INTO reading (time, series_id, value) "
            "SELECT time, %s, value FROM unnest(%s::timestamptz[], %s::float8[]) AS new (time, value) "
            "ON CONFLICT DO NOTHING",
            (series, [time for time, _ in values], [float(value) for _, value in values]),
        )
        times = [time for time, _ in values]
        self.conn.execute(
            "INSERT INTO reading_change (series, first, last) VALUES (ARRAY[%s]::int[], %s, %s)",
            (series, min(times), max(times)),
        )

    def check_in(self, space: str, people: int, *, since: timedelta = timedelta(hours=1)) -> None:
        for _ in range(people):
            self.conn.execute(
                "WITH new AS (INSERT INTO person (kind) VALUES ('enrolled') RETURNING id) "
                "INSERT INTO visit (person_id, space_id, during) "
                "SELECT id, %s, tstzrange(now() - %s, NULL) FROM new",
                (space, since),
            )

    def alert(self, space: str, opened: datetime, *, resolved: datetime | None = None) -> str:
        row = self.conn.execute(
            "INSERT INTO episode "
            "(space_id, opened_at, resolved_at, evidence, rule, rule_version, value, peak) "
            "VALUES (%s, %s, %s, %s, 'co2-asr-a3.6', 1, 1084.2, 1312.9) RETURNING id",
            (space, opened, resolved, Jsonb(EVIDENCE)),
        ).fetchone()
        assert row is not None
        return str(row[0])

    def delivered(self, episode: str, space: str, at: datetime) -> int:
        row = self.conn.execute(
            "INSERT INTO event (type, occurred_at, space_id, payload) "
            "VALUES ('EpisodeOpened', %s, %s, %s) RETURNING id",
            (at, space, Jsonb({"episode_id": episode})),
        ).fetchone()
        assert row is not None
        self.conn.execute(
            "INSERT INTO delivery (event_id, channel, target, attempts, delivered_at) "
            "VALUES (%s, 'board', 'all', 1, %s)",
            (row[0], at),
        )
        return int(row[0])

    def notify(self, *spaces: str, alert: int | None = None) -> None:
        payload: dict[str, Any] = {"spaces": list(spaces)}
        if alert is not None:
            payload["alert"] = alert
        self.conn.execute("SELECT pg_notify(channel_name('hubwell_change'), %s)", (json.dumps(payload),))


ORDINARY = [
    # id, name, kind, capacity, zone, co2, temp, noise, somebody there, checked in
    ("wood-workshop", "Wood workshop", "workshop", 14, "Ground floor, north", 1184, 19.4, 68.2, 1, 7),
    ("metal-workshop", "Metal workshop", "workshop", 12, "Ground floor, north", 520, 18.8, 38.0, 0, 0),
    ("electronics", "Electronics lab", "workshop", 16, "First floor", 742, 21.6, 52.4, 1, 2),
    ("project-room", "Project room", "collaboration", 10, "First floor", 631, 21.2, 36.1, 0, 0),
    ("commons", "Learning commons", "collaboration", 40, "First floor", 878, 22.1, 56.8, 1, 23),
    ("studio", "Media studio", "collaboration", 8, "Second floor", 466, 20.9, 31.7, 0, 0),
    ("quiet-room", "Quiet room", "relaxation", 6, "Second floor", 598, 21.8, 29.5, 0, 0),
    ("cafe", "Café corner", "relaxation", 24, "Ground floor", 1460, 22.9, 63.0, 1, 0),
    ("library", "Reading corner", "relaxation", 12, "Second floor", 702, 21.4, 33.2, 0, 0),
]


def ordinary_day(conn: psycopg.Connection[Any], url: str, *, silent: str = "library") -> Hub:
    """Fill in nine spaces: free and used ones, one with an alert, one whose device went silent."""
    hub = Hub(conn)
    now = datetime.now(UTC)
    last = now - timedelta(hours=1, minutes=8)
    with conn.transaction():
        for number, (space, name, kind, capacity, zone, co2, temp, noise, somebody, people) in enumerate(
            ORDINARY
        ):
            device = f"{space}-1"
            at = last if space == silent else now - timedelta(seconds=4 + number)
            hub.space(space, name, kind, capacity, zone)
            hub.device(device, space, heard=at)
            closed = window_of(min(now, at)) - timedelta(minutes=1)  # what is shown is of closed windows
            day = [item for item in _day(now, at, co2, number) if item[0] < window_of(closed)]
            hub.readings(device, "co2", [*day, (closed, co2), (at, co2)])
            for quantity, value in {"temp": temp, "noise": noise, "rh": 41.0, "presence": somebody}.items():
                hub.readings(device, quantity, [(closed, value), (at, value)])
            hub.check_in(space, people)
        episode = hub.alert("wood-workshop", now - timedelta(minutes=22))
        hub.delivered(episode, "wood-workshop", now - timedelta(minutes=21))
        hub.alert("cafe", now - timedelta(hours=26), resolved=now - timedelta(hours=25, minutes=20))
    publish(url)
    return hub


def _day(now: datetime, until: datetime, target: float, number: int) -> list[tuple[datetime, float]]:
    """Readings of the last day, every five minutes, that end near `target`; two hours are missing in some."""
    values = []
    for step in range(288, 0, -1):
        at = now - timedelta(minutes=5 * step)
        if at > until or (number % 3 == 1 and 40 < step < 64):
            continue
        bump = 420 * max(0.0, math.sin((step + 37 * number) / 288 * math.tau * (2 + number % 3))) ** 2
        settle = (target - 430) * math.exp(-step / 14)
        values.append((at, 430 + bump * (1 - math.exp(-step / 20)) + settle + 9 * math.sin(step * 1.7)))
    return values
