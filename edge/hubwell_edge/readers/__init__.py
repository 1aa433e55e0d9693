"""The readers there are, and how the `[[reader]]` tables of a device file become readers.

A new kind of reader is one file beside this one and one line in `READERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from hubwell_edge.config_tables import TableError, kind_of, options_of
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.readers.pcsc import Pcsc, PcscSettings
from hubwell_edge.readers.pn532 import Pn532, Pn532Settings
from hubwell_edge.readers.reader import Reader, ReaderSettings
from hubwell_edge.readers.serial_lines import Line, LineSettings
from hubwell_edge.readers.simulated import Simulated, SimulatedSettings
from hubwell_edge.readers.wedge import Wedge, WedgeSettings

S = TypeVar("S", bound=ReaderSettings)


class ReaderConfigError(TableError):
    """The `[[reader]]` tables are wrong; the text has one line for each problem and says what to do."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The options a kind of reader takes, and how it is made from them."""

    settings: type[ReaderSettings]
    build: Callable[[Any, Hardware], Reader]


def _kind(settings: type[S], build: Callable[[S, Hardware], Reader]) -> Kind:
    """Pair the two; the type checker refuses a builder that takes other settings."""
    return Kind(settings, build)


READERS: Final[dict[str, Kind]] = {
    "line": _kind(LineSettings, Line),
    "pcsc": _kind(PcscSettings, Pcsc),
    "pn532": _kind(Pn532Settings, Pn532),
    "simulated": _kind(SimulatedSettings, Simulated),
    "wedge": _kind(WedgeSettings, Wedge),
}


def parse_reader(number: int, entry: Mapping[str, object]) -> tuple[str, ReaderSettings]:
    """Return kind and settings of the `number`-th reader table. Raises TableError."""
    kind = kind_of(f"reader {number}", "driver", entry, READERS)
    options = {name: value for name, value in entry.items() if name != "driver"}
    return kind, options_of(f"reader {number} ({kind})", options, READERS[kind].settings)


def build_readers(entries: Sequence[Mapping[str, object]], hardware: Hardware) -> list[Reader]:
    """Make the readers of a device file; none is opened yet.

    `entries` are its `[[reader]]` tables. Raises ReaderConfigError with all problems of all tables.
    """
    readers: list[Reader] = []
    problems: list[str] = []
    taken: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            kind, settings = parse_reader(number, entry)
        except TableError as error:
            problems.append(str(error))
            continue
        reader = READERS[kind].build(settings, hardware)
        readers.append(reader)
        for what, advice in (
            (f"called {reader.name!r}", f"give one another name with name = '{reader.name}-2'"),
            (f"on {reader.bus!r}", "one of them has to use something else"),
        ):
            earlier = taken.setdefault(what, number)
            if earlier != number:
                problems.append(f"readers {earlier} and {number} are both {what}: {advice}")
    if problems:
        raise ReaderConfigError("\n".join(problems))
    return readers
