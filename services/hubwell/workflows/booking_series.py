"""Book series, change and cancel them, book dates that were left out: pages and API call these.

A series is changed by its owner, facilities and administrators. What was changed or cancelled of one date
alone stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.booking import errors as booking_errors
from hubwell.booking import rules, spaces
from hubwell.booking.actions import NotFreeError, Request
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import BookableSpace
from hubwell.booking.series import actions, errors, plan, read_model
from hubwell.booking.series.occurrences import Occurrence, Pattern, check_apart, occurrences
from hubwell.booking.series.plan import SeriesChange, SeriesInput, SeriesPlan
from hubwell.booking.series.preview import DatesTakenError, PreviewDate, check_chosen, preview
from hubwell.booking.series.read_model import Series
from hubwell.errors import DomainError
from hubwell.events import BookingsChanged, Facts
from hubwell.workflows.bookings import Clock, reader_of

Conn = AsyncConnection[Any]


class Scope(StrEnum):
    """Which dates of a series a change is about: one and those after it, or all that are to come."""

    FOLLOWING = "following"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Dates of a series by scope; `date` is the original start of the first of `following`."""

    scope: Scope
    date: str = ""


@dataclass(frozen=True, slots=True)
class _Edit:
    """A change of a series that keeps every rule, with what is in the way of each date."""

    pattern: Pattern
    moved: list[tuple[Booking, Occurrence]]
    left: list[UUID]
    shown: list[PreviewDate]
    first: datetime
    later: timedelta


async def preview_new(
    conn: Conn, actor: Principal, given: SeriesInput, clock: Clock
) -> tuple[SeriesPlan, list[PreviewDate]]:
    """Return the dates of a series with what is in the way; nothing is written. Raises DomainError."""
    planned = plan.plan_of(given, await _space(conn, given.booking.space), clock.zone, clock.now)
    reader = reader_of(actor)
    return planned, await preview(conn, planned.pattern, planned.dates, reader, skip=planned.skip)


async def book(
    conn: Conn, actor: Principal, given: SeriesInput, clock: Clock, request: Request | None = None
) -> tuple[Series, Facts]:
    """Book all chosen dates of a series, or none. The same request again returns the same series.

    Raises DomainError with every broken rule; DatesTakenError, with a fresh preview, where one is not free.
    """
    if request is not None:
        before = await actions.of_request(conn, actor.actor, request)
        if before is not None:
            return await read_model.get(conn, before), ()
    planned, shown = await preview_new(conn, actor, given, clock)
    check_chosen(shown)
    try:
        series_id = await actions.add(conn, planned, shown, actor.actor, clock.now, request)
    except NotFreeError:  # others booked after the preview: the next one says which, after a deadlock none
        planned, shown = await preview_new(conn, actor, given, clock)
        check_chosen(shown)
        series_id = await _add_again(conn, planned, shown, actor, clock, request)
    if series_id is None:  # the same request at the same moment came first
        return await book(conn, actor, given, clock, request)
    space_id = planned.pattern.space.id
    booked = sum(date.chosen for date in shown)
    await _note(conn, actor, "series.made", series_id, space=space_id, dates=booked)
    return await read_model.get(conn, series_id), _changed(space_id)


async def preview_change(
    conn: Conn, actor: Principal, series_id: UUID, chosen: Chosen, change: SeriesChange, clock: Clock
) -> tuple[Series, list[PreviewDate]]:
    """Return what a change would make of the dates that follow it; nothing is written. Raises DomainError."""
    series = await read_model.get(conn, series_id)
    if not series.may_change(reader_of(actor)):
        raise DomainError(booking_errors.NOT_YOURS)
    edit = await _edit(conn, actor, series, chosen, change, clock)
    return series, edit.shown


