"""Search for what is free: spaces or parts of them at a time, the nearest time of one, many times at once.

One statement reads each answer, whatever the number of spaces and dates; what it means is worked out by pure
functions, so that one reading can serve many who ask for the same time.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.booking import read_model, spaces
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import (
    LONGEST_TURNAROUND,
    MOST_AHEAD,
    BookableSpace,
    Part,
    Term,
    is_within_hours,
    open_times,
)
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking")
_AHEAD: Final = timedelta(hours=24)
"""How far after the end of a term the next booking is looked for."""
_NEAR: Final = timedelta(days=7)
"""How far before and after a term the nearest free time is looked for."""
_STEP_S: Final = 300
"""Offered times are on these steps of the clock, in seconds."""
Conn = AsyncConnection[Any]
Times = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Choice:
    """A space, or parts of one, that is free at a time and has room; `free_until` is None for a day."""

    space: BookableSpace
    parts: tuple[int, ...]
    room: int
    term: Term
    free_until: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether it is the whole space."""
        return len(self.parts) == len(self.space.parts)

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names of the parts that have one."""
        return tuple(part.name for part in self.space.parts if part.id in self.parts and part.name)


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A space of which some part is free for a term.

    `held_next` is when each part is held next after the start of the term, or since when it is held then.
    """

    space: BookableSpace
    held_next: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """A part that is held, the turnaround included."""

    part: int
    start: datetime
    until: datetime


async def choices(
    conn: Conn, term: Term, people: int, zone: ZoneInfo, *, kind: str | None = None, space: str | None = None
) -> list[Choice]:
    """Return what is free at a time and large enough, the smallest that fits first.

    Of a space with parts these are the fewest parts that are enough, and the whole space if it is named.
    """
    candidates = await vacancies(conn, term, people, kind=kind, space=space)
    return choices_among(candidates, term, people, zone, with_whole=space is not None)


async def vacancies(
    conn: Conn,
    term: Term,
    people: int = 1,
    *,
    kind: str | None = None,
    space: str | None = None,
    besides: UUID | None = None,
) -> list[Vacancy]:
    """Return the spaces with some part free for a term, but not for `besides`, in the order of the board.

    Opening hours, turnaround and the room of parts are left to `choices_among`.
    """
    values = {"start": term.start, "end": term.end, "ahead": term.end + _AHEAD, "booking": besides}
    cursor = conn.cursor(row_factory=dict_row)
    chosen = {"people": people, "kind": kind, "space": space}
    rows = await (await cursor.execute(_SQL["vacancies"], values | chosen)).fetchall()
    result = []
    for row in rows:
        columns = row.pop("part_ids"), row.pop("part_names"), row.pop("part_capacities")
        held_next = tuple(row.pop("held_next"))
        parts = [Part(*values) for values in zip(*columns, strict=True)]
        result.append(Vacancy(spaces.space_of(row, parts), held_next))
    return result


def choices_among(
    vacancies: Iterable[Vacancy], term: Term, people: int, zone: ZoneInfo, *, with_whole: bool = False
) -> list[Choice]:
    """Return what of these spaces can be booked by so many people, the smallest that fits first."""
    is_open: dict[tuple[object, object], bool] = {}
    fitting: list[Choice] = []
    for vacancy in vacancies:
        space = vacancy.space
        if space.capacity < people:
            continue
        hours = space.opens_at, space.closes_at
        if hours not in is_open:
            is_open[hours] = is_within_hours(space, term.start, term.end, zone)
        if is_open[hours]:
            fitting += _choices_in(vacancy, term, people, with_whole=with_whole)
    return sorted(fitting, key=lambda choice: (choice.room, len(choice.parts)))


async def holds_near(conn: Conn, parts: Sequence[int], term: Term, besides: UUID | None = None) -> list[Hold]:
    """Return what is held of these parts in the time in which `nearest` looks for another."""
    values = {
        "atoms": list(parts),
        "start": term.start - _NEAR,
        "end": term.end + _NEAR + LONGEST_TURNAROUND,
        "booking": besides,
    }
    return [Hold(*row) for row in await (await conn.execute(_SQL["holds_near"], values)).fetchall()]


def nearest(
    space: BookableSpace, holds: Iterable[Hold], term: Term, zone: ZoneInfo, now: datetime
) -> Term | None:
    """Return the term of the same length without these holds that is nearest to another; None within a week.

    It is open, not in the past, and no farther ahead than bookings may be. Of two that are equally near it
    is the earlier one.
    """
    length = term.end - term.start
    first, last = max(term.start - _NEAR, now), min(term.start + _NEAR, now + MOST_AHEAD)
    if first > last:
        return None
    opened = open_times(space, first, last + length, zone)
    free = gaps([(hold.start, hold.until) for hold in holds], first, last + length + space.turnaround)
    starts = [
        start
        for opens, closes in opened
        for begins, ends in free
        if (
            start := _nearest_step(
                max(begins, opens, first),
                min(ends - space.turnaround, closes) - length,
                term.start,
            )
        )
        is not None
        and start <= last
    ]
    start = min(starts, key=lambda each: (abs(each - term.start), each), default=None)
    return None if start is None else Term(start, start + length)


