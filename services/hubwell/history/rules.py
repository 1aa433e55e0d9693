"""Stretches of time, and hours of use in steps of five minutes. Pure functions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from hubwell.vocabulary import ROLLUP_STEP

HOUR: Final = timedelta(hours=1)
STEPS_OF_HOUR: Final = HOUR // ROLLUP_STEP


class Stretch(NamedTuple):
    """What all series of a quantity have in a stretch of time; without good readings (`n`) those in doubt."""

    start: datetime
    n: int
    mean: float
    low: float
    high: float

    @property
    def doubtful(self) -> bool:
        """Whether every reading is in doubt."""
        return not self.n


class UseHour(NamedTuple):
    """An hour of a space: bit masks of steps that are known, and of those in which people were seen."""

    start: datetime
    known: int
    used: int


@dataclass(slots=True)
class Tally:
    """Steps of five minutes that were used, free and not known."""

    used: int = 0
    free: int = 0
    unknown: int = 0

    def add(self, known: int, used: int, of: int = STEPS_OF_HOUR) -> None:
        """Add an hour, or a part of one of `of` steps, by its masks."""
        self.used += used.bit_count()
        self.free += (known & ~used).bit_count()
        self.unknown += max(of - known.bit_count(), 0)

    @property
    def share(self) -> float | None:
        """The share of the known time that was used; None where nothing is known."""
        known_steps = self.used + self.free
        return self.used / known_steps if known_steps else None