async def change(
    conn: Conn,
    actor: Principal,
    series_id: UUID,
    chosen: Chosen,
    given: SeriesChange,
    version: int | None,
    clock: Clock,
) -> tuple[Series, Facts]:
    """Change the dates to come of a series, from one on or all; exceptions stay as they are.

    From one on, they become a series of their own, which is returned. `version` is that which the sender saw,
    None for any. Raises DomainError; DatesTakenError, with a fresh preview, where a date is not free.
    """
    await _lock_spaces(conn, (await read_model.get(conn, series_id)).space_id, given.space)
    series = await _to_change(conn, actor, series_id, version)
    edit = await _edit(conn, actor, series, chosen, given, clock)
    check_chosen(edit.shown)
    target = series
    if chosen.scope is Scope.FOLLOWING and edit.first > series.dates[0].at:
        last = max(each.at for each in series.dates if each.at < edit.first)
        target = await read_model.get(conn, await actions.split(conn, series, edit.first, last, clock.now))
    try:
        await actions.change(
            conn, target, edit.pattern, edit.moved, edit.left, edit.later, edit.first, clock.now
        )
    except NotFreeError as error:
        shown = (await _edit(conn, actor, series, chosen, given, clock)).shown
        raise DatesTakenError(shown) from error
    touched = {series.space_id, edit.pattern.space.id}
    await _note(conn, actor, "series.changed", target.id, space=edit.pattern.space.id, dates=len(edit.moved))
    return await read_model.get(conn, target.id), _changed(*touched)


async def cancel(
    conn: Conn, actor: Principal, series_id: UUID, chosen: Chosen, version: int | None, clock: Clock
) -> tuple[Series, Facts]:
    """Cancel the dates of a series that have not ended, from one on or all. Raises DomainError."""
    series = await _to_change(conn, actor, series_id, version)
    first = series.dates[0].at if chosen.scope is Scope.ALL else _date_of(series, chosen.date)
    cancelled = await actions.cancel(conn, series, first, clock.now)
    if not cancelled:
        raise DomainError(errors.NOTHING_TO_COME)
    await _note(conn, actor, "series.cancelled", series.id, space=series.space_id, dates=len(cancelled))
    return await read_model.get(conn, series_id), _changed(*_spaces_of(series))


async def restore(
    conn: Conn, actor: Principal, series_id: UUID, version: int | None, clock: Clock
) -> tuple[Series, int, Facts]:
    """Take back that dates were cancelled with their series, where they are free.

    Returns the series, and how many dates are not free any more. Raises DomainError.
    """
    space = await spaces.get_space(conn, (await read_model.get(conn, series_id)).space_id)
    series = await _to_change(conn, actor, series_id, version)
    refused = rules.space_refusal(space)
    if refused is not None:
        raise refused
    bookings = [
        each.booking
        for each in series.dates
        if each.booking is not None
        and each.booking.cancelled_at is not None
        and each.booking.cancelled_at == series.cancelled_at
        and each.booking.end > clock.now
    ]
    if not bookings:
        raise DomainError(errors.SERIES_NOT_CANCELLED)
    back = await actions.restore(conn, series, bookings, clock.now)
    await _note(conn, actor, "series.restored", series.id, space=series.space_id, dates=back)
    return await read_model.get(conn, series_id), len(bookings) - back, _changed(*_spaces_of(series))


async def skipped(conn: Conn, actor: Principal, series: Series, clock: Clock) -> list[PreviewDate]:
    """Return the dates to come that were left out, each with what is in its way now."""
    space = await spaces.get_space(conn, series.space_id)
    if space.archived:
        return []
    pattern = series.pattern(space)
    dates = occurrences(pattern, series.skipped(clock.now), clock.zone, clock.now)
    return await preview(conn, pattern, dates, reader_of(actor))


async def book_skipped(
    conn: Conn, actor: Principal, series_id: UUID, date: str, clock: Clock
) -> tuple[Series, Facts]:
    """Book a date that was left out, now that it is free. Raises DomainError, DatesTakenError."""
    space = await spaces.get_space(conn, (await read_model.get(conn, series_id)).space_id)
    series = await _to_change(conn, actor, series_id, None)
    refused = rules.space_refusal(space)
    if refused is not None:
        raise refused
    pattern = series.pattern(space)
    wanted = plan.dates_in([date]) & set(series.skipped(clock.now))
    if not wanted:
        raise DomainError(errors.NOT_SKIPPED)
    dates = occurrences(pattern, wanted, clock.zone, clock.now)
    shown = await preview(conn, pattern, dates, reader_of(actor))
    check_chosen(shown)
    try:
        await actions.book_skipped(conn, series, pattern, dates[0], series.owner, clock.now)
    except NotFreeError as error:
        raise DatesTakenError(await preview(conn, pattern, dates, reader_of(actor))) from error
    await _note(conn, actor, "series.date-booked", series.id, space=series.space_id)
    return await read_model.get(conn, series_id), _changed(series.space_id)


