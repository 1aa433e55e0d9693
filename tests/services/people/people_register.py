"""A register for tests: made-up badges, spaces and taps, and the events that actions send."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection

from hubwell.people.credentials import Badge
from lanes.database_lane import Database


def now() -> datetime:
    """Return this moment, as exact as the database keeps it."""
    return datetime.now(UTC)


def badge(epoch: int = 1, **values: Any) -> Badge:
    """Return a badge that nobody has."""
    return Badge(uuid4().bytes, epoch, **values)


@dataclass
class Register:
    """A connection and short ways to what tests ask."""

    conn: AsyncConnection[Any]
    database: Database

    async def value(self, query: Any, *values: object) -> Any:
        """Return the one value that a query finds."""
        row = await (await self.conn.execute(query, values)).fetchone()
        return row[0] if row else None

    async def space(self, space: str, *, personal: bool = False) -> str:
        """Add a space."""
        await self.conn.execute(
            "INSERT INTO space (id, name, kind, capacity, personal) VALUES (%s, %s, 'workshop', 9, %s)",
            (space, space.title(), personal),
        )
        return space

    async def device(self, device: str, meta: str = "{}") -> str:
        """Add a device."""
        await self.conn.execute("INSERT INTO device (id, meta) VALUES (%s, %s)", (device, meta))
        return device

    async def desk_tap(self, held: Badge, *, ago: timedelta = timedelta()) -> int:
        """Let a badge be held to the desk's reader."""
        await self.conn.execute("INSERT INTO device (id) VALUES ('desk-1') ON CONFLICT DO NOTHING")
        made = await self.value(
            "INSERT INTO desk_tap (device_id, reader, badge, epoch, kind, tapped_at) "
            "VALUES ('desk-1', 'desk', %s, %s, %s, %s) RETURNING id",
            held.pseudonym,
            held.epoch,
            held.kind,
            now() - ago,
        )
        return int(made)

    async def visit(self, person: UUID, space: str, start: datetime, end: datetime | None = None) -> None:
        """Store a visit."""
        await self.conn.execute(
            "INSERT INTO visit (person_id, space_id, during, ended_by) "
            "VALUES (%s, %s, tstzrange(%s, %s), %s)",
            (person, space, start, end, None if end is None else "tap"),
        )

    async def counted(self, held: Badge) -> UUID:
        """Let a badge be counted without anybody's name."""
        person = await self.value("INSERT INTO person (kind) VALUES ('counted') RETURNING id")
        credential = await self.value(
            "INSERT INTO credential (person_id, kind, valid) VALUES (%s, 'badge', tstzrange(now(), NULL)) "
            "RETURNING id",
            person,
        )
        await self.conn.execute(
            "INSERT INTO credential_pseudonym VALUES (%s, %s, %s)", (held.pseudonym, credential, held.epoch)
        )
        return UUID(str(person))


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Register]:
    """Open a register over a database."""
    conn = await psycopg.AsyncConnection.connect(database.url, autocommit=True)
    async with conn:
        yield Register(conn, database)
