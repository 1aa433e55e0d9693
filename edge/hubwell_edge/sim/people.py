"""The day of every simulated learner: where they are at each time, and which taps their badges make.

A day follows from the scenario and the date alone. It is planned learner by learner with the remaining room,
so no space is ever over its capacity. Badge numbers are generated here and never leave memory: only the
pseudonym is sent, as with a real reader.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from random import Random
from typing import Final

from hubwell_edge.sim import noise
from hubwell_edge.sim.scenario import Group, Programme, Scenario
from hubwell_wire.pseudonym import EpochKey, pseudonym

EPOCH: Final = 1
"""The key epoch of simulated badges."""
_SHORTEST_STAY_S: Final = 90.0
_MOVES_ON_S: Final = 180.0
"""A person who is in another space within this time went there directly."""
_LINGERS: Final = 0.4
"""Share of people who rest for a while before they go home."""
_DAYS_CACHED: Final = 3


@dataclass(frozen=True, slots=True)
class Stay:
    """One learner in one space, from Unix second `since` to `until`; `last` if they go home afterwards."""

    learner: str
    space: str
    since: float
    until: float
    last: bool = False


@dataclass(frozen=True, slots=True)
class TapTime:
    """A tap of a badge at the reader of a space, at a Unix time in milliseconds."""

    at_ms: int
    space: str
    badge: str


@dataclass(frozen=True, slots=True)
class Day:
    """All stays and taps of the programmes that start on one local date, including those after midnight."""

    stays: tuple[Stay, ...]
    taps: tuple[TapTime, ...]


class _RoomPlan:
    """The planned stays in each space; refuses a stay that would exceed the capacity."""

    def __init__(self, scenario: Scenario) -> None:
        self._capacity = {space.id: space.capacity for space in scenario.spaces}
        self._reserved: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def reserve(self, space: str, since: float, until: float) -> bool:
        present = sum(1 for a, b in self._reserved[space] if a < until and since < b)
        if present >= self._capacity[space]:
            return False
        self._reserved[space].append((since, until))
        return True


def simulated_key(scenario: Scenario) -> EpochKey:
    """Return the key of the scenario's made-up badges."""
    return EpochKey(EPOCH, sha256(f"simulated badge key|{scenario.seed}|{EPOCH}".encode()).digest())


