"""Evacuations and drills: open, close, and names in a drill for which two people agree."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.evacuation import actions, break_glass, marking
from hubwell.evacuation.actions import Closed, Opened
from hubwell.evacuation.announcement import Kind
from hubwell.evacuation.rules import State
from hubwell.events import Facts, MusterMarked
from hubwell.people import persons

Conn = AsyncConnection[Any]


async def begin(conn: Conn, actor: Principal, kind: Kind, now: datetime) -> Opened:
    """Open an evacuation or a drill; an alarm turns an open drill into an alarm. Raises DomainError."""
    opened = await actions.open_muster(conn, kind, actor.account_id, now)
    action = "muster.became-alarm" if opened.was_drill else "muster.opened"
    await note(conn, actor, action, opened.id, kind=kind)
    return opened


async def tick(conn: Conn, actor: Principal, muster: UUID, person: int, state: State, now: datetime) -> Facts:
    """Set the state of a person on the list: accounted for, missing or expected. Raises DomainError.

    The entry of the audit log has the person's number on this list, which means nothing once it is deleted.
    """
    await marking.tick(conn, muster, person, state, now)
    await note(conn, actor, "muster.ticked", muster, entry=person, state=state.value)
    return [MusterMarked()]


async def mark_space_safe(
    conn: Conn, actor: Principal, muster: UUID, space: str, now: datetime
) -> tuple[int, Facts]:
    """Mark everybody in a space who is not ticked off yet as safe; return how many. Raises DomainError."""
    marked = await marking.mark_space_safe(conn, muster, space, now)
    await note(conn, actor, "muster.space-safe", muster, space=log.plain_id(space), marked=marked)
    return marked, [MusterMarked()]


async def undo_space_safe(
    conn: Conn, actor: Principal, muster: UUID, space: str, at: datetime, now: datetime
) -> tuple[int, Facts]:
    """Take back what was marked together at a time; return how many. Raises DomainError."""
    undone = await marking.undo_space_safe(conn, muster, space, at, now)
    await note(conn, actor, "muster.space-undone", muster, space=log.plain_id(space), marked=undone)
    return undone, [MusterMarked()]


async def add_visitor(
    conn: Conn,
    actor: Principal,
    muster: UUID,
    *,
    name: str,
    space: str,
    state: State,
    key: UUID,
    now: datetime,
) -> tuple[int, Facts]:
    """Enter a visitor without a badge on the list; return their number. Raises DomainError.

    The name is on the list alone, and deleted with it.
    """
    cleaned = persons.clean_name(name)
    person = await marking.add_visitor(conn, muster, name=cleaned, space=space, state=state, key=key, now=now)
    await note(conn, actor, "muster.visitor-added", muster, entry=person, state=state.value)
    return person, [MusterMarked()]


async def remove_visitor(conn: Conn, actor: Principal, muster: UUID, person: int) -> Facts:
    """Remove a visitor who was entered by mistake. Raises DomainError."""
    await marking.remove_visitor(conn, muster, person)
    await note(conn, actor, "muster.visitor-removed", muster, entry=person)
    return [MusterMarked()]


async def close(conn: Conn, actor: Principal, muster: UUID, now: datetime) -> Closed:
    """Make the report and delete the list of people. Raises DomainError."""
    closed = await actions.close(conn, muster, now)
    total = closed.report.total
    await note(conn, actor, "muster.closed", muster, people=total.people if total else 0)
    return closed


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
