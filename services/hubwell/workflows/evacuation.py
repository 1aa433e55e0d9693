"""Evacuations and drills: open, close, and names in a drill for which two people agree."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.evacuation import actions, break_glass
from hubwell.evacuation.actions import Kind, Opened
from hubwell.evacuation.report import Report

Conn = AsyncConnection[Any]


async def begin(conn: Conn, actor: Principal, kind: Kind, now: datetime) -> Opened:
    """Open an evacuation or a drill; an alarm turns an open drill into an alarm. Raises DomainError."""
    opened = await actions.open_muster(conn, kind, actor.account_id, now)
    action = "muster.became-alarm" if opened.was_drill else "muster.opened"
    await note(conn, actor, action, opened.id, kind=kind)
    return opened


async def close(conn: Conn, actor: Principal, muster: UUID, now: datetime) -> Report:
    """Make the report and delete the list of people. Raises DomainError."""
    report = await actions.close(conn, muster, now)
    await note(conn, actor, "muster.closed", muster, people=report.total.people if report.total else 0)
    return report


async def ask_for_names(conn: Conn, actor: Principal, muster: UUID, reason: str, now: datetime) -> UUID:
    """Ask to see the names of a drill; return the request. Raises DomainError."""
    request = await break_glass.ask(conn, muster, by=actor.account_id, reason=reason, now=now)
    await note(conn, actor, "muster.names-asked", muster)
    return request


async def give_names(conn: Conn, actor: Principal, request: UUID, now: datetime) -> UUID:
    """Agree to the request of another account; return the drill. Raises DomainError."""
    muster = await break_glass.agree(conn, request, by=actor.account_id, now=now)
    await note(conn, actor, "muster.names-given", muster, request=str(request))
    return muster


async def note(conn: Conn, actor: Principal, action: str, muster: UUID, **detail: log.Value) -> None:
    """Write into the audit log what was done with an evacuation."""
    await log.record(conn, actor=actor.actor, action=action, subject=f"muster:{muster}", detail=detail)
