"""The table of a day: for each space what is booked, and from when it is free."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from hubwell.booking.free_time import Held, gaps, open_terms
from hubwell.booking.local_time import day_bounds
from hubwell.booking.read_model import Reader
from hubwell.booking.rules import BookableSpace, Term
from hubwell.web.booking.form import address_of
from hubwell.web.booking.text import Entry, entry, name_of
from hubwell.web.kit.formatting import Formatter


@dataclass(frozen=True, slots=True)
class FreeFrom:
    """Free time: when it begins, and the address of the form that books its beginning."""

    time: str
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """A space with its bookings and the times at which all of it is free."""

    space_id: str
    space: str
    entries: list[Entry] = field(default_factory=list)
    free: list[FreeFrom] = field(default_factory=list)


def day_rows(
    spaces: Iterable[BookableSpace], held: Sequence[Held], reader: Reader, day: date, words: Formatter
) -> list[Row]:
    """Return the rows of a day: every space that can be booked, and others that are booked all the same."""
    start, end = day_bounds(day, words.zone)
    taken: dict[str, list[Term]] = defaultdict(list)
    for each in held:
        taken[each.booking.space_id].append(Term(each.booking.start, each.until))
    rows = {}
    for space in spaces:
        open_time = open_terms(space, day, Term(start, end), words.zone)
        free = gaps(open_time, taken[space.id], space.turnaround, words.now)
        starts = [FreeFrom(words.time(gap.start), address_of(space, (), gap, words.zone)) for gap in free]
        rows[space.id] = Row(space.id, name_of(space, words), [], starts)
    for booking in (each.booking for each in held):
        if booking.end > start:
            row = Row(booking.space_id, booking.space_in(words.language))
            rows.setdefault(booking.space_id, row).entries.append(entry(booking, reader, words, day=day))
    return list(rows.values())
