"""Measure a race for one space: 200 clients book overlapping parts at one moment, in 50 rounds.

Two real `hubwell api` share a database. Each client has a token and an open connection of its own, and sends
its request as bytes: a library for HTTP would take much of the processors, which clients and servers share.
Beside it stands the machine's own time: as many plain inserts of holds that are in nobody's way, one
transaction each, from as many connections as the API has. A round before the first one is not counted: in it
the servers connect to the database and prepare what they use for the first time.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, Self

from psycopg import AsyncConnection, Connection

from hubwell.access import tokens
from hubwell.bench.outcome import Outcome
from hubwell.bench.scratch_environment import LOOPBACK, free_port, hubwell_command, port_open, process, stage
from hubwell.settings import Settings
from hubwell.spaces.initial import put_space
from hubwell.storage.connect import connect_sync, connection
from hubwell.vocabulary import Role, SpaceKind

TARGET_MS: Final = 300.0
"""The slowest answer but one in a hundred, over the machine's own time."""
_CLIENTS: Final = 200
_ROUNDS: Final = 50
_ATOMS: Final = 8
_PROCESSES: Final = 2
_CONNECTIONS: Final = 16
_PATIENCE_S: Final = 120.0
_PLAIN: Final = """
WITH booked AS (
    INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at)
    VALUES ('hall', %(atoms)s, tstzrange(%(start)s, %(end)s), 'Plain', true, 1, '', now(), now()) RETURNING id
)
INSERT INTO hold (booking_id, atom_id, during)
SELECT booked.id, atom, tstzrange(%(start)s, %(end)s) FROM booked CROSS JOIN unnest(%(atoms)s::int[]) atom
"""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    ms: float


@dataclass(frozen=True, slots=True)
class _Client:
    """One client: a connection that stays open, and a token."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    token: str

    @classmethod
    async def connect(cls, port: int, token: str) -> Self:
        """Open the connection."""
        return cls(*await asyncio.open_connection(LOOPBACK, port), token)

    async def book(self, wish: dict[str, Any]) -> _Answer:
        """Send a booking and wait for its answer."""
        body = json.dumps(wish).encode()
        head = (
            f"POST /api/v1/bookings HTTP/1.1\r\nHost: {LOOPBACK}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        started = time.perf_counter()
        async with asyncio.timeout(_PATIENCE_S):
            self.writer.write(head.encode() + body)
            answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0])
            content = await self.reader.readexactly(length)
        return _Answer(int(answer.split(maxsplit=2)[1]), content, (time.perf_counter() - started) * 1000)


async def measure(settings: Settings) -> Outcome:
    """Return percentiles in milliseconds; the ratio is 300 ms over what the race took longer than inserts."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    dice = random.Random(7)  # noqa: S311 - not a secret
    async with stage(server) as scene, AsyncExitStack() as stack:
        with connect_sync(scene.database_url, name="bench") as conn:
            atoms = _fill(conn)
        wishes = [
            [dice.sample(atoms, dice.randint(1, _ATOMS)) for _ in range(_CLIENTS)] for _ in range(_ROUNDS + 1)
        ]
        plain = [
            ms for number, each in enumerate(wishes) for ms in await _insert(scene.database_url, number, each)
        ]
        with connect_sync(scene.database_url, name="bench") as conn:
            conn.execute("TRUNCATE booking, hold CASCADE")
        clients = await _clients(stack, scene.database_url, scene.environment)
        rounds = [await _race(clients, number, each) for number, each in enumerate(wishes)]
        with connect_sync(scene.database_url, name="bench") as conn:
            overlaps, deadlocks = _faults(conn)
    return _outcome(str(scene.version.engine), rounds[1:], plain[_CLIENTS:], overlaps, deadlocks)


