"""Course sessions and their rolls (lists of attendees), in the caller's transaction.

A roll is read from the visits while its term lasts and is never copied; sessions are deleted by retention.
Only the owner, who entered a session, can see its roll.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.people import errors
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.people")
KEPT_DAYS: Final = 14
"""Days for which a roll can be read after its session, unless its owner chooses others."""
MOST_KEPT_DAYS: Final = 30
LONGEST: Final = timedelta(hours=8)
LATE: Final = timedelta(hours=1)
"""How long after its beginning a session can still be entered: a roll must not serve to look up the past."""
_LONGEST_TITLE: Final = 120
_LONGEST_PURPOSE: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A session as staff enter it."""

    title: str
    purpose: str
    space_id: str
    start: datetime
    end: datetime
    kept_days: int = KEPT_DAYS


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it."""

    id: UUID
    title: str
    purpose: str
    space: str
    start: datetime
    end: datetime
    roll_until: datetime
    space_id: str = ""


@dataclass(frozen=True, slots=True)
class Roll:
    """Attendees: the names, and the number of people without a name."""

    names: list[str]
    nameless: int

    @property
    def people(self) -> int:
        """Number of attendees."""
        return len(self.names) + self.nameless


async def spaces(conn: AsyncConnection[Any], *, shared: bool = True) -> list[tuple[str, str, str]]:
    """Return id, name and zone of every space; with `shared`, without rooms of one person."""
    return await (await conn.execute(_SQL["spaces"], {"shared": shared})).fetchall()


async def add(conn: AsyncConnection[Any], owner: UUID, plan: Plan, now: datetime) -> UUID:
    """Enter a session and return its id. Raises DomainError."""
    _check(plan, now)
    values = {
        "title": plan.title.strip(),
        "purpose": plan.purpose.strip(),
        "space": plan.space_id,
        "start": plan.start,
        "end": plan.end,
        "owner": owner,
        "until": plan.end + timedelta(days=plan.kept_days),
    }
    await conn.execute(_SQL["lock_owner"], values)
    other = await (await conn.execute(_SQL["overlapping_session"], values)).fetchone()
    if other is not None:
        raise DomainError(errors.SESSIONS_OVERLAP, title=other[0])
    row = await (await conn.execute(_SQL["add_session"], values)).fetchone()
    if row is None:
        raise DomainError(SPACE_UNKNOWN)
    return UUID(str(row[0]))


def _check(plan: Plan, now: datetime) -> None:
    if not plan.title.strip():
        raise DomainError(errors.TITLE_MISSING)
    if len(plan.title.strip()) > _LONGEST_TITLE:
        raise DomainError(errors.TITLE_TOO_LONG, most=_LONGEST_TITLE)
    if not plan.purpose.strip():
        raise DomainError(errors.PURPOSE_MISSING)
    if len(plan.purpose.strip()) > _LONGEST_PURPOSE:
        raise DomainError(errors.PURPOSE_TOO_LONG, most=_LONGEST_PURPOSE)
    if plan.end <= plan.start:
        raise DomainError(errors.SESSION_ENDS_FIRST)
    if plan.end - plan.start > LONGEST:
        raise DomainError(errors.SESSION_TOO_LONG, most=LONGEST // timedelta(hours=1))
    if plan.start < now - LATE:
        raise DomainError(errors.SESSION_LONG_AGO)
    if plan.kept_days < 1:
        raise DomainError(errors.ROLL_TOO_SHORT)
    if plan.kept_days > MOST_KEPT_DAYS:
        raise DomainError(errors.ROLL_TOO_LONG, most=MOST_KEPT_DAYS)


async def sessions_of(conn: AsyncConnection[Any], owner: UUID, now: datetime) -> list[Session]:
    """Return an owner's sessions whose roll can still be read, the latest first."""
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        await cursor.execute(_SQL["sessions_of"], {"owner": owner, "now": now})
        return await cursor.fetchall()


async def session(conn: AsyncConnection[Any], session_id: UUID, owner: UUID, now: datetime) -> Session | None:
    """Return an owner's session; None for another's, and once its roll has ended."""
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        await cursor.execute(_SQL["session"], {"session": session_id, "owner": owner, "now": now})
        return await cursor.fetchone()


async def roll(conn: AsyncConnection[Any], of: Session, now: datetime) -> Roll:
    """Return the people who were in the session's space during it, up to `now`, without erased ones."""
    values = {"space": of.space_id, "start": of.start, "end": of.end, "now": now}
    if now <= of.start:
        return Roll([], 0)
    names = [row[0] for row in await (await conn.execute(_SQL["roll"], values)).fetchall()]
    return Roll([name for name in names if name], sum(not name for name in names))


async def delete(conn: AsyncConnection[Any], session_id: UUID, owner: UUID) -> bool:
    """Delete an owner's session before its term; return whether there was one."""
    values = {"session": session_id, "owner": owner}
    return await (await conn.execute(_SQL["delete_session"], values)).fetchone() is not None
