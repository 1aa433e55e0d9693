"""Measure an alarm: from the officer's click to the complete list on the page, with 500 people inside.

A real `hubwell api` answers: the form is posted as the page posts it, the redirect followed, the list
rendered with names, and both recorded in the audit log. Closing each alarm before the next is not measured.
There is no warm-up, because an evacuation has none. Network and browser are not included.
"""

import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from psycopg import Connection

from hubwell.access import tokens
from hubwell.bench.outcome import Outcome
from hubwell.bench.scratch_environment import LOOPBACK, free_port, hubwell_command, port_open, process, stage
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect_sync, connection
from hubwell.vocabulary import Role, SpaceKind

TARGET_MS: Final = 3000.0
"""The slowest time from the click to the list."""
_PEOPLE: Final = 500
_SPACES: Final = 50
_ZONES: Final = 5
_ALARMS: Final = 8
_DAYS: Final = 20
"""Earlier visits of each person, one per day, from which the list has to select the open ones."""
_PATIENCE_S: Final = 60.0
_VISIT: Final = """
WITH inside AS (
    INSERT INTO person (kind, name)
    SELECT 'enrolled', 'Person ' || n FROM generate_series(1, %(people)s) n RETURNING id
), held AS (
    INSERT INTO credential (person_id, kind, label, valid)
    SELECT id, 'badge', 'Badge', tstzrange('2020-01-01', NULL) FROM inside
)
INSERT INTO visit (person_id, space_id, during, ended_by)
SELECT id, 'space-' || number %% %(spaces)s,
       tstzrange(start, CASE WHEN day > 0 THEN start + interval '2 hours' END),
       CASE WHEN day > 0 THEN 'tap' END
FROM (SELECT id, row_number() OVER () AS number FROM inside) everybody
CROSS JOIN generate_series(0, %(days)s) day
CROSS JOIN LATERAL (SELECT now() - interval '1 hour' - day * interval '1 day' AS start) began
"""
_SENSE: Final = """
WITH counter AS (
    INSERT INTO series (device_id, name, quantity, unit)
    SELECT id, 'ld2450/people/count', 'people/count', 'count' FROM device RETURNING id
)
INSERT INTO reading (time, series_id, value) SELECT now(), id, %(count)s FROM counter
"""


async def measure(settings: Settings) -> Outcome:
    """Return the median and the worst in milliseconds; the ratio is 3000 ms over the worst."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    async with stage(server) as scene:
        with connect_sync(scene.database_url, name="bench") as conn:
            _fill(conn)
            header = await _officer(scene.database_url)
            port = free_port()
            environment = {
                **scene.environment,
                "HUBWELL_HTTP_HOST": LOOPBACK,
                "HUBWELL_HTTP_PORT": str(port),
            }
            async with process(hubwell_command("api"), environment):
                await port_open(port)
                delays = await _alarms(conn, f"http://{LOOPBACK}:{port}", header)
    worst = max(delays)
    ratio = round(TARGET_MS / worst, 3)
    figures: dict[str, Any] = {
        "engine": str(scene.version.engine),
        "cpus": os.cpu_count(),
        "people": _PEOPLE,
        "spaces": _SPACES,
        "zones": _ZONES,
        "samples": len(delays),
        "median_ms": round(statistics.median(delays), 1),
        "worst_ms": round(worst, 1),
    }
    return Outcome(
        "muster", figures, {"3000 ms over worst": ratio}, {"3000 ms over worst": 1.0}, ratio >= 1.0
    )


def _fill(conn: Connection[Any]) -> None:
    for number in range(_SPACES):
        put_space(
            conn,
            space_id=f"space-{number}",
            name=f"Space {number}",
            kind=SpaceKind.WORKSHOP,
            capacity=_PEOPLE,
            zone=f"Zone {number % _ZONES}",
        )
        put_device(conn, device_id=f"sensor-{number}", space_id=f"space-{number}")
    conn.execute(_VISIT, {"people": _PEOPLE, "spaces": _SPACES, "days": _DAYS})
    conn.execute(_SENSE, {"count": _PEOPLE // _SPACES + 2})


async def _officer(url: str) -> dict[str, str]:
    """Return the request headers of a principal with the role osh."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    async with connection(url, name="bench") as conn:
        _, token = await tokens.add(conn, name="bench", roles=[Role.OSH], expires_at=soon)
    return {"authorization": f"Bearer {token}", "accept": "text/html"}


async def _alarms(conn: Connection[Any], address: str, header: dict[str, str]) -> list[float]:
    """Open and close alarms; return the milliseconds that the list of each took."""
    delays = []
    async with httpx.AsyncClient(
        base_url=address, headers=header, follow_redirects=True, timeout=_PATIENCE_S
    ) as client:
        for _ in range(_ALARMS):
            began = time.perf_counter()
            page = await client.post("/muster", data={"kind": "alarm"})
            delays.append((time.perf_counter() - began) * 1000)
            _check(page)
            (await client.post(f"/muster/{_open(conn)}/close")).raise_for_status()
    return delays


def _check(page: httpx.Response) -> None:
    """Raise RuntimeError unless all people are on the page, by name; httpx.HTTPStatusError."""
    page.raise_for_status()
    entries, names = page.text.count('<li id="person-'), page.text.count("<strong>Person ")
    if (entries, names) != (_PEOPLE, _PEOPLE):
        raise RuntimeError(
            f"{entries} people were listed, {names} by name, and not {_PEOPLE}: the measurement is void"
        )


def _open(conn: Connection[Any]) -> UUID:
    row = conn.execute("SELECT id FROM muster WHERE closed_at IS NULL").fetchone()
    if row is None:
        raise RuntimeError("no alarm was opened: the measurement is void")
    muster: UUID = row[0]
    return muster
