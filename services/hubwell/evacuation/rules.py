"""Reconcile badges and sensors of a space, and tally the list. Pure functions; time is passed in.

Badges identify the people who tapped in, but not all people present; sensors measure how many or whether
people are present, but not who. Differences are reported, never evened out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hubwell.vocabulary import HEADCOUNT, STALE_AFTER


class Provenance(StrEnum):
    """The source of a value."""

    MEASURED = "measured"
    INFERRED = "inferred"
    """A sensor's estimate."""
    IN_DOUBT = "in-doubt"
    """The newest value cannot be right: it never shows that nobody is there, nor how many people are."""
    STALE = "stale"
    """The newest value is older than STALE_AFTER."""
    MISSING = "missing"
    """The space has no sensor of people."""


@dataclass(frozen=True, slots=True)
class SensorValue:
    """The newest value of a series of presence or headcount, with its quality."""

    series: str
    time: datetime
    value: float
    inferred: bool = False
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class Sensed:
    """Summary of a space's sensors: whether people are present, and how many. None: no current value."""

    provenance: Provenance
    somebody: bool | None = None
    people: int | None = None
    at: datetime | None = None
    """Time of the value that decided; None if there never was one."""
    left: bool = False
    """No person was sensed for `NOBODY_SENSED_AFTER`, and none has tapped in since."""


class Finding(StrEnum):
    """Conclusion from badges and sensors together."""

    AGREES = "agrees"
    MORE_SENSED = "more-sensed"
    """The headcount is above the number of badges: some people have no badge."""
    FEWER_SENSED = "fewer-sensed"
    """The headcount is below the number of badges: people left without a tap, or are not sensed."""
    SOMEBODY = "somebody"
    """Badges, and a sensor of presence that does not count."""
    WITHOUT_TAP = "without-tap"
    """People are sensed, but there is no badge."""
    NOBODY_SENSED = "nobody-sensed"
    """Badges, but no people were sensed for `NOBODY_SENSED_AFTER`: check-outs are missing."""
    NOT_SENSED_NOW = "not-sensed-now"
    """Badges, but no people are sensed at the moment: they may sit still, or have just left."""
    EMPTY = "empty"
    """No badge, and no people are sensed."""
    NOT_KNOWN = "not-known"
    """No current value of a sensor; there may be people without a badge."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The badges and sensors of one space with the conclusion."""

    badges: int
    sensed: Sensed
    finding: Finding

    @property
    def without_badge(self) -> int:
        """Least number of people without a badge that follows from the sensors."""
        if self.finding not in {Finding.MORE_SENSED, Finding.WITHOUT_TAP}:
            return 0
        return max(1, (self.sensed.people or 0) - self.badges)


def sensed(values: Iterable[SensorValue], now: datetime, *, left: bool = False) -> Sensed:
    """Summarise the newest values of a space's sensors. A headcount takes precedence over presence.

    `left` is the database's answer to whether open visits there are forgotten check-outs (`nobody_sensed`).

    Of several headcounts the highest is used: in an evacuation, searching for one person too many is better
    than for one too few.
    """
    newest = list(values)
    if not newest:
        return Sensed(Provenance.MISSING)
    fresh = [value for value in newest if abs(now - value.time) < STALE_AFTER]
    if not fresh:
        return Sensed(Provenance.STALE, at=max(value.time for value in newest))
    good = [value for value in fresh if not value.suspect]
    if not good:
        # On the safe side: a positive value is a reason to look, a zero is no reason not to.
        positive = any(value.value > 0 for value in fresh) or None
        return Sensed(Provenance.IN_DOUBT, positive, at=max(value.time for value in fresh))
    counts = [value for value in good if _counts_people(value.series)]
    deciding = max(counts or good, key=lambda value: (value.value, value.time))
    return Sensed(
        Provenance.INFERRED if deciding.inferred else Provenance.MEASURED,
        somebody=any(value.value > 0 for value in good),
        people=max(0, round(deciding.value)) if counts else None,
        at=deciding.time,
        left=left,
    )


def reconcile(badges: int, sensors: Sensed) -> Reconciled:
    """Compare the number of badges in a space with its sensors."""
    return Reconciled(badges, sensors, _finding(badges, sensors))


def _finding(badges: int, sensors: Sensed) -> Finding:
    if sensors.somebody is None:
        return Finding.NOT_KNOWN
    if not sensors.somebody:
        if not badges:
            return Finding.EMPTY
        return Finding.NOBODY_SENSED if sensors.left else Finding.NOT_SENSED_NOW
    if sensors.people:
        if sensors.people > badges:
            return Finding.MORE_SENSED if badges else Finding.WITHOUT_TAP
        return Finding.AGREES if sensors.people == badges else Finding.FEWER_SENSED
    return Finding.SOMEBODY if badges else Finding.WITHOUT_TAP


def _counts_people(series: str) -> bool:
    return series == HEADCOUNT or series.endswith(f"/{HEADCOUNT}")


class State(StrEnum):
    """The state of a person on the list, as set by the officers."""

    EXPECTED = "expected"
    SAFE = "safe"
    MISSING = "missing"
    """Searched for and not found."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One person of the list as the report counts it, without any identification."""

    zone: str
    state: State
    changed_at: datetime | None
    tapped_out: bool
    late: bool
    """Tapped in after the muster was opened."""
    is_visitor: bool = False
    """Entered by an officer."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the people of a zone or of the whole hub, by state."""

    people: int
    safe: int
    missing: int
    expected: int
    tapped_out: int
    late: int
    visitors: int
    first_tick_s: int | None
    """Seconds from the opening until the first person was ticked off; None if there is none yet."""
    last_tick_s: int | None


def tally(ticks: Sequence[Tick], opened_at: datetime) -> Tally:
    """Count people of the list by state; `opened_at` is when the muster was opened."""
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
        visitors=sum(tick.is_visitor for tick in ticks),
        first_tick_s=min(times, default=None),
        last_tick_s=max(times, default=None),
    )
