"""Judge readings against a rule: pure functions with the time passed in.

A rule of class R (osh-rules reference, section 2) looks at the time-weighted mean over a rolling window,
needs a minimum of coverage, and raises and clears at different values so that it cannot flap.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from math import inf
from operator import mul
from typing import Final, Literal

from hubwell.vocabulary import CO2, CO2_FRESH_BELOW_PPM


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingMeanRule:
    """A rolling-mean rule as data: thresholds in `unit`, with the clause that they come from."""

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
    """Share of the window that readings must cover."""
    longest_hold: timedelta
    """A reading counts until the next one, but not longer than this: a gap is never a value."""
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
    clear_below=900.0,
    window=timedelta(minutes=15),
    min_coverage=0.75,
    longest_hold=timedelta(minutes=2),
    occupied_only=True,
    jurisdiction="DE",
    legal_status="guidance",
    source="ASR A3.6 (Lüftung) section 4.2, table 1: 1000-2000 ppm, check and improve airing",
    advice="Open two windows for about ten minutes.",
)

STEP: Final = timedelta(minutes=1)
"""The rule is judged at whole minutes of the readings' own time."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a rule says at one instant. `mean` is None where the readings cover too little to say."""

    at: datetime
    mean: float | None
    coverage: float
    readings: int
    occupied: bool


@dataclass(frozen=True, slots=True)
class HoldInterval:
    """A time in which a rule held: without `start` since before the first verdict, without `end` still."""

    start: Evaluation | None
    end: Evaluation | None
    peak: float
    """Highest mean of the verdicts in it; minus infinity where none could say."""


def minutes_between(first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield the whole minutes in [first, last]."""
    moment = first.replace(second=0, microsecond=0)
    if moment < first:
        moment += STEP
    while moment <= last:
        yield moment
        moment += STEP


class RollingMean:
    """The time-weighted mean of a rule's window, for any end within a run of samples.

    A reading holds until the next one, but not longer than `longest_hold`. Sums are kept from the first
    sample on, so that a window costs two look-ups however many readings it holds.
    """

    def __init__(self, rule: RollingMeanRule, times: Sequence[float], values: Sequence[float]) -> None:
        """Take readings in order of time (s since 1970) that begin at least one hold before a window."""
        self._rule = rule
        self._values = values
        self._times = times
        hold = rule.longest_hold.total_seconds()
        following = [*self._times[1:], inf]
        self._held = [min(hold, after - time) for time, after in zip(self._times, following, strict=False)]
        self._covered = [0.0, *accumulate(self._held)]
        self._weighted = [0.0, *accumulate(map(mul, self._held, self._values))]

    def at(self, end: datetime) -> tuple[float | None, float, int]:
        """Return (mean or None where too little is covered, coverage 0..1, readings that reach into it)."""
        last = end.timestamp()
        first = last - self._rule.window.total_seconds()
        covered_to, weighted_to, index_to = self._until(last)
        covered_from, weighted_from, index_from = self._until(first)
        covered = covered_to - covered_from
        coverage = covered / (last - first)
        # The last reading before the window counts where it still holds when the window begins.
        reaches = index_from >= 0 and self._times[index_from] + self._held[index_from] > first
        used = index_to - index_from + (1 if reaches else 0)
        mean = (weighted_to - weighted_from) / covered if coverage >= self._rule.min_coverage else None
        return mean, coverage, used

    def _until(self, moment: float) -> tuple[float, float, int]:
        """Return (seconds covered, value x seconds, index of the last sample) from the start to a moment."""
        index = bisect_right(self._times, moment) - 1
        if index < 0:
            return 0.0, 0.0, -1
        held = min(self._held[index], moment - self._times[index])
        return self._covered[index] + held, self._weighted[index] + held * self._values[index], index


def hold_intervals(
    rule: RollingMeanRule, verdicts: Sequence[Evaluation], *, is_open: bool
) -> list[HoldInterval]:
    """Fold verdicts, in order, into the stretches in which the rule holds.

    Silence neither raises nor clears: where the mean is unknown the state stays as it is.
    """
    found = [HoldInterval(None, None, -inf)] if is_open else []
    for verdict in verdicts:
        if verdict.mean is None:
            continue
        counts = verdict.occupied or not rule.occupied_only
        if not is_open:
            if counts and verdict.mean >= rule.raise_at:
                found.append(HoldInterval(verdict, None, verdict.mean))
                is_open = True
        elif verdict.mean < rule.clear_below:
            found[-1] = replace(found[-1], end=verdict)
            is_open = False
        else:
            found[-1] = replace(found[-1], peak=max(found[-1].peak, verdict.mean))
    return found


def occupied_at(
    seen: Sequence[float],
    visits: Sequence[tuple[datetime, datetime | None]],
    at: datetime,
    window: timedelta,
) -> bool:
    """Tell whether anybody was seen or tapped in during the window that ends at `at`.

    `seen` are the times (s since 1970), in order, at which a presence sensor said yes.
    """
    start = at - window
    if bisect_right(seen, at.timestamp()) > bisect_right(seen, start.timestamp()):
        return True
    return any(begin <= at and (end is None or end > start) for begin, end in visits)
