"""Rules for bookings: what was entered becomes a plan, or every refusal at once. Pure functions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from hubwell.booking import errors
from hubwell.booking.local_time import Skipped, at_or_after, read_local, resolve
from hubwell.errors import DomainError, ErrorKind, refusal_of, refuse_all
from hubwell.vocabulary import LARGEST_CAPACITY, SpaceKind

LONGEST: Final = timedelta(hours=24)
LONGEST_TURNAROUND: Final = timedelta(hours=4)
GRACE: Final = timedelta(minutes=5)
"""A booking may begin this long ago: forms take a while to fill in."""
MOST_AHEAD: Final = timedelta(days=365)
MOST_LATER: Final = timedelta(days=31)
"""How much later a date of a series can be moved that is further ahead than a booking may be."""
LONGEST_TITLE: Final = 120
MOST_PARTS: Final = 40
LONGEST_PART_NAME: Final = 60
_A_DAY: Final = timedelta(days=1)
_EXAMPLE: Final = "2026-12-01T09:30"
_LONGEST_QUOTED: Final = 40
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a space that can be booked alone; without a capacity it has an equal share of the space's."""

    id: int
    name: str
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookableSpace:
    """A space as bookings see it."""

    id: str
    name: str
    kind: SpaceKind
    capacity: int
    opens_at: time | None
    closes_at: time | None
    turnaround: timedelta
    parts: tuple[Part, ...]
    names: dict[str, str]
    personal: bool = False
    archived: bool = False

    def chosen(self, parts: Iterable[int]) -> tuple[int, ...]:
        """Return the parts in order, all of them where none is named. Raises DomainError."""
        every, named = {part.id for part in self.parts}, set(parts)
        if not named <= every:
            raise DomainError(errors.PART_UNKNOWN)
        return tuple(sorted(named or every))

    def room_for(self, parts: Iterable[int]) -> int:
        """Return how many people these parts together have room for."""
        named = set(parts)
        if len(named) == len(self.parts):
            return self.capacity
        share = max(1, self.capacity // max(1, len(self.parts)))
        return min(self.capacity, sum(part.capacity or share for part in self.parts if part.id in named))


@dataclass(frozen=True, slots=True)
class Term:
    """The time of a booking."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingInput:
    """What was entered of a booking; times are those of the clocks, with their day, or instants as before."""

    space: str
    start: str | datetime
    end: str | datetime
    people: str
    title: str
    zone: str = ""
    parts: Sequence[int] = ()
    shows_title: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A booking that keeps every rule; whether it is free, the database decides."""

    space: BookableSpace
    parts: tuple[int, ...]
    term: Term
    people: int
    title: str
    shows_title: bool

    @property
    def held_until(self) -> datetime:
        """The end of the turnaround."""
        return self.term.end + self.space.turnaround


def zone_of(text: str, hub: ZoneInfo) -> ZoneInfo:
    """Return the zone of a name; the hub's for none. Raises DomainError."""
    if not text.strip():
        return hub
    try:
        return ZoneInfo(text.strip())
    except (KeyError, OSError, ValueError) as error:
        refusal = DomainError(errors.BOOKING_ZONE_UNKNOWN, value=text.strip()[:_LONGEST_QUOTED], zone=hub.key)
        raise refusal from error


def read_term(
    start: str | datetime,
    end: str | datetime,
    zone: ZoneInfo,
    now: datetime,
    *,
    begun: datetime | None = None,
) -> Term:
    """Return the term of two times on the clocks. Raises DomainError with all that is wrong.

    `begun` is the start that a booking has already: it may be in the past.
    """
    kinds = (errors.START_UNREADABLE, errors.START_SKIPPED), (errors.END_UNREADABLE, errors.END_SKIPPED)
    moments = [_moment(text, zone, *both) for text, both in zip((start, end), kinds, strict=True)]
    refuse_all([each for each in moments if isinstance(each, DomainError)])
    term = Term(*(each for each in moments if isinstance(each, datetime)))
    refuse_all(term_refusals(term, now, begun=begun))
    return term


def _moment(
    text: str | datetime, zone: ZoneInfo, unreadable: ErrorKind, skipped: ErrorKind
) -> datetime | DomainError:
    if isinstance(text, datetime):
        return text
    local = read_local(text)
    if local is None or not date.min.year < local.year < date.max.year:
        return DomainError(unreadable, example=_EXAMPLE)
    moment = resolve(local, zone)
    if not isinstance(moment, Skipped):
        return moment
    shown = moment.next_shown
    upcoming = f"{shown:%H:%M}" if shown.date() == local.date() else f"{shown:%Y-%m-%d %H:%M}"
    return DomainError(skipped, day=local.date().isoformat(), time=f"{local:%H:%M}", next=upcoming)


def term_refusals(term: Term, now: datetime, *, begun: datetime | None = None) -> Iterator[DomainError]:
    """Yield what is wrong with a term, each at its field."""
    if term.start != begun and term.start < now - GRACE:
        yield DomainError(errors.START_PAST)
    furthest = now + MOST_AHEAD
    if begun is not None and begun > furthest:  # a date of a series, which may be later than a booking
        furthest = begun + MOST_LATER
    if term.start > furthest:
        yield DomainError(errors.TOO_FAR_AHEAD, most=MOST_AHEAD.days)
    if term.end <= term.start:
        yield DomainError(errors.ENDS_FIRST)
    elif term.end - term.start > LONGEST:
        yield DomainError(errors.TOO_LONG, most=LONGEST // timedelta(hours=1))
    elif term.end <= now:
        yield DomainError(errors.END_PAST)


def people_in(text: str) -> int:
    """Return a number of people. Raises DomainError."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(LARGEST_CAPACITY)):
        raise DomainError(errors.PEOPLE_UNREADABLE)
    if not 1 <= int(digits) <= LARGEST_CAPACITY:
        raise DomainError(errors.PEOPLE_UNREADABLE)
    return int(digits)


def title_in(text: str) -> str:
    """Return a title on one line, without blanks around it. Raises DomainError."""
    title = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not title:
        raise DomainError(errors.BOOKING_TITLE_MISSING)
    if len(title) > LONGEST_TITLE:
        raise DomainError(errors.BOOKING_TITLE_TOO_LONG, most=LONGEST_TITLE)
    return title


def plan_of(
    given: BookingInput,
    space: BookableSpace | DomainError,
    hub_zone: ZoneInfo,
    now: datetime,
    *,
    begun: datetime | None = None,
    untitled: bool = False,
) -> Plan:
    """Return the plan of what was entered. Raises DomainError with every broken rule, each at its field.

    `space` is the refusal where there is no such space; hours are then not judged. With `untitled` the
    title may be empty: that of a walk-in is.
    """
    refusals: list[DomainError | None] = []
    zone = _tried(lambda: zone_of(given.zone, hub_zone), refusals)
    term = _tried(lambda: read_term(given.start, given.end, zone or hub_zone, now, begun=begun), refusals)
    people = _tried(lambda: people_in(given.people), refusals)
    is_untitled = untitled and not given.title.strip()
    title = "" if is_untitled else _tried(lambda: title_in(given.title), refusals)
    parts: tuple[int, ...] = ()
    if isinstance(space, DomainError):
        refusals.append(space)
    else:
        refusals.append(space_refusal(space))
        parts = _tried(lambda: space.chosen(given.parts), refusals) or ()
        if people is not None and parts:
            refusals.append(people_refusal(space, parts, people))
        if term is not None:
            refusals.append(hours_refusal(space, term, hub_zone))
    refuse_all(refusals)
    if isinstance(space, DomainError) or term is None or people is None or title is None:
        raise RuntimeError("a plan without a refusal has all its parts")
    return Plan(
        space=space, parts=parts, term=term, people=people, title=title, shows_title=given.shows_title
    )


def space_refusal(space: BookableSpace) -> DomainError | None:
    """Return why a space cannot be booked at all."""
    if space.archived:
        return DomainError(errors.BOOKING_SPACE_ARCHIVED)
    return DomainError(errors.SPACE_NOT_BOOKABLE) if space.personal else None


def people_refusal(space: BookableSpace, parts: Iterable[int], people: int) -> DomainError | None:
    """Return the refusal of more people than there is room for."""
    most = space.room_for(parts)
    return DomainError(errors.TOO_MANY_PEOPLE, most=most, value=people) if people > most else None


def hours_refusal(space: BookableSpace, term: Term, zone: ZoneInfo) -> DomainError | None:
    """Return the refusal of a term that is not wholly within the opening hours of a space."""
    if is_within_hours(space, term.start, term.end, zone):
        return None
    opens = space.opens_at or time.min
    closes = "24:00" if space.closes_at is None else f"{space.closes_at:%H:%M}"
    return DomainError(errors.SPACE_CLOSED, space=space.name, opens=f"{opens:%H:%M}", closes=closes)


def is_within_hours(space: BookableSpace, start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Return whether a space is open all the time; hours that pass midnight are understood."""
    return open_until(space, start, end, zone) >= end


def open_until(space: BookableSpace, start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """Return until when a space is open without a break; the start itself where it is closed.

    Looks no further than the day of `end`.
    """
    if space.opens_at is None and space.closes_at is None:
        return end
    day, last = start.astimezone(zone).date() - _A_DAY, end.astimezone(zone).date()
    reached = start
    while day <= last:
        opens, closes = hours_of(space, day, zone)
        if opens <= reached < closes:
            reached = closes
        day += _A_DAY
    return reached


def open_times(
    space: BookableSpace, start: datetime, end: datetime, zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    """Return the times in order in which a space is open without a break, as far as they reach into a time.

    A space without opening hours is open all the time.
    """
    if space.opens_at is None and space.closes_at is None:
        return [(start, end)]
    times: list[tuple[datetime, datetime]] = []
    day, last = start.astimezone(zone).date() - _A_DAY, end.astimezone(zone).date()
    while day <= last:
        opens, closes = hours_of(space, day, zone)
        if times and opens <= times[-1][1]:
            times[-1] = times[-1][0], max(closes, times[-1][1])
        else:
            times.append((opens, closes))
        day += _A_DAY
    return [each for each in times if each[0] < end and each[1] > start]


def hours_of(space: BookableSpace, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the hours of a space begin and end that begin on a day; without any, the day."""
    opens, closes = space.opens_at or time.min, space.closes_at or time.min
    next_day = day if closes > opens else day + _A_DAY
    return at_or_after(datetime.combine(day, opens), zone), at_or_after(
        datetime.combine(next_day, closes), zone
    )


def _tried(read: Callable[[], Value], refusals: list[DomainError | None]) -> Value | None:
    """Return what a reader returns; its refusal goes into the list."""
    values: list[Value] = []
    refusals.append(refusal_of(lambda: values.append(read())))
    return values[0] if values else None
