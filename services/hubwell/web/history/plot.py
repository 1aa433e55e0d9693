"""A quantity over days or weeks as a drawing: server-rendered SVG with a finding, a limit, gaps and a table.

The line is the mean of each stretch, the band reaches from its lowest to its highest reading. Coordinates are
whole units of the drawing and relative to the point before, because those bytes repeat.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10
from typing import Final

from hubwell.history.rules import HOUR, Stretch
from hubwell.web.kit.formatting import Formatter

WIDTH: Final = 720
HEIGHT: Final = 160
_TOP: Final = 6
_TICKS: Final = 3
_ABSURD: Final = 1e6


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on an axis."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the template draws; `gaps` and `doubts` are left edges and widths."""

    line: str
    band: str
    gaps: list[tuple[int, int]]
    doubts: list[tuple[int, int]]
    limit: int | None
    across: list[Mark]
    up: list[Mark]


@dataclass(frozen=True, slots=True)
class Frame:
    """The time that is drawn, in stretches of one width."""

    start: datetime
    end: datetime
    width: timedelta

    def x(self, moment: datetime) -> int:
        """Return the place of a time on the drawing."""
        share = (moment - self.start) / (self.end - self.start)
        return round(min(max(share, 0.0), 1.0) * WIDTH)


def draw(stretches: Sequence[Stretch], frame: Frame, words: Formatter, limit: float | None = None) -> Drawing:
    """Draw stretches in order; `limit` is a value with a dashed line."""
    good = [stretch for stretch in stretches if not stretch.doubtful]
    lowest, highest, step = _scale(good, limit)

    def y(value: float) -> int:
        return round(HEIGHT - (_bounded(value) - lowest) / (highest - lowest) * (HEIGHT - _TOP))

    runs = list(_runs(good, frame.width))
    return Drawing(
        line="".join(_path([(_middle(item, frame), y(item.mean)) for item in run]) for run in runs),
        band="".join(_band(run, frame, y) for run in runs),
        gaps=_gaps(stretches, frame),
        doubts=[_place(item.start, frame) for item in stretches if item.doubtful],
        limit=None if limit is None else y(limit),
        across=_times(frame, words),
        up=[Mark(y(value), words.number(value, ".4g")) for value in _values(lowest, highest, step)],
    )


def _scale(good: Sequence[Stretch], limit: float | None) -> tuple[float, float, float]:
    """Return round values below and above everything that is drawn, and the step between marks."""
    values = [_bounded(value) for item in good for value in (item.low, item.high)]
    if limit is not None:
        values.append(limit * 1.1)
    if not values:
        return 0.0, 1.0, 1.0
    low, high = min(values), max(values)
    step = _round_step(max(high - low, abs(high) / 20, 1.0) / _TICKS)
    lowest = floor(low / step) * step
    return lowest, max(ceil(high / step) * step, lowest + step), step


def _bounded(value: float) -> float:
    """Return a value that can be drawn: a broken sensor may send the largest number that there is."""
    return min(max(value, -_ABSURD), _ABSURD)


def _round_step(rough: float) -> float:
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.999)


def _values(lowest: float, highest: float, step: float) -> list[float]:
    return [lowest + number * step for number in range(round((highest - lowest) / step) + 1)]


def _runs(good: Sequence[Stretch], width: timedelta) -> Iterator[list[Stretch]]:
    """Yield stretches that follow each other, split where one is missing."""
    run: list[Stretch] = []
    for item in good:
        if run and item.start - run[-1].start > width:
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _middle(item: Stretch, frame: Frame) -> int:
    return frame.x(item.start + frame.width / 2)


def _path(points: Sequence[tuple[int, int]]) -> str:
    (x, y), *following = points
    parts = [f"M{x} {y}", "l" if following else "h0"]
    for following_x, following_y in following:
        parts.append(f"{following_x - x} {following_y - y} ".replace(" -", "-"))
        x, y = following_x, following_y
    return "".join(parts).rstrip()


def _band(run: Sequence[Stretch], frame: Frame, y: Callable[[float], int]) -> str:
    if len(run) < 2:  # noqa: PLR2004 (a band has two ends)
        return ""
    above = [(_middle(item, frame), y(item.high)) for item in run]
    below = [(_middle(item, frame), y(item.low)) for item in run]
    return _path([*above, *reversed(below)]) + "z"


def _place(start: datetime, frame: Frame) -> tuple[int, int]:
    left = frame.x(start)
    return left, max(frame.x(start + frame.width) - left, 1)


def _gaps(stretches: Sequence[Stretch], frame: Frame) -> list[tuple[int, int]]:
    """Return the times without any reading, also at both ends."""
    gaps, heard_until = [], frame.start
    for item in stretches:
        if item.start > heard_until:
            gaps.append((heard_until, item.start))
        heard_until = item.start + frame.width
    if frame.end > heard_until:
        gaps.append((heard_until, frame.end))
    places = [(frame.x(begin), frame.x(end) - frame.x(begin)) for begin, end in gaps]
    return [(left, width) for left, width in places if width > 0]


def _times(frame: Frame, words: Formatter) -> list[Mark]:
    """Mark hours of a day, days of a week, and each fifth day of a month, where the label has room."""
    days = (frame.end - frame.start) // timedelta(days=1)
    marks, last = [], -WIDTH
    moment = frame.start.replace(minute=0, second=0, microsecond=0)
    least = WIDTH // 8
    while moment <= frame.end:
        local = moment.astimezone(words.zone)
        x = frame.x(moment)
        marked = local.hour % 3 == 0 if days <= 1 else local.hour == 0
        if marked and moment >= frame.start and x - last >= least and 16 <= x <= WIDTH - 24:  # noqa: PLR2004 (room of a label)
            marks.append(Mark(x, words.time(moment) if days <= 1 else words.short_day(moment)))
            last = x
        moment += HOUR
    return marks