class People:
    """The learners of one scenario. Days are planned once and cached."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._key = simulated_key(scenario)
        self._relax = tuple(space.id for space in scenario.spaces if space.kind == "relaxation")
        self._days: dict[date, Day] = {}

    def day(self, day: date) -> Day:
        """Return the plan of the programmes that start on this local date."""
        if day not in self._days:
            for old in [cached for cached in self._days if abs((cached - day).days) > _DAYS_CACHED]:
                del self._days[old]
            self._days[day] = self._plan(day)
        return self._days[day]

    def _plan(self, day: date) -> Day:
        rooms = _RoomPlan(self._scenario)
        stays: list[Stay] = []
        taps: list[TapTime] = []
        for programme in self._scenario.programmes:
            for group in programme.groups:
                for number in range(group.learners):
                    learner = f"{programme.name}/{group.name}/{number}"
                    rng = noise.generator(self._scenario.seed, "day", day.isoformat(), learner)
                    if rng.random() < self._scenario.people.absent:
                        continue
                    walk = self._walk(programme, group, learner, day, rng, rooms)
                    stays += walk
                    taps += self._taps(walk, rng)
        stays.sort(key=lambda stay: (stay.since, stay.learner))
        taps.sort(key=lambda tap: (tap.at_ms, tap.badge))
        return Day(tuple(stays), tuple(taps))

    def _walk(
        self, programme: Programme, group: Group, learner: str, day: date, rng: Random, rooms: _RoomPlan
    ) -> list[Stay]:
        """Return the stays of one learner in order, without those for which there was no room."""
        starts = datetime.combine(day, programme.starts, tzinfo=self._scenario.zone).timestamp()
        cycle = 60.0 * (programme.block_min + programme.break_min)
        walk: list[Stay] = []
        for block, place in enumerate(group.places):
            begins = starts + block * cycle
            ends = begins + 60 * programme.block_min
            final = block == len(group.places) - 1
            arrive = begins + 60 * rng.uniform(0.2, 7.0 if block == 0 else 3.0)
            leave = ends - 60 * rng.uniform(0.5, 5.0) if final else ends + 60 * rng.uniform(0, 1.5)
            parts = self._block(place, arrive, leave, rng)
            if final:
                parts += self._after(leave, rng)
            else:
                onward = ends + 60 * (programme.break_min - rng.uniform(0.5, 2.0))
                parts += self._break(place, leave, onward, rng)
            walk += [
                Stay(learner, space, since, until)
                for space, since, until in parts
                if until - since >= _SHORTEST_STAY_S and rooms.reserve(space, since, until)
            ]
        return _join(walk)

    def _block(self, place: str, arrive: float, leave: float, rng: Random) -> list[tuple[str, float, float]]:
        away = arrive + (leave - arrive) * rng.uniform(0.2, 0.7)
        back = away + 60 * rng.uniform(8, 20)
        wanders = rng.random() < self._scenario.people.wander
        if not wanders or not self._relax or back > leave - 240:
            return [(place, arrive, leave)]
        return [(place, arrive, away), (rng.choice(self._relax), away + 40, back), (place, back + 40, leave)]

    def _break(self, place: str, since: float, until: float, rng: Random) -> list[tuple[str, float, float]]:
        habit = rng.random()
        if habit < self._scenario.people.rest and self._relax:
            return [(rng.choice(self._relax), since + 60 * rng.uniform(0.5, 1.5), until)]
        if habit < self._scenario.people.rest + self._scenario.people.outside:
            return []
        return [(place, since, until)]

    def _after(self, leave: float, rng: Random) -> list[tuple[str, float, float]]:
        if rng.random() > _LINGERS or not self._relax:
            return []
        since = leave + 60 * rng.uniform(0.5, 1.5)
        return [(rng.choice(self._relax), since, since + 60 * rng.uniform(4, 18))]

    def _taps(self, walk: list[Stay], rng: Random) -> Iterator[TapTime]:
        """Yield the taps of one learner's day.

        A learner who moves on to another space taps there and not on leaving; before a break outside they tap
        out; the last tap of the day is the one that is sometimes forgotten.
        """
        if not walk or not self._has_badge(walk[0].learner):
            return
        badge = pseudonym(self._uid(walk[0].learner), self._key)
        for stay, following in zip(walk, [*walk[1:], None], strict=True):
            yield TapTime(_tap_ms(stay.since + rng.uniform(1, 6), rng), stay.space, badge)
            if following and following.space != stay.space and following.since - stay.until < _MOVES_ON_S:
                continue
            if stay.last and rng.random() < self._scenario.people.forgets:
                continue
            yield TapTime(_tap_ms(stay.until - rng.uniform(1, 6), rng), stay.space, badge)

    def _has_badge(self, learner: str) -> bool:
        key = noise.stream(self._scenario.seed, "badge", learner)
        return noise.uniform(key, 0) < self._scenario.people.badge

    def _uid(self, learner: str) -> bytes:
        # Seven bytes that begin with the manufacturer's code 0x04, as on a real card.
        return b"\x04" + sha256(f"{self._scenario.seed}|uid|{learner}".encode()).digest()[:6]

    def changes(
        self, space: str, first: float, end: float, days: tuple[date, ...]
    ) -> list[tuple[float, int]]:
        """Return the arrivals (+1) and departures (-1) in a space on the given days, by Unix second, sorted.

        The first entry is the number of people present at `first`.
        """
        present = 0
        changes: list[tuple[float, int]] = []
        for stay in (stay for day in days for stay in self.day(day).stays if stay.space == space):
            if stay.until <= first or stay.since >= end:
                continue
            if stay.since <= first:
                present += 1
            else:
                changes.append((stay.since, 1))
            changes.append((stay.until, -1))
        return [(first, present), *sorted(changes)]

    def taps(self, space: str, first: float, end: float, days: tuple[date, ...]) -> list[TapTime]:
        """Return the taps in a space in [first, end), in order, no two in the same millisecond."""
        taps = [tap for day in days for tap in self.day(day).taps if tap.space == space]
        ordered: list[TapTime] = []
        for tap in sorted(taps, key=lambda tap: (tap.at_ms, tap.badge)):
            if not first * 1000 <= tap.at_ms < end * 1000:
                continue
            at_ms = max(tap.at_ms, ordered[-1].at_ms + 1) if ordered else tap.at_ms
            ordered.append(TapTime(at_ms, tap.space, tap.badge))
        return ordered


def _tap_ms(seconds: float, rng: Random) -> int:
    """Return a time in milliseconds that never falls on a whole second, when readings are taken."""
    return int(seconds) * 1000 + rng.randint(50, 900)


def _join(walk: list[Stay]) -> list[Stay]:
    """Join stays that follow each other in one space, and mark the last one."""
    joined: list[Stay] = []
    for stay in walk:
        before = joined[-1] if joined else None
        if before and before.space == stay.space and stay.since - before.until < _SHORTEST_STAY_S * 2:
            joined[-1] = Stay(stay.learner, stay.space, before.since, stay.until)
        else:
            joined.append(stay)
    if joined:
        final = joined[-1]
        joined[-1] = Stay(final.learner, final.space, final.since, final.until, last=True)
    return joined
