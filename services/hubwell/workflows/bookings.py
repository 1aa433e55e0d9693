"""Book spaces, change, end, cancel and restore bookings, and give spaces parts: pages and API call these.

Staff, facilities and administrators book. A booking is changed by its owner, facilities and administrators.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.booking import actions, errors, read_model, rules, spaces, taken
from hubwell.booking.actions import NotFreeError, Request
from hubwell.booking.door.settings import DoorSettings
from hubwell.booking.read_model import Booking, Reader
from hubwell.booking.rules import BookableSpace, BookingInput, Plan, Term
from hubwell.booking.spaces import PartInput
from hubwell.errors import DomainError
from hubwell.events import BookingsChanged, Facts
from hubwell.spaces import register
from hubwell.vocabulary import Role

BOOKERS: Final = (Role.STAFF, Role.FACILITIES, Role.ADMIN)
MANAGERS: Final = (Role.FACILITIES, Role.ADMIN)
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment of a request, and the hub's zone."""

    now: datetime
    zone: ZoneInfo


def reader_of(principal: Principal) -> Reader:
    """Return what a principal may see and change of bookings."""
    return Reader(principal.actor, principal.may(*MANAGERS), principal.may(*BOOKERS))


async def book(
    conn: Conn, actor: Principal, given: BookingInput, clock: Clock, request: Request | None = None
) -> tuple[Booking, Facts]:
    """Book a space or parts of it; return the booking. The same request again returns the same booking.

    Raises DomainError with every broken rule; SpaceTakenError, with alternatives, where it is not free.
    """
    if request is not None:
        before = await actions.of_request(conn, actor.actor, request)
        if before is not None:
            return await read_model.get(conn, before), ()
    plan = rules.plan_of(given, await _space(conn, given.space), clock.zone, clock.now)
    try:
        booking_id = await actions.add(conn, plan, actor.actor, clock.now, request)
    except NotFreeError as error:
        raise await taken.refusal(conn, plan, reader_of(actor), clock.zone, clock.now) from error
    if booking_id is None:  # the same request at the same moment came first
        return await book(conn, actor, given, clock, request)
    await _note(conn, actor, "booking.made", booking_id, space=plan.space.id)
    return await read_model.get(conn, booking_id), _changed(plan.space.id)


async def change(
    conn: Conn, actor: Principal, booking_id: UUID, given: BookingInput, version: int | None, clock: Clock
) -> tuple[Booking, Facts]:
    """Move, extend or rename a booking; `version` is that which the sender saw, None for any.

    Raises DomainError with every broken rule; SpaceTakenError, with alternatives, where it is not free.
    """
    before = await read_model.get(conn, booking_id)
    wanted_space = await _space(conn, given.space)
    if before.space_id != given.space:  # its archiving would cancel the booking while it is moved
        await spaces.get_space(conn, before.space_id)
    booking = await _to_change(conn, actor, booking_id, version)
    _check_lasts(booking, clock.now)
    plan = rules.plan_of(
        given, wanted_space, clock.zone, clock.now, begun=booking.start, untitled=not booking.title
    )
    try:
        await actions.move(conn, booking, plan, clock.now)
    except NotFreeError as error:
        raise await taken.refusal(conn, plan, reader_of(actor), clock.zone, clock.now, booking.id) from error
    await _note(conn, actor, "booking.changed", booking_id, space=plan.space.id)
    return await read_model.get(conn, booking_id), _changed(*{booking.space_id, plan.space.id})


async def end(
    conn: Conn, actor: Principal, booking_id: UUID, version: int | None, now: datetime
) -> tuple[Booking, Facts]:
    """End a booking that has begun; the rest of its time is free after the turnaround. Raises DomainError."""
    booking = await _to_change(conn, actor, booking_id, version)
    _check_lasts(booking, now)
    if booking.start >= now:
        raise DomainError(errors.NOT_BEGUN)
    await actions.end(conn, booking, now)
    await _note(conn, actor, "booking.ended", booking_id, space=booking.space_id)
    return await read_model.get(conn, booking_id), _changed(booking.space_id)


