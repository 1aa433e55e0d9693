"""Visits without a tap: check in and out at the desk, correct and remove one's own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.events import Facts
from hubwell.people import persons
from hubwell.presence import actions as presence
from hubwell.presence.closing_hours import hub_hours
from hubwell.settings import Settings

Conn = AsyncConnection[Any]


async def check_in(
    conn: Conn, actor: Principal, settings: Settings, person_id: UUID, space_id: str, now: datetime
) -> Facts:
    """Check an enrolled person in to a space, as a tap at its door would. Raises DomainError."""
    await persons.person(conn, person_id)
    facts = await presence.check_in(conn, person_id, space_id, now, hours=hub_hours(settings))
    await _note(conn, actor, "desk.checked-in", person_id)
    return facts


async def check_out(
    conn: Conn, actor: Principal, settings: Settings, person_id: UUID, now: datetime
) -> Facts | None:
    """Check an enrolled person out of the space where they are; None where they are in none.

    Raises DomainError.
    """
    await persons.person(conn, person_id)
    space_id = await persons.space_of(conn, person_id)
    if space_id is None:
        return None
    facts = await presence.check_out(conn, person_id, space_id, now, hours=hub_hours(settings))
    await _note(conn, actor, "desk.checked-out", person_id)
    return facts


async def correct_end(
    conn: Conn, actor: Principal, settings: Settings, person_id: UUID, visit_id: int, left_at: datetime
) -> Facts:
    """Let a person's own visit end at the time they give. Raises DomainError."""
    facts = await presence.correct_end(conn, visit_id, person_id, left_at, hours=hub_hours(settings))
    await _note(conn, actor, "visit.corrected", person_id)
    return facts


async def remove(conn: Conn, actor: Principal, settings: Settings, person_id: UUID, visit_id: int) -> Facts:
    """Remove one of a person's own visits. Raises DomainError."""
    facts = await presence.remove_visit(conn, visit_id, person_id, hours=hub_hours(settings))
    await _note(conn, actor, "visit.removed", person_id)
    return facts


async def _note(conn: Conn, actor: Principal, action: str, person_id: UUID) -> None:
    await log.record(conn, actor=actor.actor, action=action, subject=f"person:{person_id}")
