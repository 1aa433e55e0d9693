"""Seven days of a device as a drawing, a sentence and a table; each row of the drawing is a day."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final

from hubwell.history.availability import Availability, Hour, State
from hubwell.web.kit.formatting import Formatter

WIDTH: Final = 22
"""Of an hour in the drawing."""
HEIGHT: Final = 24
"""Of a day."""
_BAR: Final = 18
_BARS: Final = {State.HEARD: _BAR, State.PARTLY: _BAR // 2, State.SILENT: 3}
"""Heights: the states differ in more than colour."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Hours of one state in a row."""

    left: int
    top: int
    width: int
    height: int
    state: str


@dataclass(slots=True)
class DayRow:
    """A day of the hub, with its hours by state."""

    name: str
    middle: int
    bars: list[Bar] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(State, 0))


@dataclass(frozen=True, slots=True)
class Strip:
    """What the template draws."""

    sentence: str
    rows: list[DayRow]

    @property
    def height(self) -> int:
        """Height of the drawing without its axis."""
        return len(self.rows) * HEIGHT


def strip(availability: Availability, words: Formatter) -> Strip:
    """Return the drawing of a device's hours."""
    by_day = groupby(availability.hours, key=lambda hour: hour.start.astimezone(words.zone).date())
    rows = [_row(number, day, hours, words) for number, (day, hours) in enumerate(by_day)]
    return Strip(sentence(availability, words), rows)


def sentence(availability: Availability, words: Formatter) -> str:
    """Return how a device was heard, in whole sentences."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    if not availability.known:
        return _("Nothing is stored that shows when it was heard.")
    known = availability.known
    partly = availability.count(State.PARTLY)
    heard = availability.count(State.HEARD) + partly
    texts = [
        ngettext(
            "It was heard in {heard} of {n} hour that is known.",
            "It was heard in {heard} of {n} hours that are known.",
            known,
        ).format(heard=heard, n=known)
    ]
    if partly:
        text = ngettext("In {n} hour readings are missing.", "In {n} hours readings are missing.", partly)
        texts.append(text.format(n=partly))
    longest = availability.longest_silence
    if longest is not None:
        start, end = words.clock(longest.start), words.clock(longest.end)
        texts.append(_("The longest silence: from {start} to {end}.").format(start=start, end=end))
    return " ".join(texts)


def _row(number: int, day: date, hours: Iterable[Hour], words: Formatter) -> DayRow:
    top = number * HEIGHT
    row = DayRow(words.day(words.noon(day)), top + HEIGHT // 2 + 5)
    places = []
    for hour in hours:
        row.counts[hour.state] += 1
        places.append((hour.start.astimezone(words.zone).hour, hour.state))
    for state, run in groupby(places, key=lambda place: place[1]):
        columns = [column for column, _ in run]
        height = _BARS.get(state)
        if height is not None:
            width = (max(columns) - min(columns) + 1) * WIDTH
            row.bars.append(Bar(min(columns) * WIDTH, top + _BAR + 3 - height, width, height, state))
    return row
