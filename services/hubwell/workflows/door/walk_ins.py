"""Take a free space at its door with a badge, extend and end it: panel, API and readers' taps call these.

A request is pressed first and waits for half a minute; whose tap follows takes the space.
The audit log has the space and never the person: it would tell where a person is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.audit import log
from hubwell.booking import errors
from hubwell.booking.door import requests, walk_ins
from hubwell.booking.door.requests import DoorRequest, Wish
from hubwell.booking.read_model import Booking
from hubwell.errors import DomainError
from hubwell.events import BookingsChanged
from hubwell.screens import actions as screens
from hubwell.workflows.bookings import Clock

_ACTIONS: Final = {
    Wish.TAKE: "booking.taken-at-door",
    Wish.EXTEND: "booking.extended-at-door",
    Wish.END: "booking.ended-at-door",
}
_BADGE: Final = "badge"
"""The actor: a badge, whosever it is."""
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Awaited:
    """A request that taps of a batch may answer, and whose taps: None, anybody's."""

    request: DoorRequest
    people: frozenset[UUID] | None


async def ask(conn: Conn, space_id: str, wish: Wish, minutes: str, clock: Clock) -> DoorRequest:
    """Let a wish wait for a badge at the space's reader. Raises DomainError where it cannot be granted."""
    length = walk_ins.minutes_in(wish, minutes)
    state = await walk_ins.door_state(conn, space_id, clock.zone, clock.now)
    if not any(not reader.is_away for reader in await screens.door_readers(conn, space_id)):
        raise DomainError(errors.WALK_IN_NO_READER)
    if wish is Wish.TAKE:
        refusal = walk_ins.take_refusal(state)
        if refusal is not None:
            raise refusal
    elif not state.is_booked_now:
        raise DomainError(errors.WALK_IN_NOT_YOURS)
    return await requests.ask(conn, space_id, wish, length, clock.now)


async def awaited(conn: Conn, space_ids: list[str], now: datetime) -> dict[str, Awaited]:
    """Return the requests that wait at these spaces, locked, with the people who can answer them."""
    waiting = await requests.waiting(conn, space_ids, now) if space_ids else {}
    return {
        space_id: Awaited(
            request,
            None if request.wish is Wish.TAKE else await walk_ins.people_of_current(conn, space_id, now),
        )
        for space_id, request in waiting.items()
    }


async def answer(
    conn: Conn, request: DoorRequest, person_id: UUID, clock: Clock
) -> tuple[BookingsChanged, ...]:
    """Do what was asked for the person whose badge was held to the reader, or note why not."""
    space_id = request.space_id
    try:
        booking = await _do(conn, request, person_id, clock)
    except DomainError as error:
        await requests.refuse(conn, request, error.code)
        return ()
    part = "" if booking.whole else ", ".join(booking.part_names)
    await requests.grant(conn, request, booking.end, part)
    action, subject = _ACTIONS[request.wish], f"booking:{booking.id}"
    await log.record(conn, actor=_BADGE, action=action, subject=subject, detail={"space": space_id})
    return (BookingsChanged(space_ids=(space_id,)),)


async def _do(conn: Conn, request: DoorRequest, person_id: UUID, clock: Clock) -> Booking:
    space_id, minutes = request.space_id, request.minutes
    match request.wish:
        case Wish.TAKE:
            return await walk_ins.take(conn, space_id, minutes, person_id, clock.zone, clock.now)
        case Wish.EXTEND:
            return await walk_ins.extend(conn, space_id, minutes, person_id, clock.zone, clock.now)
        case Wish.END:
            return await walk_ins.end(conn, space_id, person_id, clock.now)
