"""Air quality rules as data, and their evaluation: pure functions, with the time as an argument.

A rule of class R (osh-rules reference, section 2) evaluates the time-weighted mean over a rolling window,
requires a minimum of coverage, and raises and clears at different values so that it cannot flap.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from math import inf
from operator import mul
from statistics import median
from typing import Final, Literal

from hubwell.vocabulary import (
    CO2,
    CO2_CLEAR_BELOW_PPM,
    CO2_FRESH_BELOW_PPM,
    HOLD_STEPS,
    LONGEST_HOLD,
    RHYTHM_LEAST_STEPS,
    RHYTHM_NEAR,
    RHYTHM_NEAR_SHARE,
    SLOWEST_JUDGED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingMeanRule:
    """A rolling-mean rule: thresholds in `unit`, and the clause that they come from."""

    id: str
    version: int
    quantity: str
    unit: str
    raise_at: float
    """Raised when the mean is at or above this."""
    clear_below: float
    """Cleared when the mean is below this."""
    window: timedelta
    min_coverage: float
    """Share of the window that readings must cover, 0 to 1."""
    shortest_hold: timedelta
    """A reading is valid until the next one, for at least this long and at most as long as the rhythm of its
    series lets expect (`hold_s`): a gap has no value."""
    longest_hold: timedelta
    """No reading is valid for longer than this."""
    slowest: timedelta
    """A series that measures less often cannot be judged: its window would rest on a single reading."""
    occupied_only: bool
    jurisdiction: str
    legal_status: Literal["law", "standard", "guidance"]
    source: str
    advice: str


CO2_ASR_A3_6: Final = RollingMeanRule(
    id="co2-asr-a3.6",
    version=1,
    quantity=CO2,
    unit="ppm",
    raise_at=CO2_FRESH_BELOW_PPM,
    clear_below=CO2_CLEAR_BELOW_PPM,
    window=timedelta(minutes=15),
    min_coverage=0.75,
    shortest_hold=timedelta(minutes=2),
    longest_hold=LONGEST_HOLD,
    slowest=SLOWEST_JUDGED,
    occupied_only=True,
    jurisdiction="DE",
    legal_status="guidance",
    source="ASR A3.6 (Lüftung) section 4.2, table 1: 1000-2000 ppm, check and improve airing",
    advice="Open two windows for about ten minutes.",
)

STEP: Final = timedelta(minutes=1)
"""Rules are evaluated at whole minutes of the readings' own time."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A rule's input at one instant. `mean` is None where the readings cover too little of the window."""

    at: datetime
    mean: float | None
    coverage: float
    readings: int
    occupied: bool


@dataclass(frozen=True, slots=True)
class HoldInterval:
    """A time in which a rule held. `start` is None if it began before the evaluations, `end` if it lasts."""

    start: Evaluation | None
    end: Evaluation | None
    peak: float
    """Highest mean of the evaluations in it; minus infinity where none has a mean."""


def minutes_between(first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield the whole minutes in [first, last]."""
    moment = first.replace(second=0, microsecond=0)
    if moment < first:
        moment += STEP
    while moment <= last:
        yield moment
        moment += STEP


def rhythm_s(times: Sequence[float]) -> float | None:
    """Return the step of a series in seconds, from the times of some of its readings, in order.

    None if they have no rhythm: fewer than four steps, or less than three quarters of them within a third of
    their median.
    """
    steps = [after - before for before, after in pairwise(times)]
    if len(steps) < RHYTHM_LEAST_STEPS:
        return None
    middle = median(steps)
    near = sum(abs(step - middle) <= middle * RHYTHM_NEAR for step in steps)
    return middle if near >= RHYTHM_NEAR_SHARE * len(steps) else None


def hold_s(rule: RollingMeanRule, step_s: float | None) -> float:
    """Return for how many seconds a reading is valid at most, in a series with this step; None: not known."""
    shortest = rule.shortest_hold.total_seconds()
    if step_s is None or step_s > rule.slowest.total_seconds():
        return shortest
    return min(max(HOLD_STEPS * step_s, shortest), rule.longest_hold.total_seconds())


