"""What was entered of a series becomes a plan with all dates, or every refusal at once. Pure functions."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from hubwell.booking import errors as booking_errors
from hubwell.booking import rules
from hubwell.booking.local_time import read_local
from hubwell.booking.rules import BookableSpace, BookingInput
from hubwell.booking.series import errors
from hubwell.booking.series.occurrences import (
    ClockChange,
    Occurrence,
    Pattern,
    check_apart,
    occurrences,
)
from hubwell.booking.series.recurrence import Rule, dates_of, read_rule
from hubwell.errors import DomainError, refusal_of, refuse_all

_EXAMPLE_START: Final = "2026-12-01T09:30"
_EXAMPLE_DAY: Final = "2026-12-22"
_EXAMPLE_TIME: Final = "09:30"
_CLOCK: Final = re.compile(r"\d{2}:\d{2}", re.ASCII)
_A_DAY: Final = timedelta(days=1)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInput:
    """What was entered of a series. The times of `booking` are those of its first date."""

    booking: BookingInput
    rule: str
    last_day: str = ""
    clock_change: ClockChange = ClockChange.SHIFT
    skip: Sequence[str] = ()
    """Local starts of dates that are left out."""


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """A series that keeps every rule; which of its dates are free, the database decides."""

    pattern: Pattern
    rule: str
    dates: tuple[Occurrence, ...]
    skip: frozenset[datetime]

    @property
    def first_at(self) -> datetime:
        """The first date, as its local start."""
        return self.dates[0].at

    @property
    def last_at(self) -> datetime:
        """The last date, as its local start."""
        return self.dates[-1].at


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChange:
    """What changes of the dates of a series; None stays as it is."""

    space: str | None = None
    parts: Sequence[int] | None = None
    start_time: str | None = None
    end_time: str | None = None
    people: str | None = None
    title: str | None = None
    shows_title: bool | None = None
    leave: Sequence[str] = field(default=())
    """Local starts of dates that stay as they are."""


def plan_of(
    given: SeriesInput, space: BookableSpace | DomainError, hub_zone: ZoneInfo, now: datetime
) -> SeriesPlan:
    """Return the plan of what was entered. Raises DomainError with every broken rule, each at its field."""
    refusals: list[DomainError | None] = []
    booking = given.booking
    zone = _tried(lambda: rules.zone_of(booking.zone, hub_zone), refusals) or hub_zone
    first = _tried(lambda: _first(booking), refusals)
    rule = _tried(lambda: read_rule(given.rule), refusals)
    last_day = _tried(lambda: _last_day(given.last_day), refusals)
    skip = _tried(lambda: dates_in(given.skip), refusals)
    people = _tried(lambda: rules.people_in(booking.people), refusals)
    title = _tried(lambda: rules.title_in(booking.title), refusals)
    starts = None
    if first is not None and rule is not None and last_day is not None:
        entered = first, rule, last_day[0]
        starts = _tried(lambda: _starts(*entered, zone, now), refusals)
    parts = _parts(space, booking.parts, people, refusals)
    refuse_all(refusals)
    if isinstance(space, DomainError) or first is None or rule is None or starts is None:
        raise RuntimeError("a plan without a refusal has all its parts")
    if people is None or title is None or skip is None:
        raise RuntimeError("a plan without a refusal has all its parts")
    pattern = Pattern(
        space=space,
        parts=parts,
        people=people,
        title=title,
        shows_title=booking.shows_title,
        zone=zone,
        length=first[1] - first[0],
        clock_change=given.clock_change,
    )
    dates = occurrences(pattern, starts, hub_zone, now)
    check_apart(pattern, dates)
    if not skip <= set(starts):
        raise DomainError(errors.SKIP_UNREADABLE, example=f"{starts[0]:%Y-%m-%dT%H:%M}")
    return SeriesPlan(pattern, rule.text, tuple(dates), skip)


def changed_pattern(
    before: Pattern, change: SeriesChange, space: BookableSpace | DomainError, at: datetime
) -> tuple[Pattern, timedelta]:
    """Return what the dates have in common after a change, and how much later they begin. Raises DomainError.

    `at` is the local start of one of its dates.
    """
    refusals: list[DomainError | None] = []
    begins = _tried(lambda: time_in(change.start_time, at.time(), "start_time"), refusals)
    ends = _tried(lambda: time_in(change.end_time, (at + before.length).time(), "end_time"), refusals)
    people = _tried(lambda: _given_or(change.people, before.people, rules.people_in), refusals)
    title = _tried(lambda: _given_or(change.title, before.title, rules.title_in), refusals)
    elsewhere = not isinstance(space, DomainError) and space.id != before.space.id
    whole = len(before.parts) == len(before.space.parts)
    kept = () if elsewhere or whole else before.parts
    parts = _parts(space, kept if change.parts is None else change.parts, people, refusals)
    refuse_all(refusals)
    if isinstance(space, DomainError) or begins is None or ends is None or people is None or title is None:
        raise RuntimeError("a change without a refusal has all its parts")
    start, end = datetime.combine(at.date(), begins), datetime.combine(at.date(), ends)
    if end <= start and (at + before.length).date() == at.date():
        raise DomainError(booking_errors.ENDS_FIRST)
    pattern = Pattern(
        space=space,
        parts=parts,
        people=people,
        title=title,
        shows_title=before.shows_title if change.shows_title is None else change.shows_title,
        zone=before.zone,
        length=(end if end > start else end + _A_DAY) - start,
        clock_change=before.clock_change,
    )
    return pattern, start - at


def dates_in(texts: Sequence[str]) -> frozenset[datetime]:
    """Return local starts. Raises DomainError."""
    found = [read_local(text) for text in texts]
    if None in found:
        raise DomainError(errors.SKIP_UNREADABLE, example=_EXAMPLE_START)
    return frozenset(each for each in found if each is not None)


def time_in(text: str | None, before: time, name: str) -> time:
    """Return a time of the day; the one before for none. Raises DomainError."""
    if text is None:
        return before
    kind = errors.TIME_UNREADABLE if name == "start_time" else errors.END_TIME_UNREADABLE
    if not _CLOCK.fullmatch(text.strip()):
        raise DomainError(kind, example=_EXAMPLE_TIME)
    try:
        return time.fromisoformat(text.strip())
    except ValueError as error:
        raise DomainError(kind, example=_EXAMPLE_TIME) from error


def _first(booking: BookingInput) -> tuple[datetime, datetime]:
    """Return the local times of the first date. Raises DomainError."""
    start, end = (
        read_local(text) if isinstance(text, str) else None for text in (booking.start, booking.end)
    )
    example = _EXAMPLE_START
    refuse_all(
        [
            DomainError(booking_errors.START_UNREADABLE, example=example) if start is None else None,
            DomainError(booking_errors.END_UNREADABLE, example=example) if end is None else None,
        ]
    )
    if start is None or end is None:
        raise RuntimeError("both times can be read")
    if end <= start:
        raise DomainError(booking_errors.ENDS_FIRST)
    if end - start > rules.LONGEST:
        raise DomainError(booking_errors.TOO_LONG, most=rules.LONGEST // timedelta(hours=1))
    return start, end


def _starts(
    first: tuple[datetime, datetime], rule: Rule, last_day: date | None, zone: ZoneInfo, now: datetime
) -> list[datetime]:
    today = now.astimezone(zone).date()
    if first[0].replace(tzinfo=zone) < now - rules.GRACE:
        raise DomainError(booking_errors.START_PAST)
    if first[0].replace(tzinfo=zone) > now + rules.MOST_AHEAD:
        raise DomainError(booking_errors.TOO_FAR_AHEAD, most=rules.MOST_AHEAD.days)
    return dates_of(rule, first[0], last_day, zone, today)


def _last_day(text: str) -> tuple[date | None]:
    """Return the last day in a tuple of one, None for none. Raises DomainError."""
    if not text.strip():
        return (None,)
    local = read_local(f"{text.strip()}T00:00")
    if local is None:
        raise DomainError(errors.LAST_DAY_UNREADABLE, example=_EXAMPLE_DAY)
    return (local.date(),)


def _parts(
    space: BookableSpace | DomainError,
    named: Sequence[int],
    people: int | None,
    refusals: list[DomainError | None],
) -> tuple[int, ...]:
    if isinstance(space, DomainError):
        refusals.append(space)
        return ()
    refusals.append(rules.space_refusal(space))
    parts = _tried(lambda: space.chosen(named), refusals) or ()
    if parts and people is not None:
        refusals.append(rules.people_refusal(space, parts, people))
    return parts


def _given_or(text: str | None, before: Value, read: Callable[[str], Value]) -> Value:
    return before if text is None else read(text)


def _tried(read: Callable[[], Value], refusals: list[DomainError | None]) -> Value | None:
    """Return what a reader returns; its refusal goes into the list."""
    values: list[Value] = []
    refusals.append(refusal_of(lambda: values.append(read())))
    return values[0] if values else None
