"""Two worlds that differ in one person's presence, and all that somebody in a role can look at in them."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import psycopg
from fastapi.routing import iter_route_contexts
from psycopg import sql

from feed.enrolled_people import enrol
from feed.ingest_setup import commit, device_in
from feed.simulated_device import Device, Packet
from hubwell.dashboards.files import dashboards
from services.access.running_app import House
from services.privacy.count_windows import publish

SPACES = {"hall": "north", "lab": "north", "den": "south", "loft": ""}
READER = Path(__file__).resolve().parents[3] / "dashboards" / "database" / "grafana_reader.sql"
# What a clock changes between two looks at the same world: ages, the time of the look, one-time tokens.
_CLOCK = re.compile(
    r"\d+ (?:second|minute)s? ago|As of [^<]*|\"age_s\":[\d.]+|name=\"csrf\" value=\"[^\"]*\""
    r"|\"(?:from|to)\":\"[^\"]*\"|\"made_at\": \"[^\"]*\"|Made on [^.]*|id=\"printed\">[^<]*"
    r"|id=\"clock\">[^<]*|data-at=\"[^\"]*\"|data-csrf=\"[^\"]*\"|class=\"now [^\"]*\""
)
_LEFT_OUT = (
    # Streams never end; they are watched in a test of their own.
    *("/live", "/api/v1/stream", "/bookings/live", "/desk/live", "/muster/live"),
    *("/setup", "/account"),  # count how often one tried, and say when one signed in
    *("/screen", "/screen/now"),  # give each browser a code of its own
    "/static/{name}",
)
_QUERIES = {
    "/": ("", "?find=1&people=2", "?people=30&find=1&quiet=1"),
    "/api/v1/people": ("", "?scope=space", "?scope=zone&place=north", "?scope=hub"),
    "/api/v1/spaces/{space_id}/readings": ("", "?resolution=raw", "?resolution=1m", "?resolution=1h"),
}
_TABLES = (
    *("space_published", "series_published", "space", "series", "people_figure", "device_published"),
    *("episode_published", "ledger_published", "ledger_complete_published"),
)


@dataclass
class Worlds:
    """The hub: its devices, a crowd, and somebody whose presence is the secret."""

    url: str
    devices: dict[str, Device] = field(default_factory=dict)
    planted: str = ""
    badge: bytes = b""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    refused: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Addresses that are not for a role, by role."""

    def begin(self) -> None:
        """Register spaces and devices, each with readings of a space in use."""
        for space, zone in SPACES.items():
            self.devices[space] = device_in(self.url, space, capacity=30)
            self.write("UPDATE space SET zone = %s WHERE id = %s", zone, space)
        self.measure(datetime.now(UTC))

    def measure(self, now: datetime) -> None:
        """Let each device measure that its space is in use."""
        values = {"presence": 1.0, "co2": 700.0, "temp": 21.0}
        self.commit(*(device.telemetry(now, values) for device in self.devices.values()))

    def crowd(self, people: dict[str, int], badge: bytes) -> None:
        """Begin anew: these people came 70 minutes ago; somebody is enrolled, and not there."""
        self.write("DELETE FROM person")
        self.badge = badge
        self.planted = str(enrol(self.url, badge, name="Planted Person"))
        for space, count in people.items():
            self.write(
                """WITH new AS (
                       INSERT INTO person (kind) SELECT 'enrolled' FROM generate_series(1, %s) RETURNING id
                   ) INSERT INTO visit (person_id, space_id, during)
                   SELECT id, %s, tstzrange(now() - interval '70 minutes', NULL) FROM new""",
                count,
                space,
            )

    def windows(self, until: datetime, *, anew: bool = False) -> None:
        """Close the windows up to a time; `anew` forgets what was published."""
        if anew:
            self.write("DELETE FROM people_figure")
            self.write("DELETE FROM people_gate")
        publish(self.url, until)

    def tap(self, space: str, *times: datetime) -> None:
        """Let the planted person tap, through the real ingest."""
        self.commit(*(self.devices[space].tap(at, self.badge) for at in times))

    def commit(self, *packets: Packet) -> None:
        """Commit messages; also from within an event loop."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(commit, self.url, list(packets)).result()

    def write(self, query: str, *values: object) -> None:
        """Change something behind the hub's back."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(query.encode(), values)


def paths(house: House, planted: str) -> Iterator[str]:
    """Yield every address that can be looked at, with every space, device and person that it can name."""
    known = {
        "space_id": tuple(SPACES),
        "person_id": (planted,),
        "ending": ("csv", "json", "html", "md"),
    }
    for route in iter_route_contexts(house.app.routes):
        if "GET" not in (route.methods or ()) or route.path in _LEFT_OUT or route.path is None:
            continue
        names = re.findall(r"\{(\w+)\}", route.path)
        for values in product(*(known.get(name, ("1",)) for name in names)):
            path = route.path.format(**dict(zip(names, values, strict=True)))
            yield from (path + query for query in _QUERIES.get(route.path, ("",)))


async def seen_by(client: httpx.AsyncClient, addresses: list[str]) -> dict[str, str]:
    """Return what a visitor is answered at each address, without what only the clock changes."""
    limit = asyncio.Semaphore(4)

    async def one(path: str) -> str:
        async with limit:
            answer = await client.get(path)
        return f"{answer.status_code} {answer.headers.get('location', '')} {_CLOCK.sub('', answer.text)}"

    return dict(zip(addresses, await asyncio.gather(*map(one, addresses)), strict=True))


def seen_by_grafana(url: str, expand: Any, now: datetime) -> dict[str, list[Any]]:
    """Return what Grafana's role reads: every panel, and every table and view that it may ask for itself."""
    found: dict[str, list[Any]] = {}
    with psycopg.connect(url, autocommit=True) as conn, conn.transaction(force_rollback=True):
        conn.execute(READER.read_bytes())
        conn.execute("SET LOCAL ROLE hubwell_grafana")
        for dashboard in dashboards().values():
            for panel in dashboard.panels:
                query = expand(panel.sql, since=now - timedelta(hours=6), until=now, interval="5m")
                found[panel.title] = _without_ages(conn.execute(query))
        for table in _TABLES:
            readable = conn.execute(
                """SELECT attname FROM pg_attribute
                   WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
                     AND has_column_privilege(attrelid, attnum, 'SELECT') ORDER BY attnum""",
                [table],
            )
            columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in readable)
            every = sql.SQL("SELECT {} FROM {} ORDER BY 1, 2, 3").format(columns, sql.Identifier(table))
            found[table] = _without_ages(conn.execute(every))
        for quantity in ("co2", "temp", "presence", "motion", "count", "people"):
            query = b"SELECT * FROM readings_published(%s, '2000-01-01', 'infinity') ORDER BY 1, 2"
            found[f"readings of {quantity}"] = conn.execute(query, [quantity]).fetchall()
        found["rejected"] = conn.execute("SELECT device_id, code, first_at, copies FROM rejected").fetchall()
        found["device"] = conn.execute("SELECT id, status, status_at FROM device").fetchall()
    return found


def _without_ages(cursor: psycopg.Cursor[Any]) -> list[Any]:
    """Leave out the columns that are an age in seconds: they grow by themselves."""
    names = [column.name for column in cursor.description or ()]
    kept = [number for number, name in enumerate(names) if name not in ("Last heard", "Lasted")]
    return [[row[number] for number in kept] for row in cursor.fetchall()]
