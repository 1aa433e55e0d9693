"""Every kind of sensor, badge reader and feedback output, and how a device file's tables become objects.

A new kind is one module and one line in `SENSORS`, `READERS` or `OUTPUTS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from hubwell_edge.config_tables import Options, TableError, kind_of, options_of
from hubwell_edge.drivers.bme280 import Bme280, Bme280Settings
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.drivers.pir import Pir, PirSettings
from hubwell_edge.drivers.scd4x import Scd4x, Scd4xSettings
from hubwell_edge.drivers.sensor import Sensor, SensorSettings
from hubwell_edge.feedback.acr122u import Acr122u, Acr122uSettings
from hubwell_edge.feedback.console import Console, ConsoleSettings
from hubwell_edge.feedback.fan_out import FeedbackFanOut
from hubwell_edge.feedback.gpio import Gpio, GpioSettings
from hubwell_edge.feedback.output import Feedback, Output
from hubwell_edge.feedback.screen import Screen, ScreenSettings
from hubwell_edge.readers.pcsc import Pcsc, PcscSettings
from hubwell_edge.readers.pn532 import Pn532, Pn532Settings
from hubwell_edge.readers.reader import Reader
from hubwell_edge.readers.serial_lines import SerialLineReader, SerialLineSettings
from hubwell_edge.readers.simulated import Simulated, SimulatedSettings
from hubwell_edge.readers.wedge import Wedge, WedgeSettings

S = TypeVar("S", bound=Options)
T = TypeVar("T")
Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kind(Generic[S, T]):
    """The options model of a kind, and the constructor that takes such options and the hardware."""

    settings: type[S]
    build: Callable[[Any, Hardware], T]


def _kind(settings: type[S], build: Callable[[S, Hardware], T]) -> Kind[S, T]:
    """Pair the two; the type checker rejects a constructor that takes other options."""
    return Kind(settings, build)


SENSORS: Final[Mapping[str, Kind[Any, Sensor]]] = {
    "bme280": _kind(Bme280Settings, Bme280),
    "pir": _kind(PirSettings, Pir),
    "scd4x": _kind(Scd4xSettings, Scd4x),
}
READERS: Final[Mapping[str, Kind[Any, Reader]]] = {
    "line": _kind(SerialLineSettings, SerialLineReader),
    "pcsc": _kind(PcscSettings, Pcsc),
    "pn532": _kind(Pn532Settings, Pn532),
    "simulated": _kind(SimulatedSettings, Simulated),
    "wedge": _kind(WedgeSettings, Wedge),
}
OUTPUTS: Final[Mapping[str, Kind[Any, Output]]] = {
    "acr122u": _kind(Acr122uSettings, Acr122u),
    "console": _kind(ConsoleSettings, Console),
    "gpio": _kind(GpioSettings, Gpio),
    "screen": _kind(ScreenSettings, Screen),
}


def build_sensors(tables: Sequence[Table], hardware: Hardware) -> list[Sensor]:
    """Build the sensors of the `[[sensor]]` tables; no sensor is opened yet.

    Raises TableError with one line for each problem of all tables.
    """
    sensors: list[Sensor] = []
    problems: list[str] = []
    first_use: dict[str, int] = {}
    for number, table in enumerate(tables, start=1):
        try:
            name, settings = _parse(f"sensor {number}", table, SENSORS)
        except TableError as error:
            problems.append(str(error))
            continue
        problems += _name_clash(number, settings, first_use)
        sensors.append(SENSORS[name].build(settings, hardware))
    _raise_all(problems)
    return sensors


def build_readers(tables: Sequence[Table], hardware: Hardware) -> list[Reader]:
    """Build the badge readers of the `[[reader]]` tables; no reader is opened yet.

    Raises TableError with one line for each problem of all tables.
    """
    readers: list[Reader] = []
    problems: list[str] = []
    first_use: dict[str, int] = {}
    for number, table in enumerate(tables, start=1):
        try:
            name, settings = _parse(f"reader {number}", table, READERS)
        except TableError as error:
            problems.append(str(error))
            continue
        reader = READERS[name].build(settings, hardware)
        readers.append(reader)
        problems += _reader_clashes(number, reader, first_use)
    _raise_all(problems)
    return readers


def build_feedback(tables: Sequence[Table], hardware: Hardware) -> dict[str, Feedback]:
    """Build the feedback of every reader from the `[[reader.feedback]]` tables in its `[[reader]]` table.

    Returns it by the reader's name; no output is opened yet. Raises TableError with one line for each problem
    of the feedback tables; problems of a reader table itself are left to `build_readers`.
    """
    feedback: dict[str, Feedback] = {}
    problems: list[str] = []
    for number, table in enumerate(tables, start=1):
        try:
            _, settings = _parse(f"reader {number}", table, READERS)
        except TableError:
            continue
        outputs: list[Output] = []
        for place, inner in enumerate(settings.feedback, start=1):
            try:
                kind, options = _parse(f"reader {number}, feedback {place}", inner, OUTPUTS)
            except TableError as error:
                problems.append(str(error))
            else:
                outputs.append(OUTPUTS[kind].build(options, hardware))
        feedback[settings.name] = FeedbackFanOut(settings.name, outputs)
    _raise_all(problems)
    return feedback


def _parse(where: str, table: Table, kinds: Mapping[str, Kind[S, T]]) -> tuple[str, S]:
    """Return the kind that a table names and its checked options. Raises TableError."""
    name = kind_of(where, "driver", table, kinds)
    options = {option: value for option, value in table.items() if option != "driver"}
    return name, options_of(f"{where} ({name})", options, kinds[name].settings)


def _name_clash(number: int, settings: SensorSettings, first_use: dict[str, int]) -> list[str]:
    earlier = first_use.setdefault(settings.part, number)
    advice = f"give one another name with part = '{settings.part}-2'"
    clash = f"sensors {earlier} and {number} are both called {settings.part!r}: {advice}"
    return [] if earlier == number else [clash]


def _reader_clashes(number: int, reader: Reader, first_use: dict[str, int]) -> list[str]:
    problems = []
    for what, advice in (
        (f"called {reader.name!r}", f"give one another name with name = '{reader.name}-2'"),
        (f"on {reader.bus!r}", "one of them has to use something else"),
    ):
        earlier = first_use.setdefault(what, number)
        if earlier != number:
            problems.append(f"readers {earlier} and {number} are both {what}: {advice}")
    return problems


def _raise_all(problems: Sequence[str]) -> None:
    if problems:
        raise TableError("\n".join(problems))
