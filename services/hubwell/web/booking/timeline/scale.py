"""From instants to places on a line: each track shows a stretch of real time, its labels are wall time.

A page has no styles of its own (see `hubwell.http.headers`), so a place is four classes of `timeline.css`:
hours and minutes from the edge (`h9 m30`), and hours and minutes of the length (`l1 n15`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hubwell.booking.local_time import at_or_after, day_bounds
from hubwell.booking.rules import Term
from hubwell.web.kit.formatting import Formatter

_AN_HOUR: Final = timedelta(hours=1)
_A_MINUTE: Final = timedelta(minutes=1)
_A_DAY: Final = timedelta(days=1)
USUAL: Final = (7, 21)
"""Hours of the clock that are shown where neither opening hours nor bookings ask for more."""
WHOLE_DAY: Final = (0, 24)


@dataclass(frozen=True, slots=True)
class Tick:
    """An hour on the scale: its place, and the time that the clocks show."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """What the tracks of a day show, in whole hours from `start`."""

    day: date
    start: datetime
    hours: int

    @property
    def end(self) -> datetime:
        """The right edge."""
        return self.start + self.hours * _AN_HOUR

    @property
    def term(self) -> Term:
        """From edge to edge."""
        return Term(self.start, self.end)

    def place(self, start: datetime, end: datetime) -> str:
        """Return the classes of a time, cut off at the edges; empty for a time outside."""
        first, last = max(start, self.start), min(end, self.end)
        if first >= last:
            return ""
        begins = (first - self.start) // _A_MINUTE
        length = max(1, -(-(last - self.start) // _A_MINUTE) - begins)
        return _classes("hm", begins) + " " + _classes("ln", length)

    def mark(self, moment: datetime) -> str:
        """Return the classes of a moment, without a length; empty for one outside."""
        if not self.start <= moment < self.end:
            return ""
        return _classes("hm", (moment - self.start) // _A_MINUTE)

    def ticks(self, words: Formatter) -> list[Tick]:
        """Return the hours. On a day on which the clocks show a time twice, both have the zone's letters."""
        moments = [self.start + number * _AN_HOUR for number in range(self.hours)]
        shown = Counter(words.time(moment) for moment in moments)
        ticks = []
        for moment in moments:
            label = words.time(moment)
            if shown[label] > 1:
                label = f"{label} {moment.astimezone(words.zone):%Z}"
            ticks.append(Tick(self.mark(moment), label))
        return ticks


def _classes(letters: str, minutes: int) -> str:
    return f"{letters[0]}{minutes // 60} {letters[1]}{minutes % 60}"


def scale_of(day: date, hours: tuple[int, int], zone: ZoneInfo) -> Scale:
    """Return the scale of a day between two hours of the clock; it is as long as the day really is."""
    start, end = (at_or_after(datetime.combine(day, time()) + timedelta(hours=hour), zone) for hour in hours)
    return Scale(day, start, -(-(end - start) // _AN_HOUR))


def hours_for(days: Sequence[date], terms: Iterable[Term], zone: ZoneInfo) -> tuple[int, int]:
    """Return the hours of the clock into which all these terms fit on all these days."""
    terms = list(terms)
    first, last = WHOLE_DAY[1], WHOLE_DAY[0]
    for day in days:
        begins, ends = day_bounds(day, zone)
        for term in terms:
            start, end = max(term.start, begins), min(term.end, ends)
            if start >= end:
                continue
            first = min(first, start.astimezone(zone).hour)
            local = end.astimezone(zone)
            last = max(last, WHOLE_DAY[1] if end == ends else local.hour + bool(local.minute or local.second))
    return (first, last) if first < last else USUAL
