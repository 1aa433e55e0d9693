"""Release bookings to which nobody came, as the timetable says when; their owners take it back."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.booking import errors, read_model, rules, spaces, taken
from hubwell.booking.actions import NotFreeError
from hubwell.booking.no_shows import release
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import Plan, Term
from hubwell.errors import DomainError
from hubwell.events import BookingsChanged, Facts
from hubwell.settings import Settings
from hubwell.workflows.bookings import Clock, reader_of

_SCHEDULE: Final = "schedule"
Conn = AsyncConnection[Any]


async def release_due(conn: Conn, now: datetime, settings: Settings) -> Facts:
    """Judge the bookings whose release is due, once each; release those to which nobody came."""
    del settings
    released = [item for item in await release.judge_due(conn, now) if item.judgement.releases]
    for item in released:
        subject = f"booking:{item.booking_id}"
        detail: dict[str, log.Value] = {
            "space": item.space_id,
            "per_mille": round(item.judgement.probability * 1000),
        }
        await log.record(conn, actor=_SCHEDULE, action="booking.released", subject=subject, detail=detail)
    spaces_changed = tuple(sorted({item.space_id for item in released}))
    return (BookingsChanged(space_ids=spaces_changed),) if released else ()


async def take_back(
    conn: Conn, actor: Principal, booking_id: UUID, version: int | None, clock: Clock
) -> tuple[Booking, Facts]:
    """Give a released booking its time again, where it is still free. Raises DomainError."""
    before = await read_model.get(conn, booking_id)
    space = await spaces.get_space(conn, before.space_id)
    booking = await read_model.locked(conn, booking_id)
    if not booking.may_change(reader_of(actor)):
        raise DomainError(errors.NOT_YOURS)
    if version is not None and booking.version != version:
        raise DomainError(errors.CHANGED_MEANWHILE)
    if booking.no_show_end is None:
        raise DomainError(errors.NOT_RELEASED)
    if booking.no_show_end <= clock.now or booking.cancelled_at is not None:
        raise DomainError(errors.BOOKING_OVER)
    refused = rules.space_refusal(space)
    if refused is not None:
        raise refused
    plan = Plan(
        space=space,
        parts=space.chosen(booking.parts),
        term=Term(booking.start, booking.no_show_end),
        people=booking.people,
        title=booking.title,
        shows_title=booking.shows_title,
    )
    try:
        await release.take_back(conn, booking, plan, clock.now)
    except NotFreeError as error:
        raise await taken.refusal(conn, plan, reader_of(actor), clock.zone, clock.now, booking.id) from error
    subject, detail = f"booking:{booking_id}", {"space": booking.space_id}
    await log.record(conn, actor=actor.actor, action="booking.taken-back", subject=subject, detail=detail)
    return await read_model.get(conn, booking_id), (BookingsChanged(space_ids=(booking.space_id,)),)
