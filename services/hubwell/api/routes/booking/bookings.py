"""Bookings of spaces: book, list, search for what is free, change, end, cancel, and undo the last."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Path, Query, Response

from hubwell.api import free_spaces
from hubwell.api.dependencies import Turns
from hubwell.api.responses import WRITES, refused
from hubwell.api.routes.booking.schemas import (
    BookingBody,
    BookingShown,
    BookingsShown,
    ChangeBody,
    FreeSpace,
    FreeSpaces,
)
from hubwell.api.times import IsoDate
from hubwell.booking import errors, read_model, rules
from hubwell.booking.actions import Request as SentRequest
from hubwell.booking.local_time import day_bounds
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import BookingInput
from hubwell.errors import SPACE_UNKNOWN, DomainError, refusal_of, refuse_all
from hubwell.events import Facts
from hubwell.http.dependencies import (
    AppSettings,
    CurrentPrincipal,
    NewTransaction,
    OpenTransaction,
    Transaction,
)
from hubwell.http.guard import require_role
from hubwell.vocabulary import SpaceKind
from hubwell.workflows import bookings as workflow
from hubwell.workflows.bookings import Clock

_MOST_DAYS: Final = 62
_MOST_OFFERS: Final = 20
_ETAG: Final = re.compile(r'(?:W/)?"(\d{1,9})"', re.ASCII)
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
BookingId = Annotated[UUID, Path(description="Id of a booking.")]
IfMatch = Annotated[
    str | None, Header(description='The ETag of the booking as you saw it, such as "3"; needed.')
]
Key = Annotated[
    str | None,
    Header(
        description="A key of your own, for example a UUID: sent again with the same body, it books once."
    ),
]
_LOCAL: Final = "On the hub's clocks, without an offset: 2026-12-01T09:30."

_TERM: Final = (
    errors.START_UNREADABLE,
    errors.END_UNREADABLE,
    errors.START_SKIPPED,
    errors.END_SKIPPED,
    errors.START_PAST,
    errors.END_PAST,
    errors.TOO_FAR_AHEAD,
    errors.ENDS_FIRST,
    errors.TOO_LONG,
    errors.BOOKING_ZONE_UNKNOWN,
    errors.PEOPLE_UNREADABLE,
)
RULES: Final = (
    *_TERM,
    SPACE_UNKNOWN,
    errors.BOOKING_SPACE_ARCHIVED,
    errors.SPACE_NOT_BOOKABLE,
    errors.SPACE_CLOSED,
    errors.PART_UNKNOWN,
    errors.TOO_MANY_PEOPLE,
    errors.BOOKING_TITLE_MISSING,
    errors.BOOKING_TITLE_TOO_LONG,
    errors.SPACE_TAKEN,
)
_CHANGES: Final = (
    errors.BOOKING_GONE,
    errors.NOT_YOURS,
    errors.BOOKING_OVER,
    errors.CHANGED_MEANWHILE,
    errors.VERSION_MISSING,
)

api = APIRouter(
    prefix="/api/v1/bookings",
    tags=["Bookings"],
    responses=WRITES,
    dependencies=[require_role(*workflow.BOOKERS)],
)


@api.get("", summary="Bookings of a time", operation_id="listBookings")
async def list_bookings(
    transaction: Transaction,
    settings: AppSettings,
    first: Annotated[IsoDate, Query(alias="from", description="The first day, on the hub's clocks.")],
    until: Annotated[
        IsoDate | None, Query(description="The last day; by default the first. 62 days at most.")
    ] = None,
    space: Annotated[str | None, Query(max_length=64, description="Of this space only.")] = None,
) -> BookingsShown:
    """Those that are not cancelled, with titles as far as you may see them."""
    zone, last = ZoneInfo(settings.zone), until or first
    if not timedelta() <= last - first < timedelta(days=_MOST_DAYS):
        raise DomainError(errors.SEARCH_TOO_LONG, most=_MOST_DAYS)
    start, end = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    reader = workflow.reader_of(transaction.principal)
    bookings = await read_model.between(transaction.conn, start, end, space)
    return BookingsShown(bookings=[BookingShown.of(booking, reader, zone) for booking in bookings])


@api.post(
    "",
    summary="Book a space",
    operation_id="book",
    status_code=201,
    responses=refused(*RULES, errors.BOOKING_KEY_UNREADABLE, errors.KEY_REUSED),
)
async def book(
    turns: Turns,
    begin: NewTransaction,
    principal: CurrentPrincipal,
    settings: AppSettings,
    response: Response,
    body: BookingBody,
    idempotency_key: Key = None,
) -> BookingShown:
    """Book a space, or parts of it.

    Where it is not free, the problem has `conflicts` (what is in the way) and `alternatives` (up to three
    spaces or times that are free).
    """
    entered = BookingInput(**body.model_dump() | {"people": str(body.people)})
    request = _request(idempotency_key, body)
    clock = Clock(datetime.now(UTC), ZoneInfo(settings.zone))
    async with turns.turn(principal, entered, clock, request), begin() as transaction:
        booking, facts = await workflow.book(transaction.conn, principal, entered, clock, request)
        response.headers["Location"] = f"{api.prefix}/{booking.id}"
        return await _committed(transaction, settings, response, booking, facts)


@api.get(
    "/free",
    summary="What is free at a time",
    operation_id="listFreeSpaces",
    responses=refused(*_TERM),
)
async def list_free(
    transaction: Transaction,
    settings: AppSettings,
    start: Annotated[str, Query(description=_LOCAL)],
    end: Annotated[str, Query(description=_LOCAL)],
    people: Annotated[int, Query(description="How many people come.")],
    kind: Annotated[SpaceKind | None, Query(description="Spaces of this kind only.")] = None,
) -> FreeSpaces:
    """Return at most 20 spaces, or parts of spaces, that are large enough: the smallest first."""
    zone, now = ZoneInfo(settings.zone), transaction.now
    refuse_all(
        (
            refusal_of(lambda: rules.read_term(start, end, zone, now)),
            refusal_of(lambda: rules.people_in(str(people))),
        )
    )
    term = rules.read_term(start, end, zone, now)
    offers = await free_spaces.offers(transaction.conn, term, people, zone, now, kind=kind)
    spaces = [FreeSpace.of(offer) for offer in offers[:_MOST_OFFERS]]
    return FreeSpaces(start=term.start, end=term.end, spaces=spaces)


@api.get(
    "/{booking_id}",
    summary="One booking",
    operation_id="getBooking",
    responses=refused(errors.BOOKING_GONE),
)
async def get_booking(
    transaction: Transaction, settings: AppSettings, response: Response, booking_id: BookingId
) -> BookingShown:
    """Return a booking with its ETag; a cancelled one too."""
    booking = await read_model.get(transaction.conn, booking_id)
    return _shown(transaction, settings, response, booking)


@api.patch(
    "/{booking_id}",
    summary="Move, extend or rename a booking",
    operation_id="changeBooking",
    responses=refused(*_CHANGES, *RULES),
)
async def change(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    booking_id: BookingId,
    body: ChangeBody,
    if_match: IfMatch = None,
) -> BookingShown:
    """Send what changes, with the booking's ETag as If-Match; what is left out stays as it is."""
    version, hub = version_of(if_match), ZoneInfo(settings.zone)
    before = await read_model.get(transaction.conn, booking_id)
    entered = _changed_input(before, body)
    clock = Clock(transaction.now, hub)
    booking, facts = await workflow.change(
        transaction.conn, transaction.principal, booking_id, entered, version, clock
    )
    return await _committed(transaction, settings, response, booking, facts)


