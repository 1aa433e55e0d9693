"""Tick people off the list of the open muster, and enter visitors on it, in the caller's transaction."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.evacuation import errors
from hubwell.evacuation.rules import State
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.evacuation")


async def tick(conn: AsyncConnection[Any], muster: UUID, person: int, state: State, now: datetime) -> None:
    """Set the state of a person on the list; the last change wins.

    Raises DomainError if the muster is closed or the person is not on its list.
    """
    await _lock_open(conn, muster)
    values = {"muster": muster, "person": person, "state": state, "now": now}
    if (await conn.execute(_SQL["tick"], values)).rowcount == 0:
        raise DomainError(errors.NOT_ON_LIST)


async def mark_space_safe(conn: AsyncConnection[Any], muster: UUID, space: str, now: datetime) -> int:
    """Mark everybody in a space who is not ticked off yet as safe; return how many.

    Earlier marks keep their time, also those of missing people. Raises DomainError if the muster is closed
    or there is no such space.
    """
    await _lock_open(conn, muster)
    values = {"muster": muster, "space": space, "now": now}
    if await (await conn.execute(_SQL["is_space"], values)).fetchone() is None:
        raise DomainError(SPACE_UNKNOWN)
    return (await conn.execute(_SQL["mark_space_safe"], values)).rowcount


async def undo_space_safe(
    conn: AsyncConnection[Any], muster: UUID, space: str, at: datetime, now: datetime
) -> int:
    """Take back what `mark_space_safe` marked at a time, except what was changed since; return how many.

    Raises DomainError if the muster is closed.
    """
    await _lock_open(conn, muster)
    values = {"muster": muster, "space": space, "at": at, "now": now}
    return (await conn.execute(_SQL["undo_space_safe"], values)).rowcount


async def add_visitor(
    conn: AsyncConnection[Any],
    muster: UUID,
    *,
    name: str,
    space: str,
    state: State,
    key: UUID,
    now: datetime,
) -> int:
    """Enter a visitor, whose name may be empty; return their number on the list. The same key enters one.

    Raises DomainError if the muster is closed or the space is unknown.
    """
    await _lock_open(conn, muster)
    values = {"muster": muster, "name": name, "space": space, "state": state, "key": key, "now": now}
    row = await (await conn.execute(_SQL["add_visitor"], values)).fetchone()
    if row is None:
        raise DomainError(SPACE_UNKNOWN)
    return int(row[0])


async def remove_visitor(conn: AsyncConnection[Any], muster: UUID, person: int) -> None:
    """Remove a visitor who was entered by mistake.

    Raises DomainError if the muster is closed, or the number is not a visitor's.
    """
    await _lock_open(conn, muster)
    if (await conn.execute(_SQL["remove_visitor"], {"muster": muster, "person": person})).rowcount == 0:
        raise DomainError(errors.NOT_ON_LIST)


async def _lock_open(conn: AsyncConnection[Any], muster: UUID) -> None:
    if await (await conn.execute(_SQL["lock_open"], {"muster": muster})).fetchone() is None:
        raise DomainError(errors.NOT_OPEN)
