"""Read bookings: one, those of a time, one's own, and what a space has now and next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.booking import errors
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking")
_OWN_SINCE: Final = timedelta(days=7)
_NEXT_WITHIN: Final = timedelta(hours=24)
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: an actor as in the audit log, and whether they look after all bookings."""

    actor: str = ""
    manages: bool = False
    books: bool = False
    """Whether they may book at all: they may then change what walk-ins have taken, too."""


PUBLIC_READER: Final = Reader()


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A booking. `parts` are all of the space's where it is `whole`; `part_names` leaves unnamed ones out."""

    id: UUID
    space_id: str
    space: str
    space_names: Mapping[str, str]
    parts: tuple[int, ...]
    part_names: tuple[str, ...]
    whole: bool
    start: datetime
    end: datetime
    title: str
    shows_title: bool
    people: int
    owner: str
    owner_name: str
    version: int
    created_at: datetime
    cancelled_at: datetime | None
    walk_in: bool
    """Whether a badge took it at the panel; it has no title then."""
    release_at: datetime | None
    """When it is released if nobody comes; None: never."""
    no_show_end: datetime | None
    """The end that it had when it was released; None: it was not."""
    series_id: UUID | None = None
    series_at: datetime | None = None
    """The original start on the clocks of its series, whose key it is."""
    series_exception: bool = False
    """Whether it was changed alone: changes of its series leave it as it is."""

    def title_for(self, reader: Reader) -> str:
        """Return the title; empty for readers from whom it is kept."""
        return self.title if self.shows_title or self.may_change(reader) else ""

    def may_change(self, reader: Reader) -> bool:
        """Return whether a reader may change and cancel the booking."""
        is_own = bool(reader.actor) and self.owner == reader.actor
        return is_own or reader.manages or (self.walk_in and reader.books)

    def space_in(self, language: str) -> str:
        """Return the name of the space in a language."""
        return self.space_names.get(language) or self.space


async def get(conn: Conn, booking_id: UUID) -> Booking:
    """Return a booking, a cancelled one too. Raises DomainError."""
    for booking in await _bookings(conn, "booking", {"booking": booking_id}):
        return booking
    raise DomainError(errors.BOOKING_GONE)


async def locked(conn: Conn, booking_id: UUID) -> Booking:
    """Return a booking that no other transaction changes until this one ends. Raises DomainError."""
    await conn.execute(_SQL["lock_booking"], {"booking": booking_id})
    return await get(conn, booking_id)


async def between(conn: Conn, start: datetime, end: datetime, space_id: str | None = None) -> list[Booking]:
    """Return the bookings that reach into a time, the earliest first."""
    return await _bookings(conn, "bookings", {"start": start, "end": end, "space": space_id})


async def own(conn: Conn, reader: Reader, now: datetime, cancelled: UUID | None = None) -> list[Booking]:
    """Return a reader's own bookings of the last week and to come; one that was `cancelled`, if named."""
    values = {"owner": reader.actor, "since": now - _OWN_SINCE, "cancelled": cancelled}
    return await _bookings(conn, "own", values)


async def now_and_next(conn: Conn, space_id: str, now: datetime) -> tuple[list[Booking], Booking | None]:
    """Return the bookings of a space that last now, and the next one within a day."""
    bookings = await between(conn, now, now + _NEXT_WITHIN, space_id)
    current = [booking for booking in bookings if booking.start <= now]
    return current, next((booking for booking in bookings if booking.start > now), None)


async def in_the_way(
    conn: Conn, atoms: list[int], start: datetime, until: datetime, besides: UUID | None = None
) -> list[Booking]:
    """Return the bookings that hold one of these atoms at some time of a term."""
    values = {"atoms": atoms, "start": start, "until": until, "booking": besides}
    return await _bookings(conn, "in_the_way", values)


async def get_many(conn: Conn, bookings: list[UUID]) -> list[Booking]:
    """Return these bookings, the earliest first; those that are gone are left out."""
    return await _bookings(conn, "shown_many", {"bookings": bookings}) if bookings else []


async def _bookings(conn: Conn, query: str, values: dict[str, Any]) -> list[Booking]:
    cursor = conn.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(_SQL[query], values)).fetchall()
    return [booking_of(row) for row in rows]


def booking_of(row: dict[str, Any]) -> Booking:
    """Return the booking of a row of the view `booking_shown`."""
    end = row.pop("until")
    return Booking(**row | {"end": end, "parts": tuple(row["parts"]), "part_names": tuple(row["part_names"])})