def gaps(times: Iterable[Times], start: datetime, end: datetime) -> list[Times]:
    """Return the times between two moments in which nothing is held."""
    inside = [(begins, ends) for begins, ends in times if begins < end and ends > start]
    merged = [(start, start), *_merged(inside), (end, end)]
    return [(before[1], after[0]) for before, after in pairwise(merged) if before[1] < after[0]]


async def conflicts_of_terms(
    conn: Conn, atoms: Sequence[int], terms: Sequence[Term], besides: UUID | None = None
) -> list[list[Booking]]:
    """Return for each term, in their order, the bookings that hold one of these atoms in it.

    One statement for all of them. A term is what would be held: add the turnaround of the space to its end
    (`Term(start, end + space.turnaround)`). `besides` is a booking that is not in its own way.
    """
    by_term: list[list[Booking]] = [[] for _ in terms]
    if not terms:
        return by_term
    numbers: dict[UUID, list[int]] = defaultdict(list)
    rows = await conn.execute(_SQL["held_in_terms"], _terms(atoms, terms, besides))
    for number, held_then in await rows.fetchall():
        for booking_id in held_then:
            numbers[booking_id].append(number)
    for booking in await read_model.get_many(conn, list(numbers)):
        for number in numbers[booking.id]:
            by_term[number - 1].append(booking)
    return by_term


async def held_in_terms(
    conn: Conn, terms: Sequence[Term], atoms: Sequence[int] | None = None, besides: UUID | None = None
) -> list[frozenset[int]]:
    """Return for each term, in their order, which atoms are held at some time in it.

    One statement for all of them; `atoms` are those that are asked about, None for those of all spaces.
    """
    by_term: list[frozenset[int]] = [frozenset()] * len(terms)
    rows = await conn.execute(_SQL["atoms_held_in_terms"], _terms(atoms, terms, besides))
    for number, atoms_then in await rows.fetchall():
        by_term[number - 1] = frozenset(atoms_then)
    return by_term


def _terms(atoms: Sequence[int] | None, terms: Sequence[Term], besides: UUID | None) -> dict[str, Any]:
    return {
        "atoms": None if atoms is None else list(atoms),
        "starts": [term.start for term in terms],
        "untils": [term.end for term in terms],
        "booking": besides,
    }


def _merged(times: Iterable[Times]) -> list[Times]:
    merged: list[Times] = []
    for begins, ends in sorted(times):
        if merged and begins <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(ends, merged[-1][1])
        else:
            merged.append((begins, ends))
    return merged


def _nearest_step(first: datetime, last: datetime, wanted: datetime) -> datetime | None:
    """Return the start between two others that is nearest to the wanted one, or on a step of the clock."""
    if first <= wanted <= last:
        return wanted
    start = _on_step(last, up=False) if wanted > last else _on_step(first, up=True)
    return start if first <= start <= last else None


def _on_step(moment: datetime, *, up: bool) -> datetime:
    seconds = moment.timestamp()
    steps = -(-seconds // _STEP_S) if up else seconds // _STEP_S
    return datetime.fromtimestamp(steps * _STEP_S, UTC)


def _choices_in(vacancy: Vacancy, term: Term, people: int, *, with_whole: bool) -> list[Choice]:
    space, until = vacancy.space, term.end + vacancy.space.turnaround
    held_next = {part.id: at for part, at in zip(space.parts, vacancy.held_next, strict=True)}
    free = [part for part in space.parts if (at := held_next[part.id]) is None or at >= until]
    if not free:
        return []
    sets = [parts for parts in (_fewest(space, free, people),) if parts]
    if with_whole and len(free) == len(space.parts) and {part.id for part in free} not in map(set, sets):
        sets.append(tuple(part.id for part in free))
    return [
        Choice(
            space,
            parts,
            space.room_for(parts),
            term,
            min((at for part in parts if (at := held_next[part]) is not None), default=None),
        )
        for parts in sets
    ]


def _fewest(space: BookableSpace, free: Sequence[Part], people: int) -> tuple[int, ...]:
    """Return the fewest free parts with room for so many; of single ones, the smallest. Empty for none."""
    rooms = {part.id: space.room_for([part.id]) for part in free}
    enough = [part for part, room in rooms.items() if room >= people]
    if enough:
        return (min(enough, key=rooms.__getitem__),)
    by_size = sorted(rooms, key=rooms.__getitem__, reverse=True)
    for number in range(2, len(by_size) + 1):
        parts = tuple(sorted(by_size[:number]))
        if space.room_for(parts) >= people:
            return parts
    return ()


assert LONGEST_TURNAROUND < _AHEAD  # noqa: S101 (a hold that the search reads covers the turnaround)
