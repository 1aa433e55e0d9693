"""What shows people the answer to their tap, and how `[[reader.feedback]]` tables become it.

A new kind is one file beside this one and one line in `FEEDBACK`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from hubwell_edge.config_tables import Options, TableError, kind_of, options_of
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.feedback.acr122u import Acr122u, Acr122uSettings
from hubwell_edge.feedback.console import Console, ConsoleSettings
from hubwell_edge.feedback.fan_out import FeedbackFanOut
from hubwell_edge.feedback.gpio import Gpio, GpioSettings
from hubwell_edge.feedback.output import Feedback, Output
from hubwell_edge.feedback.screen import Screen, ScreenSettings
from hubwell_edge.readers import parse_reader

S = TypeVar("S", bound=Options)


class FeedbackConfigError(TableError):
    """The `[[reader.feedback]]` tables are wrong; the text has one line for each problem."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The options a kind of feedback takes, and how it is made from them."""

    settings: type[Options]
    build: Callable[[Any, Hardware], Output]


def _kind(settings: type[S], build: Callable[[S, Hardware], Output]) -> Kind:
    """Pair the two; the type checker refuses a builder that takes other settings."""
    return Kind(settings, build)


FEEDBACK: Final[dict[str, Kind]] = {
    "acr122u": _kind(Acr122uSettings, Acr122u),
    "console": _kind(ConsoleSettings, Console),
    "gpio": _kind(GpioSettings, Gpio),
    "screen": _kind(ScreenSettings, Screen),
}


def build_feedback(entries: Sequence[Mapping[str, object]], hardware: Hardware) -> dict[str, Feedback]:
    """Return what shows the answers of each reader, by the reader's name; nothing is opened yet.

    `entries` are the `[[reader]]` tables of a device file. Raises FeedbackConfigError with all problems of
    the tables inside them; what is wrong with a reader itself is told by `build_readers`.
    """
    panels: dict[str, Feedback] = {}
    problems: list[str] = []
    for number, entry in enumerate(entries, start=1):
        try:
            _, settings = parse_reader(number, entry)
        except TableError:
            continue
        outputs: list[Output] = []
        for place, table in enumerate(settings.feedback, start=1):
            try:
                outputs.append(_output(f"reader {number}, feedback {place}", table, hardware))
            except TableError as error:
                problems.append(str(error))
        panels[settings.name] = FeedbackFanOut(settings.name, outputs)
    if problems:
        raise FeedbackConfigError("\n".join(problems))
    return panels


def _output(where: str, table: Mapping[str, object], hardware: Hardware) -> Output:
    kind = kind_of(where, "driver", table, FEEDBACK)
    options = {name: value for name, value in table.items() if name != "driver"}
    return FEEDBACK[kind].build(options_of(f"{where} ({kind})", options, FEEDBACK[kind].settings), hardware)
