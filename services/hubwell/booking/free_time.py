"""What is free on a day: the bookings with the minutes after them, and the gaps that can be booked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from hubwell.booking import read_model
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import LONGEST_TURNAROUND, BookableSpace, Term, hours_of
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking")
SHORTEST_GAP: Final = timedelta(minutes=15)
"""Shorter gaps are not offered."""
STEP: Final = timedelta(seconds=300)
"""Offered times are on these steps of the clock."""
_A_DAY: Final = timedelta(days=1)
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A booking, and when the minutes after it end."""

    booking: Booking
    until: datetime


async def held_between(conn: Conn, start: datetime, end: datetime) -> list[Held]:
    """Return the bookings that hold something within a time, the earliest first."""
    bookings = await read_model.between(conn, start - LONGEST_TURNAROUND, end)
    rows = await conn.execute(_SQL["held_until"], {"start": start, "end": end})
    ends: dict[UUID, datetime] = dict(await rows.fetchall())
    held = (Held(booking, ends.get(booking.id, booking.end)) for booking in bookings)
    return [each for each in held if each.until > start]


def open_terms(space: BookableSpace, day: date, within: Term, zone: ZoneInfo) -> list[Term]:
    """Return when a space is open within a time of a day; hours that began the day before are among them."""
    terms: list[Term] = []
    for each in (day - _A_DAY, day):
        opens, closes = hours_of(space, each, zone)
        start, end = max(opens, within.start), min(closes, within.end)
        if terms and start <= terms[-1].end < end:
            terms[-1] = Term(terms[-1].start, end)
        elif start < end:
            terms.append(Term(start, end))
    return terms


def gaps(open_time: Iterable[Term], held: Iterable[Term], turnaround: timedelta, now: datetime) -> list[Term]:
    """Return the times to come that can be booked: before a booking the turnaround must fit in, too."""
    taken = sorted(held, key=lambda term: term.start)
    begins = _on_step(now)
    return [gap for term in open_time for gap in _gaps_in(term, taken, turnaround, begins)]


def _gaps_in(term: Term, taken: Sequence[Term], turnaround: timedelta, begins: datetime) -> list[Term]:
    found, reached = [], max(term.start, begins)
    for each in taken:
        if each.end <= reached:
            continue
        if each.start - turnaround >= term.end:
            break
        found.append(Term(reached, each.start - turnaround))
        reached = max(reached, each.end)
    found.append(Term(reached, term.end))
    return [gap for gap in found if gap.end - gap.start >= SHORTEST_GAP]


def _on_step(moment: datetime) -> datetime:
    step_s = STEP.total_seconds()
    return datetime.fromtimestamp(-(-moment.timestamp() // step_s) * step_s, UTC)
