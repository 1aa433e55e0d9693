"""The state of one simulated space, tick by tick, and the readings of its sensors.

A day is computed from the evening before, so the state at any time is a function of scenario, date and time:
a simulator that was killed and restarted continues with the same numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from hubwell_edge.sim import noise, physics
from hubwell_edge.sim.people import People, TapTime
from hubwell_edge.sim.scenario import SERIES, Scenario, Space
from hubwell_edge.sim.weather import Sky, Weather

WARM_UP: Final = timedelta(hours=12)
"""Computed before midnight, so that the initial values no longer have any influence at midnight."""
WARM_UP_STEP_S: Final = 60
MICROPHONE_DB: Final = (30.0, 95.0)
"""Range of the microphone."""
_LAMPS_STAY_ON_S: Final = 8 * 60
_MOTION_HOLD_S: Final = 60
_MACHINE_RUN_S: Final = 90
_LAMP_WATTS_PER_M3: Final = 2.5
_SEEN_MOVING: Final = {"workshop": 0.6, "collaboration": 0.35, "relaxation": 0.15}
"""Probability that the PIR sensor detects movement of one person within ten seconds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One tick: Unix second, people actually present, window open, and values in the order of SERIES."""

    at: int
    people: int
    window_open: bool
    values: tuple[float, ...]


class Room:
    """One space of a scenario. `people` and `sky` are shared by all rooms of the hub."""

    def __init__(self, scenario: Scenario, space: Space, people: People, sky: Sky) -> None:
        self.space = space
        self.scenario = scenario
        self.people = people
        self.sky = sky
        self._zone = scenario.zone

    def samples(self, day: date, start: int) -> Iterator[Sample]:
        """Yield one sample per tick of one local date, from the tick at or after Unix second `start`."""
        return _RoomDay(self, day).samples(start)

    def sample(self, at: int) -> Sample:
        """Return the sample of the first tick at or after Unix second `at`."""
        tick = -(-at // self.scenario.every_s) * self.scenario.every_s  # rounded up
        return next(self.samples(self.date_of(tick), tick))

    def taps(self, day: date) -> list[TapTime]:
        """Return the taps at the reader on one local date, in order."""
        first, end = self.midnight(day), self.midnight(day + timedelta(days=1))
        return self.people.taps(self.space.id, first, end, (day - timedelta(days=1), day))

    def date_of(self, at: float) -> date:
        """Return the local date of a Unix second."""
        return datetime.fromtimestamp(at, self._zone).date()

    def midnight(self, day: date) -> int:
        """Return the Unix second at which a local date begins."""
        return int(datetime.combine(day, time(0), tzinfo=self._zone).timestamp())

    def air_changes(self, day: date) -> list[tuple[int, float]]:
        """Return the ventilation schedule of one date: Unix second, air changes per hour."""
        return [
            (int(datetime.combine(day, moment, tzinfo=self._zone).timestamp()), rate)
            for moment, rate in self.space.air_changes
        ]


class _RoomDay:
    """The state of a room from twelve hours before a local midnight to the next one."""

    def __init__(self, room: Room, day: date) -> None:
        self._room, self._space, self._scenario = room, room.space, room.scenario
        self._every = room.scenario.every_s
        yesterday = day - timedelta(days=1)
        self._first = -(-room.midnight(day) // self._every) * self._every
        self._end = room.midnight(day + timedelta(days=1))
        evening = self._first - int(WARM_UP.total_seconds())
        self._changes = room.people.changes(self._space.id, evening, self._end, (yesterday, day))
        self._schedule = [*room.air_changes(yesterday), *room.air_changes(day)]
        self._next_change = 0
        self._people = 0
        self._seen = self._moved = evening - 86400
        self._window_open = False
        weather = room.sky.at(evening)
        self._co2 = self._scenario.outdoor_co2 + 150
        self._temperature = self._space.setpoint
        self._vapour = weather.vapour + 1
        prefix = f"{self._scenario.seed}|noise|{self._space.device}"
        self._noise = [noise.stream(prefix, name) for name, _ in SERIES]
        self._motion = noise.stream(prefix, "motion")
        self._machines = [
            noise.stream(prefix, "machine", number) for number in range(self._space.machines.count)
        ]
        for moment in range(evening, self._first, WARM_UP_STEP_S):
            self._count_people(moment)
            self._breathe(moment, WARM_UP_STEP_S, room.sky.at(moment), self._machines_running(moment))

    def samples(self, start: int) -> Iterator[Sample]:
        """Yield the samples from Unix second `start` to the end of the day."""
        for tick in range(self._first, self._end, self._every):
            self._count_people(tick)
            self._watch_motion(tick)
            weather = self._room.sky.at(tick)
            running = self._machines_running(tick)
            if tick >= start:
                values = self._values(tick, weather, running)
                yield Sample(tick, self._people, self._window_open, values)
            self._breathe(tick, self._every, weather, running)

    def _count_people(self, tick: int) -> None:
        while self._next_change < len(self._changes) and self._changes[self._next_change][0] <= tick:
            self._people += self._changes[self._next_change][1]
            self._next_change += 1
        if self._people:
            self._seen = tick

    def _watch_motion(self, tick: int) -> None:
        still = (1 - _SEEN_MOVING[self._space.kind]) ** (self._people * self._every / 10)
        # Occasionally a warm draught looks like a person.
        if noise.uniform(self._motion, tick) > min(still, 0.9998):
            self._moved = tick

    def _machines_running(self, tick: int) -> int:
        if not self._people or not self._machines:
            return 0
        run = tick // _MACHINE_RUN_S
        duty = self._space.machines.duty
        return sum(1 for machine in self._machines if noise.uniform(machine, run) < duty)

    def _lamps_on(self, tick: int) -> bool:
        return tick - self._seen < _LAMPS_STAY_ON_S

    def _values(self, tick: int, weather: Weather, running: int) -> tuple[float, ...]:
        """Return the sensor readings: true values plus noise, rounded to each sensor's resolution."""
        space = self._space
        error = [noise.bell(key, tick) for key in self._noise]
        noise_db = physics.level_sum(
            (1, space.quiet_db),
            (self._people, space.person_db + 2.5 * error[3]),
            (running, space.machines.db + 1.5 * error[3]),
        )
        light = space.lamps_lx * self._lamps_on(tick) + space.daylight * weather.light
        return (
            float(round(self._co2 + error[0] * (5 + 0.006 * self._co2))),
            round(self._temperature + 0.04 * error[1], 1),
            round(physics.relative_humidity(self._vapour, self._temperature) + 0.3 * error[2], 1),
            round(min(MICROPHONE_DB[1], max(MICROPHONE_DB[0], noise_db + 0.4 * error[3])), 1),
            float(round(max(0.0, light * (1 + 0.01 * error[4])))),
            float(tick - self._moved < _MOTION_HOLD_S),
        )

    def _breathe(self, tick: int, seconds: int, weather: Weather, running: int) -> None:
        """Advance air, heat and window from `tick` by `seconds`."""
        space, hours = self._space, seconds / 3600
        self._turn_window()
        while len(self._schedule) > 1 and self._schedule[1][0] <= tick:
            del self._schedule[0]
        scheduled = self._schedule[0][1]
        window = space.window.air_changes if self._window_open else 0.0
        self._co2 = physics.co2_after(
            self._co2,
            people=self._people,
            volume_m3=space.volume_m3,
            air_changes=scheduled + window,
            hours=hours,
            outdoor=self._scenario.outdoor_co2,
            per_person=space.co2_per_person,
        )
        self._vapour = physics.mixed_after(
            self._vapour,
            source=physics.VAPOUR_PER_PERSON * self._people,
            volume_m3=space.volume_m3,
            air_changes=scheduled + window,
            hours=hours,
            outdoor=weather.vapour,
        )
        watts = (
            physics.HEAT_PER_PERSON * self._people
            + space.machines.watts * running
            + _LAMP_WATTS_PER_M3 * space.volume_m3 * self._lamps_on(tick)
            + physics.heat_demand(self._temperature, space.setpoint, space.volume_m3)
        )
        self._temperature = physics.temperature_after(
            self._temperature,
            outdoor=weather.temperature,
            watts=watts,
            volume_m3=space.volume_m3,
            air_changes=scheduled,
            window_air_changes=window,
            hours=hours,
        )

    def _turn_window(self) -> None:
        habit = self._space.window
        if not self._people or self._co2 < habit.closes_below:
            self._window_open = False
        elif self._co2 > habit.opens_above:
            self._window_open = True


def utc(at_ms: int) -> datetime:
    """Return the aware time of a Unix time in milliseconds, without rounding through a float."""
    return datetime.fromtimestamp(at_ms // 1000, UTC) + timedelta(milliseconds=at_ms % 1000)
