"""What is known of the people in a space: badges held against sensors. Pure functions, time passed in.

A badge says who tapped in, never that nobody else is there; a sensor says how many or whether, never who.
Where they differ the difference is told, and nothing is made to fit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hubwell.vocabulary import HEADCOUNT, STALE_AFTER


class Provenance(StrEnum):
    """Where a statement comes from."""

    MEASURED = "measured"
    INFERRED = "inferred"
    """A sensor's estimate, or a value that it doubts itself."""
    STALE = "stale"
    """There was a value, but it is too old to count."""
    MISSING = "missing"
    """No sensor there tells."""


@dataclass(frozen=True, slots=True)
class SensorValue:
    """The newest value of a series that tells of people. `doubtful`: inferred or suspect."""

    series: str
    time: datetime
    value: float
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Sensed:
    """What the sensors of a space say. Without a word of them `somebody` and `people` are None."""

    provenance: Provenance
    somebody: bool | None = None
    people: int | None = None
    at: datetime | None = None
    """Of the newest value; None where there never was one."""


class Finding(StrEnum):
    """What badges and sensors say together."""

    AGREES = "agrees"
    MORE_SENSED = "more-sensed"
    """The headcount is above the badges: some people have none."""
    FEWER_SENSED = "fewer-sensed"
    """The headcount is below the badges: some left without a tap, or the sensor does not see them."""
    SOMEBODY = "somebody"
    """Badges, and a sensor that says yes: how many it cannot tell."""
    WITHOUT_TAP = "without-tap"
    """Somebody is sensed where nobody has tapped in."""
    NOBODY_SENSED = "nobody-sensed"
    """Badges, but the sensor sees nobody."""
    EMPTY = "empty"
    """No badge, and a sensor that says nobody."""
    NOT_KNOWN = "not-known"
    """No sensor tells: there may be people without a badge."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Badges and sensors of one space, held against each other."""

    badges: int
    sensed: Sensed
    finding: Finding

    @property
    def without_badge(self) -> int:
        """Return how many people are there at least without a badge, as far as sensors tell."""
        if self.finding not in {Finding.MORE_SENSED, Finding.WITHOUT_TAP}:
            return 0
        return max(1, (self.sensed.people or 0) - self.badges)


def sensed(values: Iterable[SensorValue], now: datetime) -> Sensed:
    """Sum up the newest values of a space's sensors. A headcount says more than a yes or no.

    Of several counters the highest counts: in an evacuation one person too many is looked for, never one
    too few.
    """
    known = list(values)
    if not known:
        return Sensed(Provenance.MISSING)
    fresh = [value for value in known if abs(now - value.time) < STALE_AFTER]
    if not fresh:
        return Sensed(Provenance.STALE, at=max(value.time for value in known))
    counts = [value for value in fresh if _counts_people(value.series)]
    telling = max(counts or fresh, key=lambda value: (value.value, value.time))
    return Sensed(
        Provenance.INFERRED if telling.doubtful else Provenance.MEASURED,
        somebody=any(value.value > 0 for value in fresh),
        people=max(0, round(telling.value)) if counts else None,
        at=telling.time,
    )


def reconcile(badges: int, seen: Sensed) -> Reconciled:
    """Hold the number of badges in a space against its sensors."""
    return Reconciled(badges, seen, _finding(badges, seen))


def _finding(badges: int, seen: Sensed) -> Finding:
    if seen.somebody is None:
        return Finding.NOT_KNOWN
    if not seen.somebody:
        return Finding.NOBODY_SENSED if badges else Finding.EMPTY
    if seen.people:
        if seen.people > badges:
            return Finding.MORE_SENSED if badges else Finding.WITHOUT_TAP
        return Finding.AGREES if seen.people == badges else Finding.FEWER_SENSED
    return Finding.SOMEBODY if badges else Finding.WITHOUT_TAP


def _counts_people(series: str) -> bool:
    return series == HEADCOUNT or series.endswith(f"/{HEADCOUNT}")


class State(StrEnum):
    """What the officers know of a person on the list."""

    EXPECTED = "expected"
    SAFE = "safe"
    MISSING = "missing"
    """Looked for and not found."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One person of a zone, as the report needs it: no name and no number."""

    zone: str
    state: State
    changed_at: datetime | None
    tapped_out: bool
    late: bool
    """Tapped in after the muster was opened."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a group has come: a zone, or all of the hub."""

    people: int
    safe: int
    missing: int
    expected: int
    tapped_out: int
    late: int
    first_tick_s: int | None
    """Seconds from the opening to the first person found safe or missing; None before it."""
    last_tick_s: int | None


def tally(ticks: Sequence[Tick], opened_at: datetime) -> Tally:
    """Count a group of people on the list."""
    times = [
        max(0, round((tick.changed_at - opened_at).total_seconds()))
        for tick in ticks
        if tick.changed_at is not None and tick.state is not State.EXPECTED
    ]
    states = [tick.state for tick in ticks]
    return Tally(
        people=len(ticks),
        safe=states.count(State.SAFE),
        missing=states.count(State.MISSING),
        expected=states.count(State.EXPECTED),
        tapped_out=sum(tick.tapped_out for tick in ticks),
        late=sum(tick.late for tick in ticks),
        first_tick_s=min(times, default=None),
        last_tick_s=max(times, default=None),
    )
