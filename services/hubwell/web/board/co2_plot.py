"""The day's CO2 of a space as a small drawing: server-rendered SVG with a finding, a threshold and a table.

A gap in the readings is a gap in the line. Coordinates are in units of the drawing, times in the hub's zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
class Day:
    """The steps with good readings, and the starts of steps with only readings in doubt; each in order."""

    steps: list[Step] = field(default_factory=list)
    doubtful: list[datetime] = field(default_factory=list)


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
    doubtful: bool = False
    """Whether there are only readings in doubt."""


@dataclass(frozen=True, slots=True)
class DayPlot:
    """Everything that the template draws and writes."""

    finding: str
    line: str
    dots: list[tuple[float, float]]
    gaps: list[tuple[float, float]]
    """Left edge and width of each stretch without readings."""
    doubts: list[tuple[float, float]]
    """The same of each stretch whose readings are in doubt."""
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


def draw(day: Day, words: Formatter, *, in_doubt: bool = False) -> DayPlot:
    """Draw a day of closed five-minute steps. Readings in doubt are part of no value; their time is marked.

    `in_doubt` is whether the sensor is in doubt now, in the step that is still open.
    """
    start, end = bounds(words.now)
    day = _within(day, start, end, in_doubt=in_doubt)
    top = max([_LEAST_TOP_PPM, *(step.mean * 1.05 for step in day.steps)])
    scale = _Scale(start, end, top)
    runs = _runs(day.steps)
    return DayPlot(
        finding=_sentences(day, words),
        line="".join(scale.path(run) for run in runs if len(run) > 1),
        dots=[scale.middle(run[0]) for run in runs if len(run) == 1],
        gaps=_gaps(day, scale, words.now),
        doubts=[scale.stretch(begin, end) for begin, end in _stretches(day.doubtful)],
        threshold=scale.y(CO2_FRESH_BELOW_PPM),
        limit=_LIMIT,
        ticks=_ticks(scale, words),
        hours=_hours(day, words),
    )


def finding(day: Day, words: Formatter, *, in_doubt: bool = False) -> str:
    """Return in sentences what a drawing of the day shows; `in_doubt` as in `draw`."""
    return _sentences(_within(day, *bounds(words.now), in_doubt=in_doubt), words)


def _within(day: Day, start: datetime, end: datetime, *, in_doubt: bool) -> Day:
    doubtful = [*day.doubtful, end - ROLLUP_STEP] if in_doubt else day.doubtful
    return Day(
        [step for step in day.steps if start <= step.start < end],
        [moment for moment in doubtful if start <= moment < end],
    )


def _sentences(day: Day, words: Formatter) -> str:
    sentences = (_finding(day, words), _coverage(day.steps, words), _doubt(day, words))
    return " ".join(filter(None, sentences))


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

    def stretch(self, begin: datetime, end: datetime) -> tuple[float, float]:
        """Return the left edge and the width of a stretch of time."""
        return self.x(begin), round(self.x(end) - self.x(begin), 1)

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


def _stretches(starts: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Join steps that follow each other into stretches from begin to end."""
    stretches: list[tuple[datetime, datetime]] = []
    for start in starts:
        joins = bool(stretches) and start <= stretches[-1][1]
        begin = stretches.pop()[0] if joins else start
        stretches.append((begin, start + ROLLUP_STEP))
    return stretches


def _gaps(day: Day, scale: _Scale, now: datetime) -> list[tuple[float, float]]:
    measured = _stretches(sorted([*(step.start for step in day.steps), *day.doubtful]))
    edges = [(end, following) for (_, end), (following, _) in pairwise(measured)]
    if measured and now - measured[-1][1] > ROLLUP_STEP:
        edges.append((measured[-1][1], now))
    return [scale.stretch(begin, end) for begin, end in edges]


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


def _doubt(day: Day, words: Formatter) -> str | None:
    """Return the sentence about the time whose readings are in doubt."""
    ngettext = words.translations.ngettext
    minutes = len(day.doubtful) * int(_STEP_S // 60)
    if not minutes:
        return None
    if minutes < 120:  # noqa: PLR2004 (as in _finding)
        return ngettext(
            "The sensor was in doubt for about {n} minute; those readings are left out.",
            "The sensor was in doubt for about {n} minutes; those readings are left out.",
            minutes,
        ).format(n=minutes)
    hours = round(minutes / 60)
    return ngettext(
        "The sensor was in doubt for about {n} hour; those readings are left out.",
        "The sensor was in doubt for about {n} hours; those readings are left out.",
        hours,
    ).format(n=hours)


def _finding(day: Day, words: Formatter) -> str:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    steps = day.steps
    if not steps and day.doubtful:
        return _("No good CO₂ readings in the last 24 hours.")
    if not steps:
        return _("No CO₂ readings in the last 24 hours.")
    worst = max(steps, key=lambda step: step.highest)
    values = {"peak": words.co2(worst.highest), "time": words.time(worst.start), "limit": _LIMIT}
    minutes = int(_stuffy(steps).total_seconds() // 60)
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


def _stuffy(steps: Sequence[Step]) -> timedelta:
    """Return the time in which the mean was not fresh."""
    return sum(step.mean >= CO2_FRESH_BELOW_PPM for step in steps) * ROLLUP_STEP


def _coverage(steps: Sequence[Step], words: Formatter) -> str | None:
    """Return the sentence about hours with readings, where they are not nearly the whole day."""
    covered = len(steps) * ROLLUP_STEP
    if not steps or covered >= DAY * _NEARLY_ALL:
        return None
    # 80 minutes of stuffy air are not in "about 1 hour" of readings.
    hours = max(round(covered / _HOUR), -(-_stuffy(steps) // _HOUR) if covered >= _HOUR else 0)
    if not hours:
        return words.translations.gettext("There are readings for less than an hour of that.")
    return words.translations.ngettext(
        "There are readings for about {n} hour of that.",
        "There are readings for about {n} hours of that.",
        hours,
    ).format(n=hours)


def _hours(day: Day, words: Formatter) -> list[Hour]:
    starts = sorted([*(step.start for step in day.steps), *day.doubtful])
    if not starts:
        return []
    by_hour: dict[datetime, list[Step]] = {}
    moment = _hour_of(starts[0])
    while moment <= min(words.now, starts[-1] + _HOUR):
        by_hour[moment] = []
        moment += _HOUR
    for step in day.steps:
        by_hour.setdefault(_hour_of(step.start), []).append(step)
    doubtful = set(map(_hour_of, day.doubtful))
    return [
        Hour(
            start=begin,
            time=words.time(begin),
            mean=words.co2(sum(step.mean for step in of_hour) / len(of_hour)) if of_hour else None,
            highest=words.co2(max(step.highest for step in of_hour)) if of_hour else None,
            doubtful=not of_hour and begin in doubtful,
        )
        for begin, of_hour in sorted(by_hour.items())
    ]


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
