"""How likely it is that nobody came to a booking: a pure function of taps and readings.

Each piece of evidence multiplies the odds by its likelihood ratio. In a quiet room people sit still: a motion
sensor is silent for a quarter of an hour in 15 % of the used ones, so with no tap it never releases a room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from hubwell.vocabulary import LONGEST_HOLD

PRIOR: Final = 0.30
"""The share of bookings to which nobody comes, before there is any evidence."""
THRESHOLD: Final = 0.995
"""A booking is released from this probability on."""
QUARTER: Final = LONGEST_HOLD
SILENT_IF_USED_QUIETLY: Final = 0.15
"""The probability that sensors of people are silent for a first quarter in a room that is used quietly."""
SILENT_IF_USED_LIVELY: Final = 0.02
"""The same of a workshop."""
NO_TAP_IF_USED: Final = 0.25
CO2_AT_FLOOR: Final = 8.0
"""Likelihood ratio of CO2 that has stayed at its floor."""
FURTHER_QUARTERS: Final = (2.0, 1.25)
"""Likelihood ratios of a second and a third silent quarter: a fourth says nothing."""
FLOOR_MARGIN_PPM: Final = 50.0
"""CO2 is at its floor up to this above the lowest hour of the week before."""

Sensed = Literal["silent", "seen", "unknown"]
Reason = Literal["tapped", "seen", "unknown", "not-sure", "nobody-came"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A good reading."""

    time: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """The readings of a sensor up to a moment; after each, the next comes within `holds`."""

    holds: timedelta
    samples: Sequence[Sample]

    def covers(self, start: datetime, end: datetime) -> bool:
        """Return whether the sensor was heard all the time."""
        times = [sample.time for sample in self.samples if sample.time <= end]
        heard = [time for time in times if time > start - self.holds]
        if not heard or heard[0] > start:
            return False
        return all(later - time <= self.holds for time, later in zip(heard, [*heard[1:], end], strict=True))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a space since a booking began. `quarters` are those until its release."""

    is_quiet: bool
    tapped: bool
    people: Sensed
    quarters: int
    co2_at_floor: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether nobody came, why, and the probability of it."""

    reason: Reason
    probability: float

    @property
    def releases(self) -> bool:
        """Whether the booking is released."""
        return self.reason == "nobody-came"


def sensed(series: Sequence[Series], start: datetime, now: datetime) -> Sensed:
    """Return what the sensors of people say of a time; unknown where one was not heard all the time."""
    if any(sample.value > 0 and start <= sample.time <= now for each in series for sample in each.samples):
        return "seen"
    return "silent" if series and all(each.covers(start, now) for each in series) else "unknown"


def is_co2_at_floor(series: Series, floor: float | None, now: datetime) -> bool:
    """Return whether CO2 stayed at its floor in the last quarter; False where that is unknown."""
    start = now - QUARTER
    if floor is None or not series.covers(start, now):
        return False
    return all(sample.value <= floor + FLOOR_MARGIN_PPM for sample in series.samples if sample.time >= start)


def probability_empty(evidence: Evidence) -> float:
    """Return how likely it is that nobody came, from 0 to 1; of what is unknown nothing follows."""
    odds = PRIOR / (1 - PRIOR)
    if not evidence.tapped:
        odds /= NO_TAP_IF_USED
    if evidence.people == "silent" and evidence.quarters:
        odds /= SILENT_IF_USED_QUIETLY if evidence.is_quiet else SILENT_IF_USED_LIVELY
        for ratio in FURTHER_QUARTERS[: evidence.quarters - 1]:
            odds *= ratio
    if evidence.co2_at_floor:
        odds *= CO2_AT_FLOOR
    return odds / (1 + odds)


def judge(evidence: Evidence) -> Judgement:
    """Decide whether a booking is released. A tap keeps it, a person who was seen, and not knowing."""
    if evidence.tapped:
        return Judgement("tapped", 0.0)
    if evidence.people == "seen":
        return Judgement("seen", 0.0)
    probability = probability_empty(evidence)
    if evidence.people == "unknown":
        return Judgement("unknown", probability)
    return Judgement("nobody-came" if probability >= THRESHOLD else "not-sure", probability)
