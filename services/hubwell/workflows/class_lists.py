"""A class at the desk: names that were pasted get their badges one after another."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.errors import DomainError
from hubwell.events import Facts
from hubwell.people import class_lists, errors, persons
from hubwell.people.class_lists import Columns
from hubwell.people.credentials import Enrolled, NewPerson
from hubwell.settings import Settings
from hubwell.workflows import people
from hubwell.workflows.accounts import own_account

Conn = AsyncConnection[Any]


async def start(
    conn: Conn,
    actor: Principal,
    text: str,
    now: datetime,
    *,
    columns: Columns = "last-first",
    reader: str = "",
    language: str | None = None,
) -> UUID:
    """Store pasted names as a list of the actor's own, and return its id. Raises DomainError."""
    names = class_lists.names_in(text, columns)
    owner = own_account(actor)
    list_id = await class_lists.start(conn, owner, names, now, reader=reader, language=language)
    await log.record(conn, actor=actor.actor, action="class.begun", detail={"names": len(names)})
    return list_id


async def give(
    conn: Conn,
    actor: Principal,
    settings: Settings,
    list_id: UUID,
    position: int,
    tap_id: int | None,
    now: datetime,
    *,
    name: str,
    person_id: UUID | None = None,
) -> Enrolled:
    """Give the badge of a tap to a name: to a person of the register, or to a new one. Raises DomainError.

    Without `tap_id` the badge that waits is given, if only one does.
    """
    of = await class_lists.lock(conn, list_id, own_account(actor), now)
    if tap_id is None:
        waiting = [tap.id for tap in await class_lists.taps_of(conn, of, now) if tap.credential_id is None]
        if len(waiting) != 1:
            raise DomainError(errors.CLASS_TAP_UNCLEAR if waiting else errors.CLASS_NO_TAP)
        tap_id = waiting[0]
    cleaned = persons.clean_name(name)
    if not cleaned:
        raise DomainError(errors.CLASS_NAME_MISSING)
    owner = person_id or NewPerson(cleaned, of.language)
    enrolled = await people.enrol(conn, actor, settings, tap_id, owner, now)
    # Refused where another tab gave this name a badge meanwhile: the caller rolls the enrolment back.
    await class_lists.set_enrolled(conn, list_id, position, cleaned, enrolled.credential_id, now)
    return enrolled


async def skip(conn: Conn, actor: Principal, list_id: UUID, position: int, now: datetime) -> None:
    """Leave a name without a badge. Raises DomainError."""
    await class_lists.lock(conn, list_id, own_account(actor), now)
    await class_lists.set_skipped(conn, list_id, position, now)


async def undo(conn: Conn, actor: Principal, list_id: UUID, now: datetime) -> tuple[int, Facts]:
    """Undo what was done last on a list; return the place of its name. Raises DomainError."""
    await class_lists.lock(conn, list_id, own_account(actor), now)
    list_taken = await class_lists.take_back(conn, list_id)
    if list_taken is None:
        raise DomainError(errors.CLASS_NOTHING_DONE)
    position, credential = list_taken
    if credential is None:
        return position, ()
    return position, (await people.undo_enrolment(conn, actor, credential, now)).facts


async def start_with_next_tap(conn: Conn, actor: Principal, list_id: UUID, now: datetime) -> None:
    """Leave out the badges that were held to the reader so far. Raises DomainError."""
    await class_lists.lock(conn, list_id, own_account(actor), now)
    await class_lists.leave_out_taps(conn, list_id, now)


async def end(conn: Conn, actor: Principal, list_id: UUID) -> bool:
    """Delete a list of the actor's own; return whether there was one."""
    if not await class_lists.end(conn, list_id, own_account(actor)):
        return False
    await log.record(conn, actor=actor.actor, action="class.ended")
    return True
