"""Pages of series: all dates before anything is saved, a series with its dates, and those left out."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.booking import spaces
from hubwell.booking.read_model import Reader
from hubwell.booking.series import read_model
from hubwell.booking.series.plan import SeriesPlan
from hubwell.booking.series.preview import DatesTakenError, PreviewDate
from hubwell.booking.series.recurrence import leaves_months_out
from hubwell.errors import DomainError
from hubwell.http.dependencies import CurrentPrincipal, OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.web.booking.form import Errors, unreadable
from hubwell.web.booking.series_form import (
    ChangeForm,
    SeriesFields,
    SeriesForm,
    SeriesQuery,
    change_form_of,
    repeats,
    repeats_how,
    series_mistakes,
)
from hubwell.web.booking.series_text import coming_dates, counted, date_rows, series_rows
from hubwell.web.booking.text import name_of
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import booking_series as workflow
from hubwell.workflows.booking_series import Chosen, Scope
from hubwell.workflows.bookings import BOOKERS, Clock, reader_of

Conn = AsyncConnection[Any]
Version = Annotated[int, Form(ge=0, le=2**31 - 1)]
pages = APIRouter(
    prefix="/bookings/series",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(*BOOKERS)],
)
AT_FIELDS = (409, 422)
"""Statuses of refusals that a form shows; others have a page of their own."""


@pages.get("/new")
async def show_preview(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, form: SeriesQuery
) -> Response:
    """Show every date of a series with what is in its way, before anything is saved."""
    words = formatter_for(request)
    if form.is_empty:
        return see_other("/bookings/new")
    return await _preview(request, conn, principal, words, form)


@pages.post("")
async def book(request: Request, transaction: Transaction, form: SeriesFields) -> Response:
    """Book the dates that are not left out; pressed twice, they are booked once."""
    words, conn = formatter_for(request), transaction.conn
    errors = unreadable(form, words)
    clock = Clock(transaction.now, words.zone)
    if errors:
        return await _preview(request, conn, transaction.principal, words, form)
    try:
        series, facts = await workflow.book(
            conn, transaction.principal, form.series, clock, form.series_request
        )
    except DatesTakenError as error:
        await transaction.roll_back()
        refused = series_mistakes(error, words)
        return await _preview(request, conn, transaction.principal, words, form, refused)
    except DomainError as error:
        await transaction.roll_back()
        if error.kind.status not in AT_FIELDS:
            raise
        refused = series_mistakes(error, words)
        return await _preview(request, conn, transaction.principal, words, form, refused)
    await transaction.commit(facts)
    return see_other(f"/bookings/series/{series.id}?done=booked")


@pages.get("/{series_id}")
async def show_series(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, series_id: UUID, done: str = ""
) -> Response:
    """Show a series with its dates, and the forms that change it for those who may."""
    return await series_page(request, conn, principal, formatter_for(request), series_id, done=done)


@pages.post("/{series_id}/cancel")
async def cancel(
    request: Request,
    transaction: Transaction,
    series_id: UUID,
    scope: Annotated[str, Form()] = "",
    date: Annotated[str, Form()] = "",
    version: Version = 0,
) -> Response:
    """Cancel the dates of a series, from one on or all; its page offers to undo it."""
    words = formatter_for(request)
    chosen = Chosen(Scope.FOLLOWING if scope == Scope.FOLLOWING.value else Scope.ALL, date)
    try:
        _series, facts = await workflow.cancel(
            transaction.conn,
            transaction.principal,
            series_id,
            chosen,
            version,
            Clock(transaction.now, words.zone),
        )
    except DomainError as error:
        return await refused_page(request, transaction, words, series_id, error)
    await transaction.commit(facts)
    return see_other(f"/bookings/series/{series_id}?done=cancelled")


@pages.post("/{series_id}/restore")
async def restore(
    request: Request, transaction: Transaction, series_id: UUID, version: Version = 0
) -> Response:
    """Undo that dates were cancelled with their series."""
    words = formatter_for(request)
    try:
        _series, missing, facts = await workflow.restore(
            transaction.conn, transaction.principal, series_id, version, Clock(transaction.now, words.zone)
        )
    except DomainError as error:
        return await refused_page(request, transaction, words, series_id, error)
    await transaction.commit(facts)
    return see_other(f"/bookings/series/{series_id}?done={'restored-partly' if missing else 'restored'}")


@pages.post("/{series_id}/skipped")
async def book_skipped(
    request: Request, transaction: Transaction, series_id: UUID, date: Annotated[str, Form()] = ""
) -> Response:
    """Book a date that was left out, now that it is free."""
    words = formatter_for(request)
    try:
        _series, facts = await workflow.book_skipped(
            transaction.conn, transaction.principal, series_id, date, Clock(transaction.now, words.zone)
        )
    except DomainError as error:
        return await refused_page(request, transaction, words, series_id, error)
    await transaction.commit(facts)
    return see_other(f"/bookings/series/{series_id}?done=date-booked")


async def refused_page(
    request: Request, transaction: OpenTransaction, words: Formatter, series_id: UUID, error: DomainError
) -> Response:
    """Return the page of a series with a refusal. Raises the refusal where it has a page of its own."""
    await transaction.roll_back()
    if error.kind.status not in AT_FIELDS:
        raise error
    refused = series_mistakes(error, words)
    return await series_page(
        request, transaction.conn, transaction.principal, words, series_id, errors=refused
    )


async def series_page(
    request: Request,
    conn: Conn,
    principal: Principal,
    words: Formatter,
    series_id: UUID,
    *,
    errors: Errors | None = None,
    form: ChangeForm | None = None,
    done: str = "",
) -> Response:
    """Return the page of a series."""
    series = await read_model.get(conn, series_id)
    reader: Reader = reader_of(principal)
    yours, coming = series.may_change(reader), coming_dates(series, words)
    waiting: list[PreviewDate] = []
    if yours:
        waiting = await workflow.skipped(conn, principal, series, Clock(words.now, words.zone))
    undone = [each.booking for each in series.dates if each.booking is not None]
    can_restore = any(
        booking.cancelled_at is not None
        and booking.cancelled_at == series.cancelled_at
        and booking.end > words.now
        for booking in undone
    )
    lasting = any(booking.cancelled_at is None and booking.end > words.now for booking in undone)
    return view(
        request,
        "booking/series.html",
        status=422 if errors else 200,
        words=words,
        page="bookings",
        here=f"/bookings/series/{series.id}",
        series=series,
        title=series.title_for(reader),
        how=repeats_how(series, words),
        part_names=next(
            (each.part_names for each in undone if each.parts == series.parts and not each.whole), ()
        ),
        rows=series_rows(series, reader, words),
        waiting=date_rows(waiting, series.zone, words),
        spaces=[(space.id, name_of(space, words)) for space in await spaces.list_spaces(conn)],
        coming=coming,
        form=form or change_form_of(series),
        errors=errors or {},
        can_change=yours and bool(coming),
        can_cancel=yours and lasting,
        can_restore=yours and can_restore,
        done=done,
    )


async def _preview(
    request: Request,
    conn: Conn,
    principal: Principal,
    words: Formatter,
    form: SeriesForm,
    errors: Errors | None = None,
) -> Response:
    """Return the page with all dates; without any where what was entered is refused."""
    found: tuple[SeriesPlan, list[PreviewDate]] | None = None
    wrong = unreadable(form, words)
    try:
        if not wrong:
            clock = Clock(words.now, words.zone)
            found = await workflow.preview_new(conn, principal, form.series, clock)
    except DomainError as error:
        wrong = series_mistakes(error, words)
    plan, dates = found or (None, [])
    free, others = counted(dates)
    every = await spaces.list_spaces(conn)
    return view(
        request,
        "booking/series_new.html",
        status=422 if wrong else 409 if errors else 200,
        words=words,
        page="bookings",
        here="/bookings/new",
        form=form,
        key=form.key or str(uuid4()),
        errors=wrong or errors or {},
        space=name_of(plan.pattern.space, words) if plan else "",
        months_out=plan is not None and leaves_months_out(plan.rule, plan.first_at),
        rows=[(row.key, row) for row in date_rows(dates, words.zone, words)],
        free=free,
        others=others,
        repeats=repeats(words)[1:],
        spaces=[(space.id, name_of(space, words)) for space in every],
    )
