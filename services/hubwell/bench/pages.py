"""Measure the pages of fifty spaces with a month of readings: time at the server, and bytes of a first view.

A real `hubwell api` answers on loopback. Six series of each space have a reading a minute in the last two
days, and one each five minutes before. They are added up as the worker does it, which is measured too. The
first answer of each page is not counted: it compiles templates.
"""

import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from psycopg import Connection

from hubwell.access import tokens
from hubwell.bench.machine_speed import MachineSpeed
from hubwell.bench.outcome import Outcome
from hubwell.bench.scratch_environment import LOOPBACK, free_port, hubwell_command, port_open, process, stage
from hubwell.ingest import rollup
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect_sync, connection
from hubwell.vocabulary import Role, SpaceKind

TARGET_MS: Final = 200.0
"""The median of the slowest page, on the machine of `machine_speed`."""
TARGET_BYTES: Final = 25_000
"""A first view of the board, compressed: the page with its styles and scripts."""
_SPACES: Final = 50
_ZONES: Final = 5
_ROUNDS: Final = 9
_PATIENCE_S: Final = 120.0
_BOOKINGS: Final = ("/bookings", "/bookings/timeline", "/bookings/timeline?view=week")
"""Their bytes are measured too, with five bookings a day of each space."""
_PAGES: Final = (
    "/",
    "/?view=table",
    "/?view=plan",
    "/devices",
    "/alerts",
    "/wall",
    "/panel/space-7",
    "/spaces/space-7",
    "/spaces/space-7?days=7",
    "/spaces/space-7?days=30",
    "/use",
    "/bookings",
    "/bookings/timeline",
)
_PLAN: Final = """
WITH plan AS (
    INSERT INTO floor_plan (name, position, media_type, width, height, is_paper, digest, picture)
    VALUES ('Floor', 1, 'image/svg+xml', 2400, 1600, true, repeat('ab', 32), '<svg xmlns="http://www.w3.org/2000/svg"/>')
    RETURNING id
)
INSERT INTO space_place SELECT space.id, plan.id, random() * 100, random() * 100 FROM space CROSS JOIN plan
"""
_BOOKED: Final = """
WITH made AS (
    INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at)
    SELECT a.space_id, ARRAY[a.id], tstzrange(begins, begins + interval '90 minutes'), 'Course ' || a.id,
           true, 5, '', now(), now()
    FROM atom a, generate_series(
        date_trunc('day', now()) + interval '8 hours', now() + interval '7 days', interval '2 hours'
    ) begins
    WHERE extract(hour FROM begins) BETWEEN 8 AND 16
    RETURNING id, atoms, during
)
INSERT INTO hold (booking_id, atom_id, during) SELECT id, atoms[1], during FROM made
"""
_SERIES: Final = """
INSERT INTO series (device_id, name, quantity, unit)
SELECT id, part || '/' || quantity, quantity, unit FROM device CROSS JOIN (
    VALUES ('scd41', 'co2', 'ppm'), ('scd41', 'temp', 'Cel'), ('scd41', 'rh', '%RH'), ('mic', 'noise', 'dB'),
           ('bh1750', 'light', 'lx'), ('pir', 'presence', '/')
) part (part, quantity, unit)
"""
_MONTH: Final = """
INSERT INTO reading (time, series_id, value)
SELECT moment, s.id, CASE quantity WHEN 'co2' THEN 700 + 500 * wave WHEN 'temp' THEN 21 + wave
    WHEN 'rh' THEN 45 + 5 * wave WHEN 'noise' THEN 45 + 12 * wave WHEN 'light' THEN 300 + 200 * wave
    ELSE (wave > 0.2)::int END
FROM (
    SELECT generate_series(now() - interval '30 days', now() - interval '2 days', interval '5 minutes')
    UNION ALL
    SELECT generate_series(now() - interval '2 days' + interval '1 minute', now(), interval '1 minute')
) every (moment)
CROSS JOIN series s
CROSS JOIN LATERAL (SELECT sin(extract(epoch FROM moment) / 7000 + s.id)) w (wave)
"""
_NOTES: Final = """
INSERT INTO reading_change (series, first, last)
SELECT array_agg(s.id), day, day + interval '1 day' - interval '1 microsecond'
FROM series s
CROSS JOIN generate_series(date_trunc('day', now() - interval '30 days'), now(), interval '1 day') day
GROUP BY day, s.device_id ORDER BY day
"""


