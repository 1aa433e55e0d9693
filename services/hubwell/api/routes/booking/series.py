"""Series of bookings: preview, book, read, change and cancel from a date on, undo, and dates left out."""

import hashlib
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Path, Query, Response

from hubwell.api.responses import WRITES, refused
from hubwell.api.routes.booking.bookings import RULES, Key, key_in, version_of
from hubwell.api.routes.booking.series_schemas import (
    BookingSeriesBody,
    BookingSeriesPreview,
    BookingSeriesRestored,
    BookingSeriesShown,
    ChangeBookingSeriesBody,
    PreviewDateShown,
)
from hubwell.booking import errors as booking_errors
from hubwell.booking.actions import Request as SentRequest
from hubwell.booking.series import errors, read_model
from hubwell.booking.series.read_model import Series
from hubwell.events import Facts
from hubwell.http.dependencies import AppSettings, OpenTransaction, Transaction
from hubwell.http.guard import require_role
from hubwell.settings import Settings
from hubwell.workflows import booking_series as workflow
from hubwell.workflows.booking_series import Chosen, Scope
from hubwell.workflows.bookings import BOOKERS, Clock, reader_of

SeriesId = Annotated[UUID, Path(description="Id of a series.")]
IfMatch = Annotated[
    str | None, Header(description='The ETag of the series as you saw it, such as "3"; needed.')
]
DateKey = Annotated[
    str, Path(max_length=16, description="Original start on the clocks of the series: 2026-12-08T09:30.")
]
_RULES: Final = (
    *(kind for kind in RULES if kind not in (booking_errors.START_SKIPPED, booking_errors.END_SKIPPED)),
    errors.RULE_UNREADABLE,
    errors.FREQUENCY_REFUSED,
    errors.ENDLESS,
    errors.LAST_DAY_UNREADABLE,
    errors.TWO_ENDS,
    errors.TOO_MANY_DATES,
    errors.LAST_DATE_TOO_FAR,
    errors.NO_DATES,
    errors.OVERLAPS_ITSELF,
    errors.SKIP_UNREADABLE,
)
_CHANGES: Final = (errors.BOOKING_SERIES_GONE, booking_errors.NOT_YOURS)
_WITH_VERSION: Final = (
    *_CHANGES,
    errors.DATE_UNKNOWN,
    errors.NOTHING_TO_COME,
    booking_errors.CHANGED_MEANWHILE,
    booking_errors.VERSION_MISSING,
)
_NEW_VALUES: Final = (
    errors.TIME_UNREADABLE,
    errors.END_TIME_UNREADABLE,
    errors.OVERLAPS_ITSELF,
    errors.SKIP_UNREADABLE,
    booking_errors.ENDS_FIRST,
    booking_errors.PART_UNKNOWN,
    booking_errors.TOO_MANY_PEOPLE,
    booking_errors.PEOPLE_UNREADABLE,
    booking_errors.BOOKING_TITLE_MISSING,
    booking_errors.BOOKING_TITLE_TOO_LONG,
    booking_errors.BOOKING_SPACE_ARCHIVED,
    booking_errors.SPACE_NOT_BOOKABLE,
)

api = APIRouter(
    prefix="/api/v1/bookings/series",
    tags=["Bookings"],
    responses=WRITES,
    dependencies=[require_role(*BOOKERS)],
)


@api.post(
    "/preview",
    summary="Preview a series of bookings",
    operation_id="previewBookingSeries",
    responses=refused(*_RULES),
)
async def preview(
    transaction: Transaction, settings: AppSettings, body: BookingSeriesBody
) -> BookingSeriesPreview:
    """Return every date with what is in its way; nothing is saved.

    Dates with a `problem` can be left out: send their `date` as `skip` when you book.
    """
    plan, dates = await workflow.preview_new(
        transaction.conn, transaction.principal, body.given, _clock(transaction, settings)
    )
    return BookingSeriesPreview.of(dates, plan)


@api.post(
    "",
    summary="Book a series",
    operation_id="bookSeries",
    status_code=201,
    responses=refused(
        *_RULES,
        errors.DATES_TAKEN,
        errors.NOTHING_CHOSEN,
        booking_errors.BOOKING_KEY_UNREADABLE,
        booking_errors.KEY_REUSED,
    ),
)
async def book(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    body: BookingSeriesBody,
    idempotency_key: Key = None,
) -> BookingSeriesShown:
    """Book all dates that are not left out, or none.

    Where one is not free, the problem has `dates`: a fresh preview. Dates that are left out are remembered.
    """
    key = key_in(idempotency_key)
    digest = hashlib.sha256(body.model_dump_json().encode()).digest()
    request = None if key is None else SentRequest(key, digest)
    series, facts = await workflow.book(
        transaction.conn, transaction.principal, body.given, _clock(transaction, settings), request
    )
    response.headers["Location"] = f"{api.prefix}/{series.id}"
    return await _committed(transaction, settings, response, series, facts)


@api.get(
    "/{series_id}",
    summary="One series of bookings",
    operation_id="getBookingSeries",
    responses=refused(errors.BOOKING_SERIES_GONE),
)
async def get_series(
    transaction: Transaction, settings: AppSettings, response: Response, series_id: SeriesId
) -> BookingSeriesShown:
    """Return a series with all its dates, those that were changed, cancelled or left out too."""
    return _shown(transaction, settings, response, await read_model.get(transaction.conn, series_id))


