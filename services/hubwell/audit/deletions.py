"""Proofs of deletion: class of data, reason and number of rows, without the content of the rows."""

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.audit")

Why = Literal["retention", "erasure", "epoch-destroyed"]


class Deletion(NamedTuple):
    """One proof. `left_over` is the number of rows that a check found after the deletion: 0 is the proof."""

    number: int
    data: str
    why: Why
    older_than: datetime | None
    rows: int
    left_over: int
    ran_at: datetime


async def record(
    conn: AsyncConnection[Any],
    *,
    data: str,
    why: Why,
    rows: int,
    left_over: int,
    at: datetime,
    older_than: datetime | None = None,
) -> int:
    """Record the deletion of rows of a class of data; return the number of the proof."""
    values = {"data": data, "why": why, "older_than": older_than, "rows": rows, "left_over": left_over}
    row = await (await conn.execute(_SQL["add_deletion"], {**values, "at": at})).fetchone()
    if row is None:
        raise RuntimeError("an INSERT with RETURNING gave no row")
    return int(row[0])


async def classes_since(conn: AsyncConnection[Any], since: datetime, why: Why) -> set[str]:
    """Return the classes of data that have a proof for this reason since a time."""
    values = {"since": since, "why": why}
    return {row[0] for row in await (await conn.execute(_SQL["classes_deleted_since"], values)).fetchall()}


async def newest(conn: AsyncConnection[Any], most: int) -> list[Deletion]:
    """Return at most `most` proofs of any reason, the newest first."""
    rows = await (await conn.execute(_SQL["newest_deletions"], {"most": most})).fetchall()
    return [Deletion(*row) for row in rows]


async def last_of_each_class(conn: AsyncConnection[Any], why: Why) -> dict[str, Deletion]:
    """Return the last proof for this reason of each class of data."""
    rows = await (await conn.execute(_SQL["last_deletion_of_each_class"], {"why": why})).fetchall()
    return {proof.data: proof for proof in (Deletion(*row) for row in rows)}
