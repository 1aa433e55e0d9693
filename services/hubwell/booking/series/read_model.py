"""Read series of bookings, with what has become of each of their dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.booking.read_model import Booking, Reader, booking_of
from hubwell.booking.rules import BookableSpace
from hubwell.booking.series import errors
from hubwell.booking.series.occurrences import ClockChange, Pattern
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.series")
Conn = AsyncConnection[Any]


class DateState(StrEnum):
    """What has become of a date of a series."""

    PLANNED = "planned"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class SeriesDate:
    """A date of a series by its original start: its booking, or why it was left out."""

    at: datetime
    state: DateState
    booking: Booking | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series with all its dates, by their original starts."""

    id: UUID
    space_id: str
    space: str
    space_names: Mapping[str, str]
    parts: tuple[int, ...]
    rule: str
    zone: ZoneInfo
    first_at: datetime
    last_at: datetime
    lasts: timedelta
    clock_change: ClockChange
    title: str
    shows_title: bool
    people: int
    owner: str
    owner_name: str
    version: int
    created_at: datetime
    cancelled_at: datetime | None
    cancelled_from: datetime | None
    dates: tuple[SeriesDate, ...]

    def may_change(self, reader: Reader) -> bool:
        """Return whether a reader may change and cancel the series."""
        return reader.manages or (bool(reader.actor) and self.owner == reader.actor)

    def title_for(self, reader: Reader) -> str:
        """Return the title; empty for readers from whom it is kept."""
        return self.title if self.shows_title or self.may_change(reader) else ""

    def space_in(self, language: str) -> str:
        """Return the name of the space in a language."""
        return self.space_names.get(language) or self.space

    def pattern(self, space: BookableSpace) -> Pattern:
        """Return what its dates have in common; `space` is its own."""
        return Pattern(
            space=space,
            parts=self.parts,
            people=self.people,
            title=self.title,
            shows_title=self.shows_title,
            zone=self.zone,
            length=self.lasts,
            clock_change=self.clock_change,
        )

    def to_come(self, now: datetime) -> list[Booking]:
        """Return the dates that follow the series and have not begun."""
        return [
            each.booking
            for each in self.dates
            if each.state is DateState.PLANNED and each.booking is not None and each.booking.start > now
        ]

    def skipped(self, now: datetime) -> list[datetime]:
        """Return the dates to come that were left out, and not given up with the series."""
        return [
            each.at
            for each in self.dates
            if each.state is DateState.SKIPPED
            and each.at.replace(tzinfo=self.zone) > now
            and (self.cancelled_from is None or each.at < self.cancelled_from)
        ]


async def get(conn: Conn, series_id: UUID) -> Series:
    """Return a series. Raises DomainError."""
    values = {"series": series_id}
    row = await (await conn.cursor(row_factory=dict_row).execute(_SQL["series"], values)).fetchone()
    if row is None:
        raise DomainError(errors.BOOKING_SERIES_GONE)
    bookings = await (await conn.cursor(row_factory=dict_row).execute(_SQL["dates"], values)).fetchall()
    skips = await (await conn.execute(_SQL["skips"], values)).fetchall()
    dates = [_date_of(booking_of(booking)) for booking in bookings]
    dates += [SeriesDate(at, DateState.SKIPPED, why=why) for at, why in skips]
    changed = {
        "parts": tuple(row["parts"]),
        "zone": ZoneInfo(row["zone"]),
        "clock_change": ClockChange(row["clock_change"]),
        "dates": tuple(sorted(dates, key=lambda each: each.at)),
    }
    return Series(**row | changed)


async def locked(conn: Conn, series_id: UUID) -> Series:
    """Return a series with dates that nobody else changes until the transaction ends. Raises DomainError."""
    await conn.execute(_SQL["lock_series"], {"series": series_id})
    await conn.execute(_SQL["lock_dates"], {"series": series_id})
    return await get(conn, series_id)


async def bookings_by_id(conn: Conn, ids: Sequence[UUID]) -> dict[UUID, Booking]:
    """Return bookings by their ids."""
    cursor = conn.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(_SQL["bookings_by_id"], {"bookings": list(ids)})).fetchall()
    return {row["id"]: booking_of(row) for row in rows}


def _date_of(booking: Booking) -> SeriesDate:
    if booking.series_at is None:
        raise RuntimeError("a booking of a series has its key")
    state = DateState.CHANGED if booking.series_exception else DateState.PLANNED
    if booking.cancelled_at is not None:
        state = DateState.CANCELLED
    return SeriesDate(booking.series_at, state, booking)
