"""The devices of a simulated hub, and the observations that each of them makes over time.

`room` provides the true values, `faults` the errors; the result is each device's observations in order of hub
time. The cursor is the hub time of the last observation, so a restart continues right after it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from heapq import merge
from itertools import chain
from typing import Final

from hubwell_edge.sim.faults import FaultKind, SimulatedFault
from hubwell_edge.sim.people import EPOCH, People
from hubwell_edge.sim.room import Room, Sample, utc
from hubwell_edge.sim.scenario import PARTS, SERIES, Scenario, readings
from hubwell_edge.sim.weather import Sky
from hubwell_edge.sources.observation import Observation
from hubwell_wire.messages import FaultData, ReaderMeta, Reading, TapData

DOOR: Final = ReaderMeta(name="door", driver="simulated")
"""The badge reader of every simulated device. No person is in front of it, so it shows no answers."""
_DECIMALS: Final = (0, 1, 1, 1, 0, 0)
"""Decimal places of the values in the order of SERIES."""


@dataclass(frozen=True, slots=True)
class TimedObservation:
    """One observation with its true hub time in Unix milliseconds; its own time may be wrong."""

    at_ms: int
    observation: Observation


class Device:
    """One simulated device: a room's sensors and badge reader, with the faults ordered for it."""

    def __init__(self, room: Room, faults: Iterable[SimulatedFault] = ()) -> None:
        self.room = room
        self.name = room.space.device
        self._faults = tuple(fault for fault in faults if fault.device == self.name)
        self._zone = room.scenario.zone
        self._first_of = lru_cache(maxsize=16)(room.sample)

    def connected(self, at: float) -> bool:
        """Return whether the device has its network at Unix second `at`."""
        return not self._active("network-gone", at)

    def timeline(self, after_ms: int, *, measure_after_ms: int | None = None) -> Iterator[TimedObservation]:
        """Yield the device's observations after a Unix millisecond, in order of hub time and without end.

        With `measure_after_ms` the sensors start only then, while taps start from `after_ms`. No two
        observations share a millisecond: taps avoid whole seconds, and fault reports come just before a tick.
        """
        sensing_ms = after_ms if measure_after_ms is None else max(after_ms, measure_after_ms)
        day = self.room.date_of(after_ms / 1000)
        while True:
            taps = (self._tap(tap.at_ms, tap.badge) for tap in self.room.taps(day) if tap.at_ms > after_ms)
            if sensing_ms < self.room.midnight(day + timedelta(days=1)) * 1000:
                measured = chain.from_iterable(
                    map(self._tick, self.room.samples(day, sensing_ms // 1000 + 1))
                )
                new = (timed for timed in measured if timed.at_ms > sensing_ms)
                yield from merge(new, taps, key=lambda timed: timed.at_ms)
            else:
                yield from taps
            day += timedelta(days=1)

    def _tick(self, sample: Sample) -> list[TimedObservation]:
        at_ms = sample.at * 1000
        if not self._faults:
            return [self._timed(at_ms, measured=readings(sample.values))]
        reports = self._reports(sample.at)
        timeline = [self._timed(at_ms - len(PARTS) + n, event=report) for n, report in enumerate(reports)]
        silent = self._active("silent", sample.at)
        measured = tuple(
            reading
            for reading in readings(self._measured(sample))
            if not any(fault.concerns(reading.s) for fault, _ in silent)
        )
        if measured:
            timeline.append(self._timed(at_ms, measured=measured))
        return timeline

    def _tap(self, at_ms: int, badge: str) -> TimedObservation:
        return self._timed(at_ms, event=TapData(reader=DOOR.name, badge=badge, epoch=EPOCH))

    def _timed(
        self, at_ms: int, *, measured: tuple[Reading, ...] = (), event: TapData | FaultData | None = None
    ) -> TimedObservation:
        error_s = sum(fault.size for fault, _ in self._active("clock-wrong", at_ms / 1000))
        taken = utc(at_ms) + timedelta(seconds=error_s)
        return TimedObservation(at_ms, Observation(measured, event, taken, cursor=str(at_ms)))

    def _active(self, kind: FaultKind, at: float) -> Sequence[tuple[SimulatedFault, float]]:
        """Return the active faults of one kind at Unix second `at`, each with its start (Unix seconds)."""
        if not self._faults:
            return ()
        candidates = ((fault, fault.onset(at, self._zone)) for fault in self._faults if fault.kind == kind)
        return [(fault, onset) for fault, onset in candidates if onset is not None]

    def _measured(self, sample: Sample) -> tuple[float, ...]:
        values = list(sample.values)
        for fault, onset in self._active("stuck", sample.at):
            first = self._first_of(int(-(-onset // 1)))
            for n, (series, _) in enumerate(SERIES):
                if fault.concerns(series):
                    values[n] = first.values[n]
        for fault, onset in self._active("drifting", sample.at):
            factor = max(0.0, 1 + fault.size / 100 * (sample.at - onset) / 3600)
            for n, (series, unit) in enumerate(SERIES):
                if fault.concerns(series) and unit != "/":
                    values[n] = round(values[n] * factor, _DECIMALS[n])
        return tuple(values)

    def _reports(self, tick: int) -> list[FaultData]:
        """Return the fault events of a tick: parts that became silent, and parts that recovered."""
        now, before = self._silent_parts(tick), self._silent_parts(tick - self.room.scenario.every_s)
        silent = [
            FaultData(part=p, state="silent", detail="no answer on the bus")
            for p in PARTS
            if p in now - before
        ]
        recovered = [FaultData(part=p, state="recovered") for p in PARTS if p in before - now]
        return silent + recovered

    def _silent_parts(self, at: int) -> set[str]:
        silent = self._active("silent", at)
        return {part for part in PARTS if any(fault.sensor in {None, part} for fault, _ in silent)}


def devices(scenario: Scenario, faults: Iterable[SimulatedFault] = ()) -> list[Device]:
    """Build the devices of a hub in the order of its spaces; they share people and weather."""
    people, sky, ordered = People(scenario), Sky(scenario), tuple(faults)
    return [Device(Room(scenario, space, people, sky), ordered) for space in scenario.spaces]
