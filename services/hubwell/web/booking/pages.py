"""Bookings: the day of all spaces, and the form that books one of the spaces that fit."""

from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.api.dependencies import Turns
from hubwell.api.free_spaces import Offer, offers
from hubwell.booking import free_time, read_model, rules, spaces
from hubwell.booking.free import Choice
from hubwell.booking.local_time import day_bounds
from hubwell.booking.rules import Term
from hubwell.booking.taken import SpaceTakenError
from hubwell.errors import DomainError, refusal_of, refuse_all
from hubwell.http.dependencies import CurrentPrincipal, DatabasePool, NewTransaction, ReadConnection
from hubwell.http.guard import require_role
from hubwell.web.booking.day_table import day_rows
from hubwell.web.booking.form import (
    BookingFields,
    BookingForm,
    BookingQuery,
    Errors,
    day_in,
    mistakes,
    rounded_now,
    unreadable,
)
from hubwell.web.booking.series_form import repeats
from hubwell.web.booking.text import name_of, offer_texts, twice_notes, when_of
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import bookings as workflow
from hubwell.workflows.bookings import Clock

_MOST_OFFERS: Final = 3
_A_DAY: Final = timedelta(days=1)
Conn = AsyncConnection[Any]
pages = APIRouter(
    prefix="/bookings",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(*workflow.BOOKERS)],
)


@pages.get("")
async def show_day(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, date: str = ""
) -> Response:
    """Show the bookings of a day, by space."""
    words = formatter_for(request)
    day = day_in(date, words)
    start, end = day_bounds(day, words.zone)
    held = await free_time.held_between(conn, start, end)
    rows = day_rows(await spaces.list_spaces(conn), held, workflow.reader_of(principal), day, words)
    return view(
        request,
        "booking/day.html",
        words=words,
        page="bookings",
        day=day.isoformat(),
        title=words.date(words.noon(day)),
        before=(day - _A_DAY).isoformat(),
        after=(day + _A_DAY).isoformat(),
        rows=rows,
    )


@pages.get("/new")
async def show_form(request: Request, conn: ReadConnection, form: BookingQuery) -> Response:
    """Show the form, and once it is filled in, the spaces that fit."""
    words = formatter_for(request)
    if form.is_from_link and not unreadable(form, words):
        return await _form_page(request, conn, words, form, is_from_link=True)
    if form.is_empty:
        begin = rounded_now(words)
        filled = form.model_copy(update=begin | ({"day": form.day} if form.day else {}))
        return await _form_page(request, conn, words, filled)
    try:
        term = _term_of(form, words)
    except DomainError as error:
        return await _form_page(request, conn, words, form, mistakes(error, words))
    if term is None:
        return await _form_page(request, conn, words, form, unreadable(form, words))
    return await _form_page(request, conn, words, form, term=term)


@pages.post("")
async def book(
    request: Request,
    turns: Turns,
    begin: NewTransaction,
    database: DatabasePool,
    principal: CurrentPrincipal,
    form: BookingFields,
) -> Response:
    """Book the space whose button was pressed; pressed twice, it is booked once."""
    words = formatter_for(request)
    clock = Clock(words.now, words.zone)
    errors, term, conflicts = unreadable(form, words), None, None
    if not errors:
        try:
            async with turns.turn(principal, form.given, clock, form.request), begin() as transaction:
                booking, facts = await workflow.book(
                    transaction.conn, principal, form.given, clock, form.request
                )
                await transaction.commit(facts)
            return see_other(f"/bookings/{booking.id}?done=booked")
        except SpaceTakenError as error:
            conflicts = [when_of(each.start, each.end, words) for each in error.conflicts]
            errors, term = mistakes(error, words), _term_of(form, words)
            form = form.model_copy(update={"space": "", "parts": "", "key": ""})
        except DomainError as error:
            errors = mistakes(error, words)
    async with database.connection() as conn:
        return await _form_page(request, conn, words, form, errors, term=term, taken=conflicts)


def _term_of(form: BookingForm, words: Formatter) -> Term | None:
    """Return the time that was asked for; None where it cannot be read. Raises DomainError."""
    if unreadable(form, words):
        return None
    refuse_all(
        (
            refusal_of(lambda: rules.read_term(form.starts, form.ends, words.zone, words.now)),
            refusal_of(lambda: rules.people_in(form.people)),
            refusal_of(lambda: rules.title_in(form.title)),
        )
    )
    return rules.read_term(form.starts, form.ends, words.zone, words.now)


async def _form_page(
    request: Request,
    conn: Conn,
    words: Formatter,
    form: BookingForm,
    errors: Errors | None = None,
    *,
    term: Term | None = None,
    taken: list[str] | None = None,
    is_from_link: bool = False,
) -> Response:
    offered, elsewhere = await _offers(conn, words, form, term) if term else ([], False)
    every = await spaces.list_spaces(conn)
    return view(
        request,
        "booking/new.html",
        status=422 if errors and not taken else 409 if taken else 200,
        words=words,
        page="bookings",
        here="/bookings/new",
        form=form,
        errors=errors or {},
        spaces=[(space.id, name_of(space, words)) for space in every],
        when=when_of(term.start, term.end, words) if term else "",
        notes=twice_notes(term, words) if term else [],
        offers=offer_texts(offered[:_MOST_OFFERS], words),
        elsewhere=elsewhere,
        repeats=repeats(words),
        taken=taken or [],
        is_from_link=is_from_link,
    )


async def _offers(conn: Conn, words: Formatter, form: BookingForm, term: Term) -> tuple[list[Offer], bool]:
    """Return the offers, and whether they are elsewhere than in the space that was asked for."""
    people = rules.people_in(form.people)
    if form.space and form.parts:
        named = await _parts_named(conn, words, form, term)
        if named:
            return named, False
    if form.space:
        there = await offers(conn, term, people, words.zone, words.now, space=form.space)
        if there:
            return there, False
    return await offers(conn, term, people, words.zone, words.now), bool(form.space)


async def _parts_named(conn: Conn, words: Formatter, form: BookingForm, term: Term) -> list[Offer]:
    """Return the parts that were asked for by name, if they are free and large enough; else nothing."""
    try:
        space = await spaces.get_space(conn, form.space)
        parts = space.chosen(form.given.parts)
    except DomainError:
        return []
    refused = (
        rules.space_refusal(space),
        rules.people_refusal(space, parts, rules.people_in(form.people)),
        rules.hours_refusal(space, term, words.zone),
    )
    if any(refused) or await read_model.in_the_way(
        conn, list(parts), term.start, term.end + space.turnaround
    ):
        return []
    return [Offer(Choice(space, parts, space.room_for(parts), term), ())]
