"""One's own bookings, and the page of a booking: move, end, cancel, undo."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.booking import read_model, spaces
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import Term
from hubwell.booking.taken import SpaceTakenError
from hubwell.errors import DomainError
from hubwell.http.dependencies import CurrentPrincipal, OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.web.booking.form import BookingForm, Errors, form_of, mistakes, unreadable
from hubwell.web.booking.move_form import MoveFields, place_choices
from hubwell.web.booking.text import entry, name_of, release_line, twice_notes, when_of
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import bookings as workflow
from hubwell.workflows.bookings import Clock
from hubwell.workflows.door import no_shows

own_bookings = APIRouter(
    prefix="/bookings",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(*workflow.BOOKERS)],
)
Version = Annotated[int, Form(ge=0, le=2**31 - 1)]


@own_bookings.get("/mine")
async def show_own(request: Request, conn: ReadConnection, principal: CurrentPrincipal) -> Response:
    """List the principal's own bookings, those of the last week below."""
    words, reader = formatter_for(request), workflow.reader_of(principal)
    bookings = await read_model.own(conn, reader, words.now)
    entries = [entry(booking, reader, words) for booking in _next_of_each_series(bookings, words)]
    return view(
        request,
        "booking/mine.html",
        words=words,
        page="bookings",
        coming=[item for item in entries if item.booking.end > words.now],
        past=[item for item in reversed(entries) if item.booking.end <= words.now],
    )


def _next_of_each_series(bookings: list[Booking], words: Formatter) -> list[Booking]:
    """Return bookings without the dates of a series that come after its next one."""
    seen: set[UUID] = set()
    shown = []
    for booking in bookings:
        if booking.series_id is None or booking.end <= words.now:
            shown.append(booking)
        elif booking.series_id not in seen:
            seen.add(booking.series_id)
            shown.append(booking)
    return shown


@own_bookings.get("/{booking_id}")
async def show_booking(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, booking_id: UUID, done: str = ""
) -> Response:
    """Show a booking, with the forms that change it for those who may."""
    booking = await read_model.get(conn, booking_id)
    words = formatter_for(request)
    return await _page(request, conn, principal, words, booking, form_of(booking, words.zone), done=done)


@own_bookings.post("/{booking_id}/move")
async def move(request: Request, transaction: Transaction, booking_id: UUID, form: MoveFields) -> Response:
    """Give a booking another time or another space."""
    words, conn = formatter_for(request), transaction.conn
    before = await read_model.get(conn, booking_id)
    form = form.on_clocks(words.zone)
    errors = unreadable(form, words)
    if errors:
        return await _page(request, conn, transaction.principal, words, before, form, errors=errors)
    entered, clock = form.moved(before, words.zone), Clock(transaction.now, words.zone)
    try:
        _booking, facts = await workflow.change(
            conn, transaction.principal, booking_id, entered, form.version, clock
        )
    except DomainError as error:
        await transaction.roll_back()
        if error.kind.status not in _AT_FIELDS:
            raise
        return await _page(request, conn, transaction.principal, words, before, form, refusal=error)
    await transaction.commit(facts)
    return see_other(f"/bookings/{booking_id}?done=moved")


@own_bookings.post("/{booking_id}/end")
async def end(transaction: Transaction, booking_id: UUID, version: Version = 0) -> Response:
    """End a booking now."""
    _booking, facts = await workflow.end(
        transaction.conn, transaction.principal, booking_id, version, transaction.now
    )
    await transaction.commit(facts)
    return see_other(f"/bookings/{booking_id}?done=ended")


@own_bookings.post("/{booking_id}/cancel")
async def cancel(transaction: Transaction, booking_id: UUID, version: Version = 0) -> Response:
    """Cancel a booking; its page offers to undo it."""
    _booking, facts = await workflow.cancel(
        transaction.conn, transaction.principal, booking_id, version, transaction.now
    )
    await transaction.commit(facts)
    return see_other(f"/bookings/{booking_id}?done=cancelled")


