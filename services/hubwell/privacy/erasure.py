"""Erase the rows of a person from every table, in the order of `tables.toml`, and prove that none is left.

The rows are found, deleted or emptied by the SQL of the package that owns each table (`erasure.sql`). What
stays are figures that were published of groups, the entries of the audit log (an id that refers to nobody any
more), and for two weeks a salted hash of each badge, by which a late message is dropped unread. Backups made
before still hold the person until they are deleted.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection, sql

from hubwell.audit import deletions
from hubwell.storage.queries import Queries
from hubwell.storage.tables import Table, erasure_query, tables

TOMBSTONE: Final = timedelta(days=14)
"""How long a device may have been away whose late messages of an erased badge are still recognised."""
_SALT_BYTES: Final = 16
_SQL: Final = Queries("hubwell.privacy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """By what a row or a text is recognised as a person's. `signing`: one of the cards hides its number."""

    person_id: UUID
    badges: list[bytes]
    credentials: list[int]
    signing: bool
    accounts: list[UUID]
    """The accounts that are erased with the person."""

    def values(self) -> dict[str, Any]:
        """Return the parameters of the owners' queries."""
        words = [str(self.person_id), *(badge.hex() for badge in self.badges)]
        return {
            "person": self.person_id,
            "badges": self.badges,
            "credentials": self.credentials,
            "signing": self.signing,
            "accounts": self.accounts,
            "words": words,
            "texts": [word.encode() for word in words],
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """What was erased. `number` is that of the row in the table of deletions; `left_over` has to be 0."""

    number: int
    at: datetime
    deleted: dict[str, int]
    left_over: int

    @property
    def rows(self) -> int:
        """How many rows were deleted or emptied."""
        return sum(self.deleted.values())


async def holdings(conn: AsyncConnection[Any], traces: Traces) -> dict[str, int]:
    """Return how many rows of the person go with what they refer to, by the class of data."""
    going = [table for table in tables().personal if table.erasure == "cascade"]
    return await _count(conn, [(table.data, _query(table)) for table in going], traces)


async def erase_rows(conn: AsyncConnection[Any], traces: Traces) -> dict[str, int]:
    """Delete and empty the rows of the person; return how many, by the class of data.

    Tables are taken in reverse: rows go before those that they refer to, the person's own row is the last.
    """
    done, values = {}, traces.values()
    for table in reversed(tables().tables):
        if table.erasure == "delete":
            done[table.data] = (await conn.execute("DELETE " + _query(table), values)).rowcount
        elif table.erasure == "anonymise":
            done[table.data] = (await conn.execute(_query(table, anonymise=True), values)).rowcount
    return done


async def prove(conn: AsyncConnection[Any], traces: Traces, deleted: dict[str, int], now: datetime) -> Proof:
    """Search every table that could hold something of the person, and record the proof.

    Searched is also what the database's constraints promise to be empty.
    """
    described = tables()
    searched = [(table.name, erasure_query(table)) for table in (*described.tables, *described.outside)]
    left = sum((await _count(conn, [(name, tail) for name, tail in searched if tail], traces)).values())
    deleted = {data: rows for data, rows in deleted.items() if rows}
    rows = sum(deleted.values())
    number = await deletions.record(conn, data="person", why="erasure", rows=rows, left_over=left, at=now)
    return Proof(number, now, deleted, left)


async def add_tombstones(conn: AsyncConnection[Any], badges: Iterable[bytes], now: datetime) -> None:
    """Let a late message of these badges be recognised, and nobody be found from what is stored for it."""
    for badge in badges:
        salt = secrets.token_bytes(_SALT_BYTES)
        tag = hashlib.sha256(salt + badge).digest()
        await conn.execute(_SQL["add_tombstone"], {"salt": salt, "tag": tag, "until": now + TOMBSTONE})


def _query(table: Table, *, anonymise: bool = False) -> LiteralString:
    query = erasure_query(table, anonymise=anonymise)
    if query is None:
        raise RuntimeError(f"hubwell/{table.owner}/erasure.sql has no query for {table.name}")
    return query


async def _count(
    conn: AsyncConnection[Any], tails: Iterable[tuple[str, LiteralString]], traces: Traces
) -> dict[str, int]:
    counts = [
        sql.SQL("SELECT {}, count(*) ").format(sql.Literal(name)) + sql.SQL(tail) for name, tail in tails
    ]
    rows = await conn.execute(sql.SQL(" UNION ALL ").join(counts), traces.values())
    return {str(name): int(count) for name, count in await rows.fetchall()}
