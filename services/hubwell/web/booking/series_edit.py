"""Change the dates of a series, from one on or all: each date with what is in its way, then the change."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.access.principal import Principal
from hubwell.booking.series import read_model
from hubwell.booking.series.preview import DatesTakenError, PreviewDate
from hubwell.booking.series.read_model import Series
from hubwell.errors import DomainError
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.web.booking.form import Errors
from hubwell.web.booking.series import AT_FIELDS, Conn, refused_page, series_page
from hubwell.web.booking.series_form import ChangeFields, ChangeForm, ChangeQuery, series_mistakes
from hubwell.web.booking.series_text import counted, date_rows
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import booking_series as workflow
from hubwell.workflows.bookings import BOOKERS, Clock

pages = APIRouter(
    prefix="/bookings/series",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(*BOOKERS)],
)


@pages.get("/{series_id}/change")
async def show_change(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, series_id: UUID, form: ChangeQuery
) -> Response:
    """Show what a change makes of each date, before anything is saved."""
    words = formatter_for(request)
    try:
        series, dates = await _dates(conn, principal, series_id, words, form)
    except DomainError as error:
        if error.kind.status not in AT_FIELDS:
            raise
        errors = series_mistakes(error, words)
        return await series_page(request, conn, principal, words, series_id, errors=errors, form=form)
    return _page(request, words, series, dates, form)


@pages.post("/{series_id}/change")
async def change(request: Request, transaction: Transaction, series_id: UUID, form: ChangeFields) -> Response:
    """Change the dates that do not stay as they are."""
    words, conn = formatter_for(request), transaction.conn
    clock = Clock(transaction.now, words.zone)
    try:
        before, _shown = await _dates(conn, transaction.principal, series_id, words, form)
        series, facts = await workflow.change(
            conn,
            transaction.principal,
            series_id,
            form.chosen,
            form.change_of(before),
            form.version,
            clock,
        )
    except DatesTakenError as error:
        await transaction.roll_back()
        before, dates = await _dates(conn, transaction.principal, series_id, words, form)
        return _page(request, words, before, dates, form, series_mistakes(error, words))
    except DomainError as error:
        return await refused_page(request, transaction, words, series_id, error)
    await transaction.commit(facts)
    return see_other(f"/bookings/series/{series.id}?done=changed")


async def _dates(
    conn: Conn, principal: Principal, series_id: UUID, words: Formatter, form: ChangeForm
) -> tuple[Series, list[PreviewDate]]:
    series = await read_model.get(conn, series_id)
    return await workflow.preview_change(
        conn, principal, series_id, form.chosen, form.change_of(series), Clock(words.now, words.zone)
    )


def _page(
    request: Request,
    words: Formatter,
    series: Series,
    dates: list[PreviewDate],
    form: ChangeForm,
    errors: Errors | None = None,
) -> Response:
    free, others = counted(dates)
    rows = date_rows(dates, series.zone, words)
    return view(
        request,
        "booking/series_change.html",
        status=409 if errors else 200,
        words=words,
        page="bookings",
        here=f"/bookings/series/{series.id}",
        series=series,
        title=series.title,
        form=form,
        rows=[(row.key, row) for row in rows],
        free=free,
        others=others,
        errors=errors or {},
    )
