"""Fold one person's taps into visits: a pure function of the taps, so their order of arrival cannot matter.

A tap opens a visit, a second one at the same space ends it, one at another space moves the person. Visits
without an end are ended at the closing time, or after `LONGEST_VISIT`, and are marked as inferred. Closing
time only estimates when the person left: until `LONGEST_VISIT` a tap at the same space is them leaving late.
A check-in at the desk and a correction by the person ("I left at 14:20") are taps too, with an intent.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from hubwell.events import CheckedIn, CheckedOut, InferredOut, Moved, Movement, VisitsChanged
from hubwell.presence.closing_hours import Hours
from hubwell.vocabulary import LONGEST_VISIT

DEBOUNCE: Final = timedelta(seconds=5)
"""A second tap at the same space within this time is the same gesture."""
APART: Final = timedelta(seconds=10)
"""The shortest time between two spaces: the later of two closer taps is doubtful and no move."""

End = Literal["tap", "moved", "inferred", "corrected"]
Intent = Literal["toggle", "in", "out"]
Source = Literal["reader", "desk", "self"]
Effect = Literal["in", "out", "moved", "again", "full", "doubtful"]
"""What a tap did. `again`: nothing, as part of a gesture; `full`: turned away; `doubtful`: see `APART`."""
CredentialStatus = Literal["valid", "revoked", "not-yet"]


@dataclass(frozen=True, slots=True, order=True)
class TapAt:
    """A tap: when, in which space, what it is meant to do.

    `full`: it changes nothing, as the person was turned away at the door or the tap is a copy.
    """

    time: datetime
    space_id: str
    intent: Intent = "toggle"
    source: Source = "reader"
    full: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay in one space. `end` is None while it lasts."""

    space_id: str
    start: datetime
    end: datetime | None
    ended_by: End | None


@dataclass(frozen=True, slots=True)
class Folded:
    """What the taps make: the visits in order, what each tap did, and where a doubtful tap's person was."""

    visits: list[Visit]
    effects: dict[TapAt, Effect]
    elsewhere: dict[TapAt, str]


def fold_taps(taps: Iterable[TapAt], now: datetime, hours: Hours) -> Folded:
    """Return what these taps of one person make, as of `now`."""
    stay = VisitFold(hours)
    for tap in sorted(set(taps)):
        stay.take(tap)
    stay.finish(now)
    return Folded([v for v in stay.visits if v.end is None or v.end > v.start], stay.effects, stay.elsewhere)


def forgotten_at(space_id: str, start: datetime, hours: Hours) -> datetime:
    """Return when a visit without an end is ended."""
    return min(hours.closing_after(space_id, start), start + LONGEST_VISIT)


def movements(before: Iterable[Visit], after: Iterable[Visit]) -> list[Movement | VisitsChanged]:
    """Return how a person's visits differ now from what was stored, as facts in order of time.

    Every space with a changed visit is in a fact.
    """
    stored = {(visit.space_id, visit.start): visit for visit in before}
    visits = list(after)
    new_visits = [visit for visit in visits if (visit.space_id, visit.start) not in stored]
    came_from = {visit.end: visit.space_id for visit in visits if visit.ended_by == "moved"}
    facts = [_beginning(visit, came_from.get(visit.start)) for visit in new_visits]
    other = {space for space, start in stored.keys() - {(visit.space_id, visit.start) for visit in visits}}
    for visit in visits:
        old = stored.get((visit.space_id, visit.start))
        if old == visit or (old is None and visit.end is None):
            continue
        end = _ending(visit)
        if end is not None:
            facts.append(end)
        elif visit.end not in {later.start for later in new_visits}:  # else `Moved` names its space
            other.add(visit.space_id)
    facts.sort(key=lambda fact: fact.at)
    return [*facts, VisitsChanged(space_ids=tuple(sorted(other)))] if other else [*facts]


def _beginning(visit: Visit, came_from: str | None) -> Movement:
    if came_from is None:
        return CheckedIn(space_id=visit.space_id, at=visit.start)
    return Moved(from_space_id=came_from, space_id=visit.space_id, at=visit.start)


def _ending(visit: Visit) -> Movement | None:
    if visit.end is None or visit.ended_by == "moved":
        return None
    kind = InferredOut if visit.ended_by == "inferred" else CheckedOut
    return kind(space_id=visit.space_id, at=visit.end)


def credential_status(since: datetime | None, until: datetime | None, at: datetime) -> CredentialStatus:
    """Return the status of a credential at the time of a tap; None is an open bound."""
    if until is not None and at >= until:
        return "revoked"
    return "valid" if since is None or at >= since else "not-yet"


@dataclass(slots=True)
class VisitFold:
    """The person on the way through their taps. `here` is the tap that opened the visit they are in."""

    hours: Hours
    here: TapAt | None = None
    seen: dict[str, datetime] = field(default_factory=dict)
    """Space -> its latest tap at a reader, of those that are not doubtful."""
    visits: list[Visit] = field(default_factory=list)
    effects: dict[TapAt, Effect] = field(default_factory=dict)
    elsewhere: dict[TapAt, str] = field(default_factory=dict)

    def take(self, tap: TapAt) -> None:
        """Let one tap happen, in the order of time."""
        self.effects[tap] = effect = self._turned_away(tap) or self._step(tap)
        if tap.source == "reader" and effect not in {"full", "doubtful"}:
            self.seen[tap.space_id] = tap.time

    def finish(self, now: datetime) -> None:
        """End an open visit whose closing time has passed."""
        if self.here is not None and forgotten_at(self.here.space_id, self.here.time, self.hours) < now:
            self._forget(self.here)
        elif self.here is not None:
            self.visits.append(Visit(self.here.space_id, self.here.time, None, None))

    def _turned_away(self, tap: TapAt) -> Effect | None:
        """Return the effect of a tap that changes nothing in any state."""
        if tap.full:
            return "full"
        if tap.source != "reader":
            return None
        near = [
            (t, space) for space, t in self.seen.items() if tap.time - t < APART and space != tap.space_id
        ]
        if near:
            self.elsewhere[tap] = max(near)[1]
            return "doubtful"
        before = self.seen.get(tap.space_id)
        return "again" if before is not None and tap.time - before < DEBOUNCE else None

    def _step(self, tap: TapAt) -> Effect:
        here = self.here
        if here is not None and tap.time > self._stays_until(here, tap):
            self._forget(here)
            here = None
        if here is None:
            return self._enter(tap, "in")
        if tap.space_id != here.space_id:
            if tap.intent != "out":
                self.visits.append(Visit(here.space_id, here.time, tap.time, "moved"))
            return self._enter(tap, "moved")
        if tap.intent == "in":
            return "again"
        ended_by: End = "corrected" if tap.source == "self" else "tap"
        self.visits.append(Visit(here.space_id, here.time, tap.time, ended_by))
        self.here = None
        return "out"

    def _enter(self, tap: TapAt, effect: Effect) -> Effect:
        if tap.intent == "out":
            return "again"  # out of a space in which the person is not
        self.here = tap
        return effect

    def _forget(self, here: TapAt) -> None:
        self.visits.append(
            Visit(here.space_id, here.time, forgotten_at(here.space_id, here.time, self.hours), "inferred")
        )
        self.here = None

    def _stays_until(self, here: TapAt, tap: TapAt) -> datetime:
        """Return until when a tap can still find the person where they were."""
        if tap.space_id == here.space_id and tap.intent != "in":
            return here.time + LONGEST_VISIT
        return forgotten_at(here.space_id, here.time, self.hours)
