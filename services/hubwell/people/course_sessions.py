"""Course sessions and their rolls (lists of attendees), in the caller's transaction.

A roll is read from the visits while its term lasts and is never copied; sessions are deleted by retention.
Only the owner, who entered a session, can see its roll.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import SPACE_UNKNOWN, DomainError, refuse_all
from hubwell.people import errors
from hubwell.storage.queries import Queries
from hubwell.vocabulary import SpaceKind

_SQL: Final = Queries("hubwell.people")
KEPT_DAYS: Final = 14
"""Days for which a roll can be read after its session, unless its owner chooses others."""
MOST_KEPT_DAYS: Final = 30
LONGEST: Final = timedelta(hours=8)
LATE: Final = timedelta(hours=1)
"""How long after its beginning a session can still be entered: a roll must not serve to look up the past."""
_AHEAD: Final = timedelta(days=730)
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
    without_roll: bool = False
    """In a space for relaxation, where it is not recorded who rests."""
    series_id: UUID | None = None
    """The same for sessions that were entered together, one each week."""

    def roll_refusal(self, now: datetime) -> DomainError | None:
        """Return why the roll cannot be read: before the end it would be a look into the room."""
        if self.without_roll:
            return DomainError(errors.ROLL_NEVER)
        return DomainError(errors.ROLL_NOT_YET) if now < self.end else None


@dataclass(frozen=True, slots=True)
class Roll:
    """Attendees: the names, and the number of people without a name."""

    names: list[str]
    nameless: int

    @property
    def people(self) -> int:
        """Number of attendees."""
        return len(self.names) + self.nameless


async def spaces(conn: AsyncConnection[Any], *, for_sessions: bool = True) -> list[tuple[str, str, str]]:
    """Return id, name and zone of every space, or of those in which sessions can be."""
    values = {"for_sessions": for_sessions, "relaxation": SpaceKind.RELAXATION}
    return await (await conn.execute(_SQL["spaces"], values)).fetchall()


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
        "relaxation": SpaceKind.RELAXATION,
    }
    await lock_owner(conn, owner)
    other = await (await conn.execute(_SQL["overlapping_session"], values)).fetchone()
    if other is not None:
        raise DomainError(errors.SESSIONS_OVERLAP, title=other[0])
    row = await (await conn.execute(_SQL["add_session"], values)).fetchone()
    if row is None:
        relaxation = await (await conn.execute(_SQL["is_relaxation"], values)).fetchone()
        raise DomainError(SPACE_UNKNOWN if relaxation is None else errors.SESSION_IN_RELAXATION)
    return UUID(str(row[0]))


async def lock_owner(conn: AsyncConnection[Any], owner: UUID) -> None:
    """Let the additions of one owner take turns, so that two sessions cannot overlap."""
    await conn.execute(_SQL["lock_owner"], {"owner": owner})


def _check(plan: Plan, now: datetime) -> None:
    refuse_all(
        (
            *text_refusals(plan.title, plan.purpose),
            term_refusal(plan.start, plan.end, now),
            days_refusal(plan.kept_days),
        )
    )


def text_refusals(title: str, purpose: str) -> Iterator[DomainError]:
    """Yield what is wrong with the texts of a session."""
    if not title.strip():
        yield DomainError(errors.TITLE_MISSING)
    if len(title.strip()) > _LONGEST_TITLE:
        yield DomainError(errors.TITLE_TOO_LONG, most=_LONGEST_TITLE)
    if not purpose.strip():
        yield DomainError(errors.PURPOSE_MISSING)
    if len(purpose.strip()) > _LONGEST_PURPOSE:
        yield DomainError(errors.PURPOSE_TOO_LONG, most=_LONGEST_PURPOSE)


def term_refusal(start: datetime, end: datetime, now: datetime) -> DomainError | None:
    """Return what is wrong with the time of a session; None if nothing is."""
    if end <= start:
        return DomainError(errors.SESSION_ENDS_FIRST)
    if end - start > LONGEST:
        return DomainError(errors.SESSION_TOO_LONG, most=LONGEST // timedelta(hours=1))
    if start > now + _AHEAD:
        return DomainError(errors.SESSION_FAR_AHEAD, most=_AHEAD.days)
    return DomainError(errors.SESSION_LONG_AGO) if start < now - LATE else None


def days_refusal(kept_days: int) -> DomainError | None:
    """Return what is wrong with the days for which a roll is kept; None if nothing is."""
    if kept_days < 1:
        return DomainError(errors.ROLL_TOO_SHORT)
    return DomainError(errors.ROLL_TOO_LONG, most=MOST_KEPT_DAYS) if kept_days > MOST_KEPT_DAYS else None


async def sessions_of(conn: AsyncConnection[Any], owner: UUID, now: datetime) -> list[Session]:
    """Return an owner's sessions whose roll can still be read, the latest first."""
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        await cursor.execute(_SQL["sessions_of"], {"owner": owner, "now": now})
        return await cursor.fetchall()


async def count_to_come(conn: AsyncConnection[Any], space_id: str, now: datetime) -> int:
    """Return how many sessions in a space have not ended."""
    row = await (await conn.execute(_SQL["sessions_to_come"], {"space": space_id, "now": now})).fetchone()
    return int(row[0]) if row else 0


async def session(conn: AsyncConnection[Any], session_id: UUID, owner: UUID, now: datetime) -> Session | None:
    """Return an owner's session; None for another's, and once its roll has ended."""
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        values = {"session": session_id, "owner": owner, "now": now, "relaxation": SpaceKind.RELAXATION}
        await cursor.execute(_SQL["session"], values)
        return await cursor.fetchone()


async def roll(conn: AsyncConnection[Any], of: Session, now: datetime) -> Roll:
    """Return the people who were in the session's space during it, without erased ones.

    Raises DomainError before the session ends, and for a space for relaxation.
    """
    refusal = of.roll_refusal(now)
    if refusal is not None:
        raise refusal
    values = {"space": of.space_id, "start": of.start, "end": of.end}
    names = [row[0] for row in await (await conn.execute(_SQL["roll"], values)).fetchall()]
    return Roll([name for name in names if name], sum(not name for name in names))


async def delete(conn: AsyncConnection[Any], session_id: UUID, owner: UUID) -> bool:
    """Delete an owner's session before its term; return whether there was one."""
    values = {"session": session_id, "owner": owner}
    return await (await conn.execute(_SQL["delete_session"], values)).fetchone() is not None