@api.post(
    "/{booking_id}/end",
    summary="End a booking now",
    operation_id="endBooking",
    responses=refused(*_CHANGES, errors.NOT_BEGUN),
)
async def end(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    booking_id: BookingId,
    if_match: IfMatch = None,
) -> BookingShown:
    """Free the rest of its time for others, after the space's turnaround."""
    version = version_of(if_match)
    booking, facts = await workflow.end(
        transaction.conn, transaction.principal, booking_id, version, transaction.now
    )
    return await _committed(transaction, settings, response, booking, facts)


@api.delete(
    "/{booking_id}",
    summary="Cancel a booking",
    operation_id="cancelBooking",
    responses=refused(*_CHANGES),
)
async def cancel(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    booking_id: BookingId,
    if_match: IfMatch = None,
) -> BookingShown:
    """Its time is free at once. Until its end the booking can be restored, where nobody else has booked."""
    version = version_of(if_match)
    booking, facts = await workflow.cancel(
        transaction.conn, transaction.principal, booking_id, version, transaction.now
    )
    return await _committed(transaction, settings, response, booking, facts)


@api.post(
    "/{booking_id}/restore",
    summary="Undo the cancelling of a booking",
    operation_id="restoreBooking",
    responses=refused(*_CHANGES, errors.NOT_CANCELLED, errors.SPACE_TAKEN, errors.BOOKING_SPACE_ARCHIVED),
)
async def restore(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    booking_id: BookingId,
    if_match: IfMatch = None,
) -> BookingShown:
    """Where its time has not ended and is still free."""
    version, clock = version_of(if_match), Clock(transaction.now, ZoneInfo(settings.zone))
    booking, facts = await workflow.restore(
        transaction.conn, transaction.principal, booking_id, version, clock
    )
    return await _committed(transaction, settings, response, booking, facts)


def _changed_input(before: Booking, body: ChangeBody) -> BookingInput:
    elsewhere = body.space is not None and body.space != before.space_id
    same_parts: tuple[int, ...] = () if elsewhere or before.whole else before.parts
    return BookingInput(
        space=before.space_id if body.space is None else body.space,
        parts=same_parts if body.parts is None else body.parts,
        start=before.start if body.start is None else body.start,
        end=before.end if body.end is None else body.end,
        zone=body.zone,
        people=str(before.people if body.people is None else body.people),
        title=before.title if body.title is None else body.title,
        shows_title=before.shows_title if body.shows_title is None else body.shows_title,
    )


def _request(sent: str | None, body: BookingBody) -> SentRequest | None:
    key = key_in(sent)
    return None if key is None else SentRequest(key, hashlib.sha256(body.model_dump_json().encode()).digest())


def key_in(sent: str | None) -> str | None:
    """Return an Idempotency-Key; None for none. Raises DomainError."""
    if sent is not None and (not _KEY.fullmatch(sent) or not sent.strip()):
        raise DomainError(errors.BOOKING_KEY_UNREADABLE)
    return sent


def version_of(if_match: str | None) -> int | None:
    """Return the version that a request is about; None for any. Raises DomainError."""
    if if_match is None:
        raise DomainError(errors.VERSION_MISSING)
    if if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise DomainError(errors.CHANGED_MEANWHILE)
    return int(match[1])


async def _committed(
    transaction: OpenTransaction, settings: AppSettings, response: Response, booking: Booking, facts: Facts
) -> BookingShown:
    await transaction.commit(facts)
    return _shown(transaction, settings, response, booking)


def _shown(
    transaction: OpenTransaction, settings: AppSettings, response: Response, booking: Booking
) -> BookingShown:
    response.headers["ETag"] = f'"{booking.version}"'
    reader = workflow.reader_of(transaction.principal)
    return BookingShown.of(booking, reader, ZoneInfo(settings.zone))
