"""Ties between accounts and persons: an account that is tied to a person shows that person's own visits.

A tie needs a code from the kiosk. A person has one account at most, sees it on their own page and can end the
tie there; what may have been made by another who had the password or the badge ends by itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.access", "links.sql")


@dataclass(frozen=True, slots=True)
class Link:
    """The tie of an account to a person, as this person sees it."""

    account_id: UUID
    login: str
    linked_at: datetime | None


async def link(conn: AsyncConnection[Any], account_id: UUID, person_id: UUID, now: datetime) -> list[UUID]:
    """Tie an account to a person; return the other accounts whose ties ended, as a person has one."""
    values = {"account": account_id, "person": person_id, "now": now}
    ended = await (await conn.execute(_SQL["end_others"], values)).fetchall()
    await conn.execute(_SQL["link"], values)
    return [row[0] for row in ended]


async def unlink(conn: AsyncConnection[Any], account_id: UUID, person_id: UUID | None = None) -> bool:
    """End an account's tie, to any person or to this one; return whether there was one."""
    values = {"account": account_id, "person": person_id}
    return bool((await conn.execute(_SQL["unlink"], values)).rowcount)


async def of_person(conn: AsyncConnection[Any], person_id: UUID) -> list[Link]:
    """Return the ties to a person."""
    cursor = conn.cursor(row_factory=class_row(Link))
    return await (await cursor.execute(_SQL["of_person"], {"person": person_id})).fetchall()


async def end_with_badge(
    conn: AsyncConnection[Any], person_id: UUID, credential_id: int, since: datetime | None
) -> list[UUID]:
    """End what a lost badge may have opened: ties made since it was given out, its codes and their sessions.

    Returns the accounts whose ties ended.
    """
    values = {"person": person_id, "credential": credential_id, "since": since}
    await conn.execute(_SQL["end_codes"], values)
    await conn.execute(_SQL["end_sessions"], values)
    return [row[0] for row in await (await conn.execute(_SQL["end_since"], values)).fetchall()]
