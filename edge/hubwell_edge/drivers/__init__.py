"""The drivers there are, and how the `[[sensor]]` tables of a device file become sensors.

A new sensor is one file beside this one and one line in `DRIVERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hubwell_edge.drivers.bme280 import Bme280, Bme280Settings
from hubwell_edge.drivers.contract import Sensor, SensorSettings
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.drivers.pir import Pir, PirSettings
from hubwell_edge.drivers.scd4x import Scd4x, Scd4xSettings

S = TypeVar("S", bound=SensorSettings)


class SensorConfigError(ValueError):
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
    """Return the driver name and the settings of the `number`-th sensor table.

    Raises SensorConfigError.
    """
    options = dict(entry)
    name = options.pop("driver", None)
    if not isinstance(name, str) or name not in DRIVERS:
        raise SensorConfigError(f"sensor {number}: {_no_such_driver(name)}")
    try:
        return name, DRIVERS[name].settings.model_validate(options)
    except ValidationError as error:
        known = DRIVERS[name].settings
        lines = [f"sensor {number} ({name}): {_plain(problem, known)}" for problem in error.errors()]
        raise SensorConfigError("\n".join(lines)) from None


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
        except SensorConfigError as error:
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


def _no_such_driver(name: object) -> str:
    known = ", ".join(sorted(DRIVERS))
    if name is None:
        return f"'driver' is missing; write driver = 'NAME' with one of: {known}"
    close = get_close_matches(str(name), DRIVERS, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"driver {name!r} is not known; {hint}known drivers: {known}"


def _plain(problem: ErrorDetails, settings: type[SensorSettings]) -> str:
    option = str(problem["loc"][0]) if problem["loc"] else "?"
    fields = settings.model_fields
    if problem["type"] == "extra_forbidden":
        close = get_close_matches(option, fields, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"option {option!r} is not known; {hint}options: {', '.join(sorted(fields))}"
    field = fields.get(option)
    meaning = f" ({field.description})" if field is not None and field.description else ""
    if problem["type"] == "missing":
        return f"option {option!r} is missing; write {option} = ...{meaning}"
    return f"option {option!r}{meaning} cannot be {problem['input']!r}: {problem['msg']}"