async def cancel(
    conn: Conn, actor: Principal, booking_id: UUID, version: int | None, now: datetime
) -> tuple[Booking, Facts]:
    """Cancel a booking that has not ended; its time is free at once. Raises DomainError."""
    booking = await _to_change(conn, actor, booking_id, version)
    _check_lasts(booking, now)
    await actions.cancel(conn, booking_id, now)
    await _note(conn, actor, "booking.cancelled", booking_id, space=booking.space_id)
    return await read_model.get(conn, booking_id), _changed(booking.space_id)


async def restore(
    conn: Conn, actor: Principal, booking_id: UUID, version: int | None, clock: Clock
) -> tuple[Booking, Facts]:
    """Take back that a booking was cancelled, where it is still free. Raises DomainError."""
    before = await read_model.get(conn, booking_id)
    space = await spaces.get_space(conn, before.space_id)
    booking = await _to_change(conn, actor, booking_id, version)
    if booking.cancelled_at is None:
        raise DomainError(errors.NOT_CANCELLED)
    _check_lasts(replace(booking, cancelled_at=None), clock.now)
    refused = rules.space_refusal(space)
    if refused is not None:
        raise refused
    plan = _plan_again(booking, space)
    try:
        await actions.restore(conn, booking_id, plan, clock.now)
    except NotFreeError as error:
        raise await taken.refusal(conn, plan, reader_of(actor), clock.zone, clock.now) from error
    await _note(conn, actor, "booking.restored", booking_id, space=booking.space_id)
    return await read_model.get(conn, booking_id), _changed(booking.space_id)


async def set_up(
    conn: Conn,
    actor: Principal,
    space_id: str,
    parts: Sequence[PartInput],
    turnaround: int,
    now: datetime,
    door: DoorSettings | None = None,
) -> tuple[BookableSpace, Facts]:
    """Give a space its parts, its minutes of turnaround and what badges do there. Raises DomainError.

    Without `door` this stays as it is. Bookings keep the release that their owners read.
    """
    most = int(rules.LONGEST_TURNAROUND.total_seconds() // 60)
    if not 0 <= turnaround <= most:
        raise DomainError(errors.TURNAROUND_UNREADABLE, most=most)
    await spaces.set_parts(conn, space_id, parts, now)
    await register.set_turnaround(conn, space_id, turnaround)
    detail: dict[str, log.Value] = {"parts": len(parts), "turnaround": turnaround}
    if door is not None:
        await register.set_door(conn, space_id, walk_ins=door.walk_ins, release=door.release)
        detail |= {"walk_ins": door.walk_ins, "release": door.release}
    subject = f"space:{space_id}"
    await log.record(conn, actor=actor.actor, action="booking.set-up", subject=subject, detail=detail)
    return await spaces.get_space(conn, space_id), _changed(space_id)


async def _space(conn: Conn, space_id: str) -> BookableSpace | DomainError:
    try:
        return await spaces.get_space(conn, space_id)
    except DomainError as error:
        return error


async def _to_change(conn: Conn, actor: Principal, booking_id: UUID, version: int | None) -> Booking:
    booking = await read_model.locked(conn, booking_id)
    if not booking.may_change(reader_of(actor)):
        raise DomainError(errors.NOT_YOURS)
    if version is not None and booking.version != version:
        raise DomainError(errors.CHANGED_MEANWHILE)
    return booking


def _check_lasts(booking: Booking, now: datetime) -> None:
    if booking.cancelled_at is not None or booking.end <= now:
        raise DomainError(errors.BOOKING_OVER)


def _plan_again(booking: Booking, space: BookableSpace) -> Plan:
    return Plan(
        space=space,
        parts=space.chosen(booking.parts),
        term=Term(booking.start, booking.end),
        people=booking.people,
        title=booking.title,
        shows_title=booking.shows_title,
    )


def _changed(*space_ids: str) -> Facts:
    return (BookingsChanged(space_ids=tuple(sorted(space_ids))),)


async def _note(conn: Conn, actor: Principal, action: str, booking_id: UUID, **detail: log.Value) -> None:
    subject = f"booking:{booking_id}"
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
