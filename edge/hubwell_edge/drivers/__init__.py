"""The drivers there are, and how the `[[sensor]]` tables of a device file become sensors.

A new sensor is one file beside this one and one line in `DRIVERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from hubwell_edge.config_tables import TableError, kind_of, options_of
from hubwell_edge.drivers.bme280 import Bme280, Bme280Settings
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.drivers.pir import Pir, PirSettings
from hubwell_edge.drivers.scd4x import Scd4x, Scd4xSettings
from hubwell_edge.drivers.sensor import Sensor, SensorSettings

S = TypeVar("S", bound=SensorSettings)


class SensorConfigError(TableError):
    """The `[[sensor]]` tables are wrong; the text has one line for each problem and says what to do."""


@dataclass(frozen=True, slots=True)
class Driver:
    """The options a driver takes, and how it is made from them."""

    settings: type[SensorSettings]
    build: Callable[[Any, Hardware], Sensor]


def _driver(settings: type[S], build: Callable[[S, Hardware], Sensor]) -> Driver:
    """Pair the two; the type checker refuses a builder that takes other settings."""
    return Driver(settings, build)


DRIVERS: Final[dict[str, Driver]] = {
    "bme280": _driver(Bme280Settings, Bme280),
    "pir": _driver(PirSettings, Pir),
    "scd4x": _driver(Scd4xSettings, Scd4x),
}


def parse_sensor(number: int, entry: Mapping[str, object]) -> tuple[str, SensorSettings]:
    """Return the driver name and the settings of the `number`-th sensor table. Raises TableError."""
    name = kind_of(f"sensor {number}", "driver", entry, DRIVERS)
    options = {option: value for option, value in entry.items() if option != "driver"}
    return name, options_of(f"sensor {number} ({name})", options, DRIVERS[name].settings)


def build_sensors(entries: Sequence[Mapping[str, object]], hardware: Hardware) -> list[Sensor]:
    """Make the sensors of a device file; none is opened yet.

    `entries` are its `[[sensor]]` tables. Raises SensorConfigError with all problems of all tables.
    """
    sensors: list[Sensor] = []
    problems: list[str] = []
    first_use: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            name, settings = parse_sensor(number, entry)
        except TableError as error:
            problems.append(str(error))
            continue
        earlier = first_use.setdefault(settings.part, number)
        if earlier != number:
            problems.append(
                f"sensors {earlier} and {number} are both called {settings.part!r}: give one another name "
                f"with part = '{settings.part}-2'"
            )
        sensors.append(DRIVERS[name].build(settings, hardware))
    if problems:
        raise SensorConfigError("\n".join(problems))
    return sensors
