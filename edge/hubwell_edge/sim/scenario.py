"""The scenario of a simulated hub: its spaces, their air and sound, and the programmes of a day.

Read from a TOML file into frozen models; the default is the packaged demonstration hub, which the server also
reads in order to register the same spaces and devices.
"""

import tomllib
from collections import Counter
from datetime import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hubwell_wire.messages import Reading, SensorMeta
from hubwell_wire.topics import ID_PATTERN

DEMO: Final = files("hubwell_wire").joinpath("demo_hub.toml")
"""The packaged scenario of ``hubwell up``."""

Share = Annotated[float, Field(ge=0, le=1)]
Id = Annotated[str, Field(pattern=ID_PATTERN)]
Positive = Annotated[float, Field(gt=0)]

SERIES: Final[tuple[tuple[str, str], ...]] = (
    ("scd41/co2", "ppm"),
    ("scd41/temp", "Cel"),
    ("scd41/rh", "%RH"),
    ("mic/noise", "dB"),
    ("bh1750/light", "lx"),
    ("pir/presence", "/"),
)
"""Name and unit of the series of every simulated device, in the order of its readings."""

PARTS: Final = tuple(dict.fromkeys(name.partition("/")[0] for name, _ in SERIES))
"""The sensors of a simulated device."""


class Part(BaseModel):
    """Base of the scenario's models: frozen.

    An unknown key is an error, so that typing mistakes are reported.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class Habits(Part):
    """Behaviour of people, as shares between 0 and 1."""

    absent: Share = 0.06
    badge: Share = 0.6
    forgets: Share = 0.2
    wander: Share = 0.15
    rest: Share = 0.55
    outside: Share = 0.15

    @model_validator(mode="after")
    def _break_adds_up(self) -> Self:
        if self.rest + self.outside > 1:
            raise ValueError("people.rest and people.outside are shares of one break: together at most 1")
        return self


class Window(Part):
    """A window that people open above one CO2 value and close below another (ppm).

    `air_changes` is per hour.
    """

    opens_above: Positive
    closes_below: Positive
    air_changes: Positive

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.closes_below >= self.opens_above:
            raise ValueError("a window must close below a lower CO2 value than it opens above")
        return self


class Machines(Part):
    """Machines that run intermittently while people are present.

    Each has a level of `db` in dB(A) and gives off `watts` of heat; `duty` is the share of time that it runs.
    """

    count: Annotated[int, Field(ge=0, le=20)]
    db: Annotated[float, Field(ge=0, le=110)]
    duty: Share
    watts: Annotated[float, Field(ge=0)] = 0


class Space(Part):
    """One space with one device.

    `volume_m3` in m3, `air_changes` per hour from a local time of day on, `co2_per_person` in m3/h,
    `setpoint` of the heating in degrees Celsius, `daylight` as the share of the outdoor illuminance that
    reaches the sensor, levels in dB(A) at the microphone.
    """

    id: Id
    device: Id
    name: str
    kind: Literal["workshop", "collaboration", "relaxation"]
    zone: str
    capacity: Annotated[int, Field(ge=1, le=1000)]
    volume_m3: Positive
    air_changes: Annotated[tuple[tuple[time, Positive], ...], Field(min_length=1)]
    window: Window
    co2_per_person: Positive = 0.020
    setpoint: Annotated[float, Field(ge=5, le=26)] = 20.5
    lamps_lx: Annotated[float, Field(ge=0)] = 500
    daylight: Share = 0.01
    quiet_db: Annotated[float, Field(ge=20, le=80)] = 35
    person_db: Annotated[float, Field(ge=20, le=80)] = 50
    machines: Machines = Machines(count=0, db=0, duty=0)

    @field_validator("air_changes")
    @classmethod
    def _begins_at_midnight(cls, value: tuple[tuple[time, float], ...]) -> tuple[tuple[time, float], ...]:
        moments = [moment for moment, _ in value]
        if moments[0] != time(0) or moments != sorted(set(moments)):
            raise ValueError("air_changes must begin at 00:00 and go up in time")
        return value


class Group(Part):
    """Learners who move together; `places` has one space id per block."""

    name: str
    learners: Annotated[int, Field(ge=1, le=200)]
    places: Annotated[tuple[Id, ...], Field(min_length=1)]


class Programme(Part):
    """A row of blocks and breaks (minutes) that starts at a local time every day."""

    name: str
    starts: time
    block_min: Annotated[int, Field(ge=20, le=240)]
    break_min: Annotated[int, Field(ge=5, le=120)]
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _every_group_has_every_block(self) -> Self:
        if len({len(group.places) for group in self.groups}) > 1:
            raise ValueError(f"programme {self.name!r}: every group needs one place for each block")
        return self


class Scenario(Part):
    """A whole simulated hub. All its events follow from the scenario and the date."""

    title: str
    site: Id
    timezone: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    seed: int = 1
    outdoor_co2: Annotated[float, Field(ge=300, le=600)] = 420
    every_s: Annotated[int, Field(ge=1, le=3600)] = 10
    people: Habits = Habits()
    spaces: Annotated[tuple[Space, ...], Field(min_length=1)]
    programmes: tuple[Programme, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"time zone {value!r} is unknown; an example of a name: Europe/Helsinki"
            ) from error
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for what, ids in (
            ("space", [s.id for s in self.spaces]),
            ("device", [s.device for s in self.spaces]),
        ):
            duplicates = [name for name, count in Counter(ids).items() if count > 1]
            if duplicates:
                raise ValueError(f"{what} {duplicates[0]!r} is listed twice")
        capacity = {space.id: space.capacity for space in self.spaces}
        for programme in self.programmes:
            for block in zip(*(group.places for group in programme.groups), strict=True):
                _check_block(programme, block, capacity)
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the timetable."""
        return ZoneInfo(self.timezone)


def _check_block(programme: Programme, block: tuple[str, ...], capacity: dict[str, int]) -> None:
    learners_in: Counter[str] = Counter()
    for group, place in zip(programme.groups, block, strict=True):
        if place not in capacity:
            raise ValueError(f"group {group.name!r} goes to {place!r}, which is not a space of this hub")
        learners_in[place] += group.learners
    for place, learners in learners_in.items():
        if learners > capacity[place]:
            raise ValueError(
                f"programme {programme.name!r} sends {learners} learners to {place!r}, "
                f"which has room for {capacity[place]}"
            )


def load_scenario(path: Path | None = None) -> Scenario:
    """Read a scenario; default: the packaged demonstration hub.

    Raises OSError if the file cannot be read and ValueError, with the location, if it is not valid.
    """
    text = (DEMO if path is None else path).read_text(encoding="utf-8")
    return Scenario.model_validate(tomllib.loads(text))


def sensors(scenario: Scenario) -> tuple[SensorMeta, ...]:
    """Return the description of each device's series, for the retained ``meta`` message."""
    return tuple(SensorMeta(s=name, u=unit, every_s=scenario.every_s) for name, unit in SERIES)


def readings(values: tuple[float, ...]) -> tuple[Reading, ...]:
    """Return readings for values in the order of SERIES."""
    return tuple(Reading(s=name, v=value, u=unit) for (name, unit), value in zip(SERIES, values, strict=True))
