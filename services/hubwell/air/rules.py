"""Judge readings against a rule: pure functions with the time passed in.

A rule of class R (osh-rules reference, section 2) looks at the time-weighted mean over a rolling window,
needs a minimum of coverage, and raises and clears at different values so that it cannot flap.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Final, Literal


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
    quantity="co2",
    unit="ppm",
    raise_at=1000.0,
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
class Sample:
    """One reading: time and value."""

    time: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says at one instant. `mean` is None where the readings cover too little to say."""

    at: datetime
    mean: float | None
    coverage: float
    readings: int
    occupied: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a rule held. Without `start` it held before the first verdict, without `end` it still does."""

    start: Verdict | None
    end: Verdict | None
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


def rolling_mean(
    rule: RollingMeanRule, samples: Sequence[Sample], at: datetime
) -> tuple[float | None, float, int]:
    """Return (time-weighted mean over the window that ends at `at`, coverage 0..1, readings used).

    `samples` are in order of time and begin at least one `longest_hold` before the window.
    """
    start = at - rule.window
    weighted = covered = 0.0
    used = 0
    end = bisect_right(samples, at, key=lambda sample: sample.time)
    for index in range(end - 1, -1, -1):
        sample = samples[index]
        if sample.time <= start - rule.longest_hold:
            break
        until = samples[index + 1].time if index + 1 < end else at
        until = min(until, sample.time + rule.longest_hold)
        seconds = (until - max(sample.time, start)).total_seconds()
        if seconds > 0:
            weighted += sample.value * seconds
            covered += seconds
            used += 1
    coverage = covered / rule.window.total_seconds()
    return (weighted / covered if coverage >= rule.min_coverage else None), coverage, used


def stretches(rule: RollingMeanRule, verdicts: Sequence[Verdict], *, is_open: bool) -> list[Stretch]:
    """Fold verdicts, in order, into the stretches in which the rule holds.

    Silence neither raises nor clears: where the mean is unknown the state stays as it is.
    """
    found = [Stretch(None, None, -inf)] if is_open else []
    for verdict in verdicts:
        if verdict.mean is None:
            continue
        counts = verdict.occupied or not rule.occupied_only
        if not is_open:
            if counts and verdict.mean >= rule.raise_at:
                found.append(Stretch(verdict, None, verdict.mean))
                is_open = True
        elif verdict.mean < rule.clear_below:
            found[-1] = replace(found[-1], end=verdict)
            is_open = False
        else:
            found[-1] = replace(found[-1], peak=max(found[-1].peak, verdict.mean))
    return found


def occupied_at(
    presence: Sequence[Sample],
    visits: Sequence[tuple[datetime, datetime | None]],
    at: datetime,
    window: timedelta,
) -> bool:
    """Tell whether anybody was seen or tapped in during the window that ends at `at`."""
    start = at - window
    if any(begin <= at and (end is None or end > start) for begin, end in visits):
        return True
    first = bisect_right(presence, start, key=lambda sample: sample.time)
    last = bisect_right(presence, at, key=lambda sample: sample.time)
    return any(sample.value > 0 for sample in presence[first:last])
