"""The dates of a series as terms: local starts of its rule, with what is special about each. Pure functions.

Both ends are times on the clocks: 22:00 to 06:00 ends at 06:00, also in the night of October that is an hour
longer. Where clocks skip the start, both ends are as much later as the clocks are put forward, or the date is
left out, as the series says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from hubwell.booking.local_time import Skipped, at_or_after, comes_twice, resolve, shifted
from hubwell.booking.rules import LONGEST, BookableSpace, Plan, Term, is_within_hours
from hubwell.booking.series import errors
from hubwell.errors import DomainError


class ClockChange(StrEnum):
    """What becomes of a date whose start the clocks skip."""

    SHIFT = "shift"
    SKIP = "skip"


class Note(StrEnum):
    """What is special about a date on a day of changed clocks."""

    START_SHIFTED = "start-shifted"
    END_SHIFTED = "end-shifted"
    START_TWICE = "start-comes-twice"
    END_TWICE = "end-comes-twice"
    LONGER = "longer"
    SHORTER = "shorter"


class Problem(StrEnum):
    """Why a date cannot be booked, whoever has booked what."""

    NO_SUCH_TIME = "no-such-time"
    CLOSED = "closed"
    TOO_LONG = "too-long"
    PAST = "past"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What the dates of a series have in common, beside their days."""

    space: BookableSpace
    parts: tuple[int, ...]
    people: int
    title: str
    shows_title: bool
    zone: ZoneInfo
    length: timedelta
    """On the clocks."""
    clock_change: ClockChange

    def plan_at(self, occurrence: "Occurrence") -> Plan:
        """Return an occurrence as a booking. Raises ValueError for one without a time."""
        if occurrence.term is None:
            raise ValueError("an occurrence without a time is no booking")
        return Plan(
            space=self.space,
            parts=self.parts,
            term=occurrence.term,
            people=self.people,
            title=self.title,
            shows_title=self.shows_title,
        )


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A date of a series. `at`, its key, is its original start on the clocks; no term: no time."""

    at: datetime
    term: Term | None
    notes: tuple[Note, ...] = ()
    problem: Problem | None = None


def occurrences(
    pattern: Pattern, starts: Iterable[datetime], hub_zone: ZoneInfo, now: datetime
) -> list[Occurrence]:
    """Return the dates of a series, the earliest first."""
    return [_judged(pattern, _occurrence(pattern, at), hub_zone, now) for at in sorted(starts)]


def term_at(
    at: datetime, length: timedelta, zone: ZoneInfo, change: ClockChange
) -> tuple[Term | None, list[Note]]:
    """Return the term of a local start, and what the clocks do to it."""
    notes: list[Note] = []
    begins = at
    if isinstance(resolve(at, zone), Skipped):
        if change is ClockChange.SKIP:
            return None, []
        begins = shifted(at, zone)
        notes.append(Note.START_SHIFTED)
    ends = begins + length
    if isinstance(resolve(ends, zone), Skipped):
        ends = shifted(ends, zone)
        notes.append(Note.END_SHIFTED)
    term = Term(at_or_after(begins, zone), at_or_after(ends, zone))
    return term, [*notes, *_notes(term, length, zone)]


def check_apart(pattern: Pattern, dates: Sequence[Occurrence]) -> None:
    """Refuse dates that overlap each other, with the turnaround of their space. Raises DomainError."""
    terms = [each.term for each in dates if each.term is not None]
    if any(first.end + pattern.space.turnaround > second.start for first, second in pairwise(terms)):
        raise DomainError(errors.OVERLAPS_ITSELF)


def _occurrence(pattern: Pattern, at: datetime) -> Occurrence:
    term, notes = term_at(at, pattern.length, pattern.zone, pattern.clock_change)
    return Occurrence(at, term, tuple(notes), Problem.NO_SUCH_TIME if term is None else None)


def _judged(pattern: Pattern, occurrence: Occurrence, hub_zone: ZoneInfo, now: datetime) -> Occurrence:
    term = occurrence.term
    problem: Problem | None = None
    if term is None:
        return occurrence
    if term.end <= now:
        problem = Problem.PAST
    elif term.end - term.start > LONGEST:
        problem = Problem.TOO_LONG
    elif not is_within_hours(pattern.space, term.start, term.end, hub_zone):
        problem = Problem.CLOSED
    return Occurrence(occurrence.at, term, occurrence.notes, problem)


def _notes(term: Term, length: timedelta, zone: ZoneInfo) -> list[Note]:
    notes = [Note.START_TWICE] if comes_twice(term.start, zone) else []
    if comes_twice(term.end, zone):
        notes.append(Note.END_TWICE)
    if term.end - term.start > length:
        notes.append(Note.LONGER)
    elif term.end - term.start < length:
        notes.append(Note.SHORTER)
    return notes
