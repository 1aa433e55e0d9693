"""What would become of each date of a series: free, or what is in the way, before anything is written."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.booking.read_model import Reader
from hubwell.booking.series import errors, read_model
from hubwell.booking.series.occurrences import Occurrence, Pattern
from hubwell.booking.taken import Conflict
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.series")
TAKEN: Final = "taken"
LEFT_OUT: Final = "left-out"
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class PreviewDate:
    """A date with what is in the way; `chosen` unless it is to be left out."""

    occurrence: Occurrence
    conflicts: tuple[Conflict, ...]
    chosen: bool

    @property
    def problem(self) -> str:
        """Why it cannot be booked; empty where it can."""
        if self.occurrence.problem is not None:
            return self.occurrence.problem.value
        return TAKEN if self.conflicts else ""

    @property
    def left_out_because(self) -> str:
        """Why it is left out, as it is remembered."""
        return self.problem or LEFT_OUT


class DatesTakenError(DomainError):
    """Dates that were chosen cannot be booked; nothing was written."""

    def __init__(self, dates: Sequence[PreviewDate]) -> None:
        wrong = sum(bool(date.problem) and date.chosen for date in dates)
        super().__init__(errors.DATES_TAKEN, number=wrong, all=len(dates))
        self.dates = dates

    @property
    def members(self) -> Mapping[str, Any]:
        """What the API's answer has beside the members of every problem: a fresh preview."""
        return {"dates": [as_json(date) for date in self.dates]}


async def preview(
    conn: Conn,
    pattern: Pattern,
    dates: Sequence[Occurrence],
    reader: Reader,
    *,
    skip: Collection[datetime] = (),
    besides: Sequence[UUID] = (),
) -> list[PreviewDate]:
    """Return each date with what is in the way; `besides` are bookings that would be moved themselves."""
    conflicts = await _conflicts(conn, pattern, dates, reader, besides)
    return [PreviewDate(each, tuple(conflicts.get(each.at, ())), each.at not in skip) for each in dates]


async def _conflicts(
    conn: Conn, pattern: Pattern, dates: Sequence[Occurrence], reader: Reader, besides: Sequence[UUID]
) -> dict[datetime, list[Conflict]]:
    values = unnested([each for each in dates if each.term is not None])
    values["ends"] = [end + pattern.space.turnaround for end in values["ends"]]
    values |= {"atoms": list(pattern.parts), "besides": list(besides)}
    ways: dict[datetime, list[UUID]] = defaultdict(list)
    for at, booking_id in await (await conn.execute(_SQL["ways"], values)).fetchall():
        ways[at].append(booking_id)
    bookings = await read_model.bookings_by_id(conn, sorted({each for ids in ways.values() for each in ids}))
    return {
        at: sorted(
            (
                Conflict(booking.start, booking.end, booking.title_for(reader))
                for booking in map(bookings.__getitem__, ids)
            ),
            key=lambda conflict: conflict.start,
        )
        for at, ids in ways.items()
    }


def unnested(dates: Sequence[Occurrence]) -> dict[str, Any]:
    """Return dates with a time as the three lists that statements take them from."""
    terms = [each.term for each in dates if each.term is not None]
    return {
        "starts": [term.start for term in terms],
        "ends": [term.end for term in terms],
        "dates": [each.at for each in dates if each.term is not None],
    }


def check_chosen(dates: Sequence[PreviewDate]) -> list[Occurrence]:
    """Return the dates to be booked. Raises DatesTakenError where one cannot be, DomainError for none."""
    if any(date.problem and date.chosen for date in dates):
        raise DatesTakenError(dates)
    chosen = [date.occurrence for date in dates if date.chosen]
    if not chosen:
        raise DomainError(errors.NOTHING_CHOSEN)
    return chosen


def as_json(date: PreviewDate) -> dict[str, Any]:
    """Return a date as the API shows it."""
    term = date.occurrence.term
    return {
        "date": f"{date.occurrence.at:%Y-%m-%dT%H:%M}",
        "start": term.start.isoformat() if term else None,
        "end": term.end.isoformat() if term else None,
        "problem": date.problem or None,
        "chosen": date.chosen,
        "notes": [note.value for note in date.occurrence.notes],
        "conflicts": [
            {"start": each.start.isoformat(), "end": each.end.isoformat(), "title": each.title or None}
            for each in date.conflicts
        ],
    }
