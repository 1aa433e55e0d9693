"""Course sessions and the roll of each: only the account that entered a session reads its roll."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.errors import DomainError
from hubwell.people import course_sessions
from hubwell.people import weekly as weekly_sessions
from hubwell.people.course_sessions import Plan, Roll, Session
from hubwell.people.errors import SERIES_GONE, SESSION_GONE
from hubwell.people.weekly import SeriesPlan, WeeklyPlan
from hubwell.workflows.accounts import own_account

Conn = AsyncConnection[Any]


async def add(conn: Conn, actor: Principal, plan: Plan, now: datetime) -> UUID:
    """Enter a session of the actor's own. Raises DomainError."""
    session_id = await course_sessions.add(conn, own_account(actor), plan, now)
    await _note(conn, actor, "session.entered", session=session_id)
    return session_id


async def plan_series(
    conn: Conn, actor: Principal, weekly: WeeklyPlan, zone: ZoneInfo, now: datetime
) -> SeriesPlan:
    """Work out the sessions of each week, on the hub's clocks, without entering them. Raises DomainError."""
    return await weekly_sessions.plan(conn, own_account(actor), weekly, zone, now)


async def add_series(
    conn: Conn, actor: Principal, weekly: WeeklyPlan, zone: ZoneInfo, now: datetime
) -> tuple[UUID, int]:
    """Enter sessions of the actor's own, one each week; return the series and their number.

    Raises DomainError.
    """
    series, sessions = await weekly_sessions.add(conn, own_account(actor), weekly, zone, now)
    await _note(conn, actor, "session.series-entered", series=series, sessions=sessions)
    return series, sessions


async def get_series(conn: Conn, actor: Principal, series: UUID, now: datetime) -> list[Session]:
    """Return the sessions of a series of the actor's own, the earliest first. Raises DomainError for none."""
    sessions = await weekly_sessions.sessions_of(conn, series, own_account(actor), now)
    if not sessions:
        raise DomainError(SERIES_GONE)
    return sessions


async def delete_series(conn: Conn, actor: Principal, series: UUID, first: date, zone: ZoneInfo) -> int:
    """Delete the sessions of a series of the actor's own from a day on; return their number.

    Raises DomainError where there are none.
    """
    sessions = await weekly_sessions.delete_from(conn, series, own_account(actor), first, zone)
    if not sessions:
        raise DomainError(SERIES_GONE)
    await _note(conn, actor, "session.series-deleted", series=series, sessions=sessions)
    return sessions


async def get(conn: Conn, actor: Principal, session_id: UUID, now: datetime) -> Session:
    """Return a session of the actor's own. Raises DomainError once its roll has ended."""
    session = await course_sessions.session(conn, session_id, own_account(actor), now)
    if session is None:
        raise DomainError(SESSION_GONE)
    return session


async def read_roll(
    conn: Conn,
    actor: Principal,
    session_id: UUID,
    now: datetime,
    action: Literal["roll.viewed", "roll.exported"] = "roll.viewed",
) -> tuple[Session, Roll]:
    """Return a session of the actor's own with its roll. Raises DomainError before and after its term."""
    session = await get(conn, actor, session_id, now)
    roll = await course_sessions.roll(conn, session, now)
    await _note(conn, actor, action, session=session_id, people=roll.people)
    return session, roll


async def delete(conn: Conn, actor: Principal, session_id: UUID) -> bool:
    """Delete a session of the actor's own with its roll; return whether there was one."""
    if not await course_sessions.delete(conn, session_id, own_account(actor)):
        return False
    await _note(conn, actor, "session.deleted", session=session_id)
    return True


async def _note(conn: Conn, actor: Principal, action: str, **detail: log.Value) -> None:
    await log.record(conn, actor=actor.actor, action=action, detail=detail)
