"""The day's CO2 of a space as a small drawing: server-rendered SVG with a finding, a threshold and a table.

A gap in the readings is a gap in the line. Coordinates are in units of the drawing, times in the hub's zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from hubwell.vocabulary import CO2_FRESH_BELOW_PPM, ROLLUP_STEP
from hubwell.web.kit.formatting import Formatter

DAY: Final = timedelta(hours=24)
_STEP_S: Final = ROLLUP_STEP.total_seconds()
_HOUR: Final = timedelta(hours=1)
_NEARLY_ALL: Final = 0.95
WIDTH: Final = 300.0
_TOP: Final = 6.0
_BOTTOM: Final = 84.0
_LOWEST_PPM: Final = 400.0
_LEAST_TOP_PPM: Final = 1300.0
_TICK_HOURS: Final = 6
_LIMIT: Final = int(CO2_FRESH_BELOW_PPM)
_LABEL: Final = 36.0
"""Width of a time on the axis."""


@dataclass(frozen=True, slots=True)
class Step:
    """Mean and highest CO2 of five minutes, in ppm."""

    start: datetime
    mean: float
    highest: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Hour:
    """A row of the table."""

    start: datetime
    time: str
    mean: str | None
    highest: str | None


@dataclass(frozen=True, slots=True)
class DayPlot:
    """Everything that the template draws and writes."""

    finding: str
    line: str
    dots: list[tuple[float, float]]
    gaps: list[tuple[float, float]]
    """Left edge and width of each stretch without readings."""
    threshold: float
    """Height of the dashed line."""
    limit: int
    """The same in ppm."""
    ticks: list[Tick]
    hours: list[Hour]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.hours


def bounds(now: datetime) -> tuple[datetime, datetime]:
    """Return the day that is drawn: the 24 hours up to the end of the current step."""
    end = datetime.fromtimestamp((now.timestamp() // _STEP_S + 1) * _STEP_S, UTC)
    return end - DAY, end


def draw(steps: Sequence[Step], words: Formatter) -> DayPlot:
    """Draw a day of five-minute steps, in order of time."""
    start, end = bounds(words.now)
    steps = [step for step in steps if start <= step.start < end]
    top = max([_LEAST_TOP_PPM, *(step.mean * 1.05 for step in steps)])
    scale = _Scale(start, end, top)
    runs = _runs(steps)
    return DayPlot(
        finding=" ".join(filter(None, (_finding(steps, words), _coverage(steps, words)))),
        line="".join(scale.path(run) for run in runs if len(run) > 1),
        dots=[scale.middle(run[0]) for run in runs if len(run) == 1],
        gaps=_gaps(runs, scale, words.now),
        threshold=scale.y(CO2_FRESH_BELOW_PPM),
        limit=_LIMIT,
        ticks=_ticks(scale, words),
        hours=_hours(steps, words),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    end: datetime
    top: float

    def x(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    def y(self, ppm: float) -> float:
        share = (max(ppm, _LOWEST_PPM) - _LOWEST_PPM) / (self.top - _LOWEST_PPM)
        return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)

    def middle(self, step: Step) -> tuple[float, float]:
        return self.x(step.start + ROLLUP_STEP / 2), self.y(step.mean)

    def path(self, run: Sequence[Step]) -> str:
        points = [f"{x:g} {y:g}" for x, y in map(self.middle, run)]
        return f"M{points[0]}L{' '.join(points[1:])}"


def _runs(steps: Sequence[Step]) -> list[list[Step]]:
    """Split where a whole step is missing."""
    runs: list[list[Step]] = []
    for step in steps:
        if runs and step.start - runs[-1][-1].start <= ROLLUP_STEP:
            runs[-1].append(step)
        else:
            runs.append([step])
    return runs


def _gaps(runs: list[list[Step]], scale: _Scale, now: datetime) -> list[tuple[float, float]]:
    edges = [(run[-1].start + ROLLUP_STEP, following[0].start) for run, following in pairwise(runs)]
    if runs and now - (runs[-1][-1].start + ROLLUP_STEP) > ROLLUP_STEP:
        edges.append((runs[-1][-1].start + ROLLUP_STEP, now))
    return [(scale.x(begin), round(scale.x(end) - scale.x(begin), 1)) for begin, end in edges]


def _ticks(scale: _Scale, words: Formatter) -> list[Tick]:
    """Mark every sixth hour of the hub's day, where its label has room."""
    ticks = []
    moment = scale.start.replace(minute=0, second=0, microsecond=0)
    while moment <= scale.end:
        x = scale.x(moment)
        if moment.astimezone(words.zone).hour % _TICK_HOURS == 0 and _LABEL / 2 <= x <= WIDTH - _LABEL / 2:
            ticks.append(Tick(x, words.time(moment)))
        moment += _HOUR
    return ticks


def _finding(steps: Sequence[Step], words: Formatter) -> str:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    if not steps:
        return _("No CO₂ readings in the last 24 hours.")
    worst = max(steps, key=lambda step: step.highest)
    values = {"peak": words.co2(worst.highest), "time": words.time(worst.start), "limit": _LIMIT}
    minutes = sum(step.mean >= CO2_FRESH_BELOW_PPM for step in steps) * int(ROLLUP_STEP.total_seconds() // 60)
    if not minutes:
        sentence = _("CO₂ stayed below {limit} ppm in the last 24 hours. Highest: {peak} at {time}.")
        return sentence.format(**values)
    if minutes < 120:  # noqa: PLR2004 (up to two hours people think in minutes)
        sentence = ngettext(
            "CO₂ was above {limit} ppm for about {n} minute in the last 24 hours. Highest: {peak} at {time}.",
            "CO₂ was above {limit} ppm for about {n} minutes in the last 24 hours. "
            "Highest: {peak} at {time}.",
            minutes,
        )
        return sentence.format(n=minutes, **values)
    hours = round(minutes / 60)
    sentence = ngettext(
        "CO₂ was above {limit} ppm for about {n} hour in the last 24 hours. Highest: {peak} at {time}.",
        "CO₂ was above {limit} ppm for about {n} hours in the last 24 hours. Highest: {peak} at {time}.",
        hours,
    )
    return sentence.format(n=hours, **values)


def _coverage(steps: Sequence[Step], words: Formatter) -> str | None:
    """Return the sentence about hours with readings, where they are not nearly the whole day."""
    covered = len(steps) * ROLLUP_STEP
    if not steps or covered >= DAY * _NEARLY_ALL:
        return None
    hours = round(covered / _HOUR)
    if not hours:
        return words.translations.gettext("There are readings for less than an hour of that.")
    return words.translations.ngettext(
        "There are readings for about {n} hour of that.",
        "There are readings for about {n} hours of that.",
        hours,
    ).format(n=hours)


def _hours(steps: Sequence[Step], words: Formatter) -> list[Hour]:
    if not steps:
        return []
    by_hour: dict[datetime, list[Step]] = {}
    moment = steps[0].start.replace(minute=0, second=0, microsecond=0)
    while moment <= min(words.now, steps[-1].start + _HOUR):
        by_hour[moment] = []
        moment += _HOUR
    for step in steps:
        by_hour.setdefault(step.start.replace(minute=0, second=0, microsecond=0), []).append(step)
    return [
        Hour(
            start=begin,
            time=words.time(begin),
            mean=words.co2(sum(step.mean for step in of_hour) / len(of_hour)) if of_hour else None,
            highest=words.co2(max(step.highest for step in of_hour)) if of_hour else None,
        )
        for begin, of_hour in sorted(by_hour.items())
    ]