@own_bookings.post("/{booking_id}/restore")
async def restore(
    request: Request, transaction: Transaction, booking_id: UUID, version: Version = 0
) -> Response:
    """Undo that a booking was cancelled."""
    words = formatter_for(request)
    try:
        _booking, facts = await workflow.restore(
            transaction.conn,
            transaction.principal,
            booking_id,
            version,
            Clock(transaction.now, words.zone),
        )
    except SpaceTakenError as error:
        return await _not_restored(request, transaction, words, booking_id, error)
    await transaction.commit(facts)
    return see_other(f"/bookings/{booking_id}?done=restored")


@own_bookings.post("/{booking_id}/take-back")
async def take_back(
    request: Request, transaction: Transaction, booking_id: UUID, version: Version = 0
) -> Response:
    """Undo that a booking was released because nobody came."""
    words = formatter_for(request)
    clock = Clock(transaction.now, words.zone)
    try:
        _booking, facts = await no_shows.take_back(
            transaction.conn, transaction.principal, booking_id, version, clock
        )
    except SpaceTakenError as error:
        return await _not_restored(request, transaction, words, booking_id, error)
    await transaction.commit(facts)
    return see_other(f"/bookings/{booking_id}?done=taken-back")


async def _not_restored(
    request: Request,
    transaction: OpenTransaction,
    words: Formatter,
    booking_id: UUID,
    error: SpaceTakenError,
) -> Response:
    await transaction.roll_back()
    conn: AsyncConnection[Any] = transaction.conn
    booking = await read_model.get(conn, booking_id)
    form = form_of(booking, words.zone)
    return await _page(request, conn, transaction.principal, words, booking, form, refusal=error)


_AT_FIELDS = (409, 422)
"""Statuses of refusals that the form shows; others have a page of their own."""


def _in_the_way(error: DomainError | None, words: Formatter) -> list[str]:
    if not isinstance(error, SpaceTakenError):
        return []
    return [f"{when_of(each.start, each.end, words)} {each.title}".rstrip() for each in error.conflicts]


def _alternatives(error: DomainError | None, words: Formatter) -> list[str]:
    if not isinstance(error, SpaceTakenError):
        return []
    _ = words.translations.gettext
    return [
        _("{space}: {when}").format(
            space=name_of(choice.space, words), when=when_of(choice.term.start, choice.term.end, words)
        )
        for choice in error.alternatives
    ]


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    principal: Principal,
    words: Formatter,
    booking: Booking,
    form: BookingForm,
    *,
    errors: Errors | None = None,
    refusal: DomainError | None = None,
    done: str = "",
) -> Response:
    item = entry(booking, workflow.reader_of(principal), words)
    wrong = mistakes(refusal, words) if refusal else errors or {}
    lasts = booking.cancelled_at is None and booking.end > words.now
    return view(
        request,
        "booking/one.html",
        status=422 if wrong else 200,
        words=words,
        page="bookings",
        here=f"/bookings/{booking.id}",
        item=item,
        space=booking.space_in(words.language),
        day=form_of(booking, words.zone).day,
        notes=[
            note
            for note in (*twice_notes(Term(booking.start, booking.end), words), release_line(booking, words))
            if note
        ],
        form=form,
        place=getattr(form, "place", ""),
        places=place_choices(await spaces.list_spaces(conn), words) if item.yours and lasts else [],
        errors=wrong,
        taken=_in_the_way(refusal, words),
        alternatives=_alternatives(refusal, words),
        can_change=item.yours and lasts,
        can_end=item.yours and lasts and booking.start < words.now,
        can_restore=item.yours and booking.cancelled_at is not None and booking.end > words.now,
        can_take_back=item.yours and booking.no_show_end is not None and booking.no_show_end > words.now,
        done=done,
    )