def _outcome(
    engine: str, rounds: list[list[_Answer]], plain: list[float], overlaps: int, deadlocks: int
) -> Outcome:
    answers = [answer for each in rounds for answer in each]
    race = [answer.ms for answer in answers]
    race_p99, plain_p99 = _percentile(race, 99), _percentile(plain, 99)
    statuses = Counter(answer.status for answer in answers)
    losers = [json.loads(answer.body) for answer in answers if answer.status == HTTPStatus.CONFLICT]
    reached = TARGET_MS / max(race_p99 - plain_p99, 1.0)
    ratio = {"300 ms over what the race took longer": round(reached, 3)}
    figures: dict[str, Any] = {
        "engine": engine,
        "cpus": os.cpu_count(),
        "clients": _CLIENTS,
        "rounds": len(rounds),
        "booked": statuses.pop(HTTPStatus.CREATED, 0),
        "refused": statuses.pop(HTTPStatus.CONFLICT, 0),
        "refused_without_reason_or_alternative": sum(
            not (loser.get("conflicts") and loser.get("alternatives")) for loser in losers
        ),
        "other_answers": dict(statuses),
        "overlaps": overlaps,
        "deadlocks": deadlocks,
        "race_p50_ms": round(_percentile(race, 50), 1),
        "race_p99_ms": round(race_p99, 1),
        "plain_inserts_p50_ms": round(_percentile(plain, 50), 1),
        "plain_inserts_p99_ms": round(plain_p99, 1),
    }
    sound = not (statuses or overlaps or figures["refused_without_reason_or_alternative"])
    return Outcome("race", figures, ratio, dict.fromkeys(ratio, 1.0), sound and reached >= 1.0)


def _fill(conn: Connection[Any]) -> list[int]:
    put_space(conn, space_id="hall", name="Hall", kind=SpaceKind.WORKSHOP, capacity=80)
    for space in ("aula", "studio"):
        put_space(conn, space_id=space, name=space.title(), kind=SpaceKind.WORKSHOP, capacity=80)
    conn.execute(
        "INSERT INTO atom (space_id, position, name) "
        "SELECT 'hall', number, 'Part ' || number FROM generate_series(2, %s) number",
        (_ATOMS,),
    )
    return [row[0] for row in conn.execute("SELECT id FROM atom WHERE space_id = 'hall'").fetchall()]


def _faults(conn: Connection[Any]) -> tuple[int, int]:
    """Return how many holds overlap, and how many deadlocks the database had to end."""
    row = conn.execute(
        "SELECT (SELECT count(*) FROM hold a JOIN hold b ON a.atom_id = b.atom_id "
        "AND a.booking_id < b.booking_id AND a.during && b.during), "
        "(SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())"
    ).fetchone()
    return row if row is not None else (-1, -1)


async def _clients(stack: AsyncExitStack, url: str, environment: dict[str, str]) -> list[_Client]:
    async with connection(url, name="bench") as conn:
        secrets = [
            (await tokens.add(conn, name=f"bench-{number}", roles=[Role.STAFF], expires_at=None))[1]
            for number in range(_CLIENTS)
        ]
    ports = [free_port() for _ in range(_PROCESSES)]
    for port in ports:
        address = {"HUBWELL_HTTP_HOST": LOOPBACK, "HUBWELL_HTTP_PORT": str(port)}
        await stack.enter_async_context(process(hubwell_command("api"), environment | address))
        await port_open(port)
    clients = []
    for number, secret in enumerate(secrets):
        client = await _Client.connect(ports[number % _PROCESSES], secret)
        stack.callback(client.writer.close)
        clients.append(client)
    return clients


async def _race(clients: list[_Client], number: int, wishes: list[list[int]]) -> list[_Answer]:
    day = (datetime.now(UTC) + timedelta(days=2 + number)).date()
    wish = {"space": "hall", "people": 1, "title": "Race", "zone": "UTC"}
    wish |= {"start": f"{day}T09:00", "end": f"{day}T10:00"}
    races = zip(clients, wishes, strict=True)
    return list(await asyncio.gather(*(client.book(wish | {"parts": atoms}) for client, atoms in races)))


async def _insert(url: str, number: int, wishes: list[list[int]]) -> list[float]:
    """Insert as many bookings with as many holds, each at an hour of its own; return when each was done."""
    queue = list(enumerate(wishes))
    started = time.perf_counter()

    async def work(conn: AsyncConnection[Any]) -> list[float]:
        times = []
        while queue:
            place, atoms = queue.pop()
            start = datetime(2030 + number, 1, 1, tzinfo=UTC) + timedelta(hours=place)
            await conn.execute(_PLAIN, {"atoms": atoms, "start": start, "end": start + timedelta(hours=1)})
            times.append((time.perf_counter() - started) * 1000)
        return times

    async with AsyncExitStack() as stack:
        conns = [await stack.enter_async_context(connection(url, name="bench")) for _ in range(_CONNECTIONS)]
        started = time.perf_counter()
        return [ms for each in await asyncio.gather(*map(work, conns)) for ms in each]


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