@api.post(
    "/{series_id}/preview",
    summary="Preview a change of a series",
    operation_id="previewBookingSeriesChange",
    responses=refused(*_CHANGES, errors.DATE_UNKNOWN, errors.NOTHING_TO_COME, *_NEW_VALUES),
)
async def preview_change(
    transaction: Transaction, settings: AppSettings, series_id: SeriesId, body: ChangeBookingSeriesBody
) -> BookingSeriesPreview:
    """Return the dates that would follow the change, with what is in the way of each; nothing is saved."""
    _series, dates = await workflow.preview_change(
        transaction.conn,
        transaction.principal,
        series_id,
        body.chosen,
        body.given,
        _clock(transaction, settings),
    )
    return BookingSeriesPreview.of(dates)


@api.patch(
    "/{series_id}",
    summary="Change a series from a date on, or all of it",
    operation_id="changeBookingSeries",
    responses=refused(*_WITH_VERSION, *_NEW_VALUES, errors.DATES_TAKEN, errors.NOTHING_CHOSEN),
)
async def change(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    series_id: SeriesId,
    body: ChangeBookingSeriesBody,
    if_match: IfMatch = None,
) -> BookingSeriesShown:
    """Dates that were changed or cancelled alone, and those that have begun, stay as they are.

    With `following` the dates from `date` on become a series of their own, which is the answer.
    """
    series, facts = await workflow.change(
        transaction.conn,
        transaction.principal,
        series_id,
        body.chosen,
        body.given,
        version_of(if_match),
        _clock(transaction, settings),
    )
    return await _committed(transaction, settings, response, series, facts)


@api.delete(
    "/{series_id}",
    summary="Cancel a series from a date on, or all of it",
    operation_id="cancelBookingSeries",
    responses=refused(*_WITH_VERSION),
)
async def cancel(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    series_id: SeriesId,
    scope: Annotated[Scope, Query(description="`all` dates, or those from `date` on.")] = Scope.ALL,
    date: Annotated[str, Query(max_length=16, description="Original start of the first date.")] = "",
    if_match: IfMatch = None,
) -> BookingSeriesShown:
    """Cancel the dates that have not ended, also those that were changed alone. It can be undone."""
    series, facts = await workflow.cancel(
        transaction.conn,
        transaction.principal,
        series_id,
        Chosen(scope, date),
        version_of(if_match),
        _clock(transaction, settings),
    )
    return await _committed(transaction, settings, response, series, facts)


@api.post(
    "/{series_id}/restore",
    summary="Undo the cancelling of a series",
    operation_id="restoreBookingSeries",
    responses=refused(
        *_CHANGES,
        errors.SERIES_NOT_CANCELLED,
        booking_errors.CHANGED_MEANWHILE,
        booking_errors.VERSION_MISSING,
        booking_errors.BOOKING_SPACE_ARCHIVED,
    ),
)
async def restore(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    series_id: SeriesId,
    if_match: IfMatch = None,
) -> BookingSeriesRestored:
    """Bring back the dates that were cancelled together last, where they are still free."""
    series, missing, facts = await workflow.restore(
        transaction.conn,
        transaction.principal,
        series_id,
        version_of(if_match),
        _clock(transaction, settings),
    )
    shown = await _committed(transaction, settings, response, series, facts)
    return BookingSeriesRestored(series=shown, not_free=missing)


@api.get(
    "/{series_id}/skipped",
    summary="Dates that a series left out",
    operation_id="listSkippedDates",
    responses=refused(errors.BOOKING_SERIES_GONE),
)
async def list_skipped(
    transaction: Transaction, settings: AppSettings, series_id: SeriesId
) -> list[PreviewDateShown]:
    """Return those to come, each with what is in its way now; those without a `problem` can be booked."""
    series = await read_model.get(transaction.conn, series_id)
    dates = await workflow.skipped(
        transaction.conn, transaction.principal, series, _clock(transaction, settings)
    )
    return [PreviewDateShown.of(date) for date in dates]


@api.post(
    "/{series_id}/skipped/{date}",
    summary="Book a date that a series left out",
    operation_id="bookSkippedDate",
    responses=refused(
        *_CHANGES,
        errors.NOT_SKIPPED,
        errors.DATES_TAKEN,
        errors.SKIP_UNREADABLE,
        booking_errors.BOOKING_SPACE_ARCHIVED,
    ),
)
async def book_skipped(
    transaction: Transaction, settings: AppSettings, response: Response, series_id: SeriesId, date: DateKey
) -> BookingSeriesShown:
    """Book it as the series is now, where it is free. Sent again, it is 404: it is booked already."""
    series, facts = await workflow.book_skipped(
        transaction.conn, transaction.principal, series_id, date, _clock(transaction, settings)
    )
    return await _committed(transaction, settings, response, series, facts)


def _clock(transaction: OpenTransaction, settings: Settings) -> Clock:
    return Clock(transaction.now, ZoneInfo(settings.zone))


async def _committed(
    transaction: OpenTransaction, settings: Settings, response: Response, series: Series, facts: Facts
) -> BookingSeriesShown:
    await transaction.commit(facts)
    return _shown(transaction, settings, response, series)


def _shown(
    transaction: OpenTransaction, settings: Settings, response: Response, series: Series
) -> BookingSeriesShown:
    response.headers["ETag"] = f'"{series.version}"'
    return BookingSeriesShown.of(series, reader_of(transaction.principal), ZoneInfo(settings.zone))
