"""Course sessions and the roll of each: only the account that entered a session reads its roll."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.errors import DomainError
from hubwell.people import course_sessions
from hubwell.people.course_sessions import Plan, Roll, Session
from hubwell.people.errors import SESSION_GONE
from hubwell.workflows.accounts import own_account

Conn = AsyncConnection[Any]


async def add(conn: Conn, actor: Principal, plan: Plan, now: datetime) -> UUID:
    """Enter a session of the actor's own. Raises DomainError."""
    session_id = await course_sessions.add(conn, own_account(actor), plan, now)
    await _note(conn, actor, "session.entered", session=session_id)
    return session_id


async def read_roll(
    conn: Conn,
    actor: Principal,
    session_id: UUID,
    now: datetime,
    action: Literal["roll.viewed", "roll.exported"] = "roll.viewed",
) -> tuple[Session, Roll]:
    """Return a session of the actor's own with its roll. Raises DomainError once its roll has ended."""
    session = await course_sessions.session(conn, session_id, own_account(actor), now)
    if session is None:
        raise DomainError(SESSION_GONE)
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