async def measure(settings: Settings) -> Outcome:
    """Return the median of each page in milliseconds; ratios are the targets over what was measured."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    machine = MachineSpeed()
    async with stage(server) as scene:
        with connect_sync(scene.database_url, name="bench") as conn:
            readings = _fill(conn)
        added_up_s = await _add_up(scene.database_url, settings)
        header = await _principal(scene.database_url)
        port = free_port()
        environment = {**scene.environment, "HUBWELL_HTTP_HOST": LOOPBACK, "HUBWELL_HTTP_PORT": str(port)}
        async with process(hubwell_command("api"), environment):
            await port_open(port)
            async with httpx.AsyncClient(
                base_url=f"http://{LOOPBACK}:{port}", headers=header, timeout=_PATIENCE_S
            ) as client:
                medians = {page: await _median(client, page, machine) for page in _PAGES}
                size = await _first_view(client)
                weights = {page: await _weight(client, page) for page in _BOOKINGS}
    slowest = max(medians.values())
    ratio = {
        "200 ms over slowest page": round(TARGET_MS * machine.slowness / slowest, 3),
        "25 kB over first view": round(TARGET_BYTES / size, 3),
    }
    figures: dict[str, Any] = {
        "engine": str(scene.version.engine),
        "cpus": os.cpu_count(),
        "spaces": _SPACES,
        "readings": readings,
        "added_up_s": round(added_up_s, 1),
        "samples": _ROUNDS,
        "first_view_bytes": size,
        "machine_ms": round(machine.work_ms, 2),
        "machine_slowness": round(machine.slowness, 2),
        **{f"median_ms {page}": round(median, 1) for page, median in medians.items()},
        **{f"bytes {page}": weight for page, weight in weights.items()},
    }
    return Outcome("pages", figures, ratio, dict.fromkeys(ratio, 1.0), min(ratio.values()) >= 1.0)


def _fill(conn: Connection[Any]) -> int:
    kinds = list(SpaceKind)
    for number in range(_SPACES):
        put_space(
            conn,
            space_id=f"space-{number}",
            name=f"Space {number}",
            kind=kinds[number % len(kinds)],
            capacity=12,
            zone=f"Zone {number % _ZONES}",
        )
        put_device(conn, device_id=f"sensor-{number}", space_id=f"space-{number}")
    conn.execute(_PLAN)
    conn.execute(_BOOKED)
    conn.execute(_SERIES)
    rows = conn.execute(_MONTH).rowcount
    conn.execute(_NOTES)
    conn.execute("ANALYZE")
    return rows


async def _add_up(url: str, settings: Settings) -> float:
    """Run the worker's job until nothing is left; return the seconds that it took."""
    begin = time.perf_counter()
    async with connection(url, name="bench") as conn:
        left = 1
        while left:
            async with conn.transaction():
                await rollup.roll_up(conn, datetime.now(UTC), settings)
            row = await (await conn.execute("SELECT count(*) FROM reading_change")).fetchone()
            left = row[0] if row else 0
        await conn.execute("VACUUM ANALYZE reading_hour")  # as autovacuum does
    return time.perf_counter() - begin


async def _principal(url: str) -> dict[str, str]:
    soon = datetime.now(UTC) + timedelta(hours=1)
    async with connection(url, name="bench") as conn:
        _, token = await tokens.add(conn, name="bench", roles=[Role.FACILITIES], expires_at=soon)
    return {"authorization": f"Bearer {token}", "accept": "text/html"}


async def _median(client: httpx.AsyncClient, page: str, machine: MachineSpeed) -> float:
    delays = []
    for _ in range(_ROUNDS + 1):
        machine.sample()
        begin = time.perf_counter()
        answer = await client.get(page)
        delays.append((time.perf_counter() - begin) * 1000)
        answer.raise_for_status()
    return statistics.median(delays[1:])


async def _first_view(client: httpx.AsyncClient) -> int:
    """Return the bytes of the board for a visitor, with what it loads."""
    return await _weight(client, "/", {"authorization": ""})


async def _weight(client: httpx.AsyncClient, page: str, headers: dict[str, str] | None = None) -> int:
    """Return the bytes of a page and of what it loads, as they are sent; no icon for a home screen."""
    answer = await client.get(page, headers=headers)
    found = [
        part.partition('"')[0] for part in answer.text.replace('src="', 'href="').split('href="/static/')[1:]
    ]
    size = answer.num_bytes_downloaded
    for name in (name for name in dict.fromkeys(found) if ".png" not in name):
        size += (await client.get(f"/static/{name}")).num_bytes_downloaded
    return size
