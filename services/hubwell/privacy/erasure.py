"""Erase the rows of a person from every table, in the order of `tables.toml`, and prove that none remains.

The SQL of the package that owns each table (`erasure.sql`) selects, deletes or anonymises the rows. Published
figures of groups stay, entries of the audit log (with an id that refers to no row any more), and for two
weeks a salted hash of each badge, by which late messages are dropped unread. Earlier backups hold the person
until they are deleted.
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
"""How long late messages of an erased badge, from devices that were offline, are still recognised."""
_SALT_BYTES: Final = 16
_SQL: Final = Queries("hubwell.privacy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """The values that identify a person's rows and texts. `signing`: one is a card without a fixed number."""

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
    """Rows erased, by class of data. `number` is that of the stored proof; `left_over` must be 0."""

    number: int
    at: datetime
    deleted: dict[str, int]
    left_over: int

    @property
    def rows(self) -> int:
        """Number of rows deleted or anonymised."""
        return sum(self.deleted.values())


async def holdings(conn: AsyncConnection[Any], traces: Traces) -> dict[str, int]:
    """Return the number of the person's rows that are deleted by cascade, by class of data."""
    cascading = [table for table in tables().personal if table.erasure == "cascade"]
    return await _count(conn, [(table.data, _query(table)) for table in cascading], traces)


async def erase_rows(conn: AsyncConnection[Any], traces: Traces) -> dict[str, int]:
    """Delete and anonymise the rows of the person; return their numbers, by class of data.

    Tables are processed in reverse order: rows before those that they refer to, the person's own row last.
    """
    row_counts, values = {}, traces.values()
    for table in reversed(tables().tables):
        if table.erasure == "delete":
            row_counts[table.data] = (await conn.execute("DELETE " + _query(table), values)).rowcount
        elif table.erasure == "anonymise":
            row_counts[table.data] = (await conn.execute(_query(table, anonymise=True), values)).rowcount
    return row_counts


async def prove(conn: AsyncConnection[Any], traces: Traces, deleted: dict[str, int], now: datetime) -> Proof:
    """Count the remaining rows in every table that could hold data of the person, and record the proof.

    This includes tables that must be empty by the database's constraints.
    """
    described = tables()
    searched = [(table.name, erasure_query(table)) for table in (*described.tables, *described.outside)]
    left_over = sum((await _count(conn, [(name, tail) for name, tail in searched if tail], traces)).values())
    deleted = {data: rows for data, rows in deleted.items() if rows}
    rows = sum(deleted.values())
    number = await deletions.record(
        conn, data="person", why="erasure", rows=rows, left_over=left_over, at=now
    )
    return Proof(number, now, deleted, left_over)


async def add_tombstones(conn: AsyncConnection[Any], badges: Iterable[bytes], now: datetime) -> None:
    """Store a salted hash of each badge: it identifies late messages of the badge, but not the badge."""
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