@dataclass(frozen=True, slots=True)
class Samples:
    """Values in order of time: times in seconds since 1970, values, and how long each may hold, in s.

    `counts` is the number of readings that begin at each time; empty for one at each.
    """

    times: Sequence[float] = ()
    values: Sequence[float] = ()
    holds: Sequence[float] = ()
    counts: Sequence[int] = ()

    @classmethod
    def joined(cls, parts: Sequence["Samples"]) -> "Samples":
        """Join several series: at each moment the mean of the values that are valid then, one of each series.

        So neither the one that measures more often nor the one that measures last weighs more.
        """
        if len(parts) == 1:
            return parts[0]
        changes: dict[float, dict[int, float | None]] = {}
        for number, part in enumerate(parts):
            for time, value, end in zip(part.times, part.values, part.ends, strict=True):
                changes.setdefault(time, {})[number] = value
                changes.setdefault(end, {})[number] = None
        times = sorted(changes)
        steps: list[tuple[float, float, float, int]] = []
        valid: dict[int, float] = {}
        for time, until in pairwise(times):
            begun = 0
            for number, new in changes[time].items():
                valid.pop(number, None)
                if new is not None:
                    valid[number] = new
                    begun += 1
            if valid:
                steps.append((time, sum(valid.values()) / len(valid), until - time, begun))
        return cls(*zip(*steps, strict=True)) if steps else cls()

    @property
    def ends(self) -> list[float]:
        """When each value stops being valid: with the next one, but not later than its hold."""
        following = [*self.times[1:], inf][: len(self.times)]
        return [
            min(time + hold, after)
            for time, after, hold in zip(self.times, following, self.holds, strict=True)
        ]


class RollingMean:
    """The time-weighted mean over a rule's window, for any end of the window within a series of readings.

    A reading is valid until the next one, but not longer than its hold. Cumulative sums make a window cost
    two look-ups, however many readings it has.
    """

    def __init__(self, rule: RollingMeanRule, samples: Samples) -> None:
        """Prepare the sums. Readings must begin window plus hold before the first end that is asked for."""
        self._rule = rule
        self._values = samples.values
        self._times = samples.times
        self._valid_s = [end - time for time, end in zip(self._times, samples.ends, strict=True)]
        self._begun = [0, *accumulate(samples.counts or [1] * len(self._times))]
        self._covered = [0.0, *accumulate(self._valid_s)]
        self._weighted = [0.0, *accumulate(map(mul, self._valid_s, self._values))]

    def at(self, end: datetime) -> tuple[float | None, float, int]:
        """Return (mean, coverage 0..1, readings used); the mean is None where too little is covered."""
        last = end.timestamp()
        first = last - self._rule.window.total_seconds()
        covered_to, weighted_to, index_to = self._until(last)
        covered_from, weighted_from, index_from = self._until(first)
        covered = covered_to - covered_from
        coverage = covered / (last - first)
        # The last reading before the window is used too, if it is still valid when the window begins.
        reaches = index_from >= 0 and self._times[index_from] + self._valid_s[index_from] > first
        used = self._begun[index_to + 1] - self._begun[index_from + 1] + (1 if reaches else 0)
        mean = (weighted_to - weighted_from) / covered if coverage >= self._rule.min_coverage else None
        return mean, coverage, used

    def _until(self, moment: float) -> tuple[float, float, int]:
        """Return (seconds covered, value x seconds, index of the last reading) up to a moment."""
        index = bisect_right(self._times, moment) - 1
        if index < 0:
            return 0.0, 0.0, -1
        valid_s = min(self._valid_s[index], moment - self._times[index])
        return self._covered[index] + valid_s, self._weighted[index] + valid_s * self._values[index], index


def hold_intervals(
    rule: RollingMeanRule, evaluations: Sequence[Evaluation], *, is_open: bool
) -> list[HoldInterval]:
    """Fold evaluations, in order, into the intervals in which the rule holds.

    `is_open`: the rule held before the first of them. Silence neither raises nor clears: an evaluation
    without a mean leaves the state as it is.
    """
    intervals = [HoldInterval(None, None, -inf)] if is_open else []
    for evaluation in evaluations:
        if evaluation.mean is None:
            continue
        may_raise = evaluation.occupied or not rule.occupied_only
        if not is_open:
            if may_raise and evaluation.mean >= rule.raise_at:
                intervals.append(HoldInterval(evaluation, None, evaluation.mean))
                is_open = True
        elif evaluation.mean < rule.clear_below:
            intervals[-1] = replace(intervals[-1], end=evaluation)
            is_open = False
        else:
            intervals[-1] = replace(intervals[-1], peak=max(intervals[-1].peak, evaluation.mean))
    return intervals


def occupied_at(
    presence_times: Sequence[float],
    visits: Sequence[tuple[datetime, datetime | None]],
    at: datetime,
    window: timedelta,
) -> bool:
    """Return whether a sensor reported presence, or a visit was open, in the window that ends at `at`.

    `presence_times` are the times (s since 1970) of positive presence readings, in order.
    """
    start = at - window
    if bisect_right(presence_times, at.timestamp()) > bisect_right(presence_times, start.timestamp()):
        return True
    return any(begin <= at and (end is None or end > start) for begin, end in visits)