async def _edit(
    conn: Conn, actor: Principal, series: Series, chosen: Chosen, change: SeriesChange, clock: Clock
) -> _Edit:
    """Return what a change makes of the dates to come. Raises DomainError with every broken rule."""
    before = series.pattern(await spaces.get_space(conn, series.space_id))
    coming = series.to_come(clock.now)
    if chosen.scope is Scope.FOLLOWING:
        first = _date_of(series, chosen.date)
        coming = [booking for booking in coming if _at(booking) >= first]
        if any(each.booking and each.booking.start <= clock.now for each in series.dates if each.at >= first):
            raise DomainError(errors.DATE_UNKNOWN)
    if not coming:
        raise DomainError(errors.NOTHING_TO_COME)
    first = min(map(_at, coming)) if chosen.scope is Scope.ALL else _date_of(series, chosen.date)
    space = await _space(conn, change.space) if change.space else before.space
    pattern, later = plan.changed_pattern(before, change, space, _at(coming[0]))
    leave = plan.dates_in(change.leave)
    by_date = {_at(booking): booking for booking in coming}
    dates = occurrences(pattern, (at + later for at in by_date), clock.zone, clock.now)
    check_apart(pattern, [each for each in dates if each.at - later not in leave])
    ids = [booking.id for at, booking in by_date.items() if at not in leave]
    shown = []
    for each in await preview(conn, pattern, dates, reader_of(actor), besides=ids):
        at = each.occurrence.at - later
        shown.append(PreviewDate(replace(each.occurrence, at=at), each.conflicts, at not in leave))
    moved = [(by_date[each.occurrence.at], each.occurrence) for each in shown if each.chosen]
    left = [by_date[each.occurrence.at].id for each in shown if not each.chosen]
    return _Edit(pattern, moved, left, shown, first, later)


async def _add_again(
    conn: Conn,
    planned: SeriesPlan,
    shown: Sequence[PreviewDate],
    actor: Principal,
    clock: Clock,
    request: Request | None,
) -> UUID | None:
    try:
        return await actions.add(conn, planned, shown, actor.actor, clock.now, request)
    except NotFreeError as error:
        raise DatesTakenError(shown) from error


async def _to_change(conn: Conn, actor: Principal, series_id: UUID, version: int | None) -> Series:
    series = await read_model.locked(conn, series_id)
    if not series.may_change(reader_of(actor)):
        raise DomainError(booking_errors.NOT_YOURS)
    if version is not None and series.version != version:
        raise DomainError(booking_errors.CHANGED_MEANWHILE)
    return series


async def _lock_spaces(conn: Conn, before: str, wanted: str | None) -> None:
    """Lock the spaces of a change before its series, as every other change does."""
    for space_id in sorted({before, wanted or before}):
        await _space(conn, space_id)


async def _space(conn: Conn, space_id: str) -> BookableSpace | DomainError:
    try:
        return await spaces.get_space(conn, space_id)
    except DomainError as error:
        return error


def _date_of(series: Series, text: str) -> datetime:
    """Return the original start that a date of a series is named by. Raises DomainError."""
    try:
        named = plan.dates_in([text])
    except DomainError as error:
        raise DomainError(errors.DATE_UNKNOWN) from error
    for each in series.dates:
        if each.at in named:
            return each.at
    raise DomainError(errors.DATE_UNKNOWN)


def _at(booking: Booking) -> datetime:
    if booking.series_at is None:
        raise RuntimeError("a booking of a series has its key")
    return booking.series_at


def _spaces_of(series: Series) -> Sequence[str]:
    found = {each.booking.space_id for each in series.dates if each.booking is not None}
    return sorted(found | {series.space_id})


def _changed(*space_ids: str) -> Facts:
    return (BookingsChanged(space_ids=tuple(sorted(set(space_ids)))),)


async def _note(conn: Conn, actor: Principal, action: str, series_id: UUID, **detail: log.Value) -> None:
    subject = f"series:{series_id}"
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
