"""Simulated faults: the kind, the device, and the period.

Written as one line, ``DEVICE[/SENSOR]:KIND:FROM-UNTIL[:AMOUNT]``, on the command line, or in a TOML file with
``[[faults]]``. FROM and UNTIL are local times of day, for a daily fault, or timestamps with a zone. Whether a
fault is active follows from the time alone, so a restart during a fault changes nothing.
"""

import re
import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hubwell_edge.sim.scenario import PARTS, Scenario

FaultKind = Literal["silent", "stuck", "drifting", "clock-wrong", "network-gone"]

DEFAULT_AMOUNT: Final[dict[str, float]] = {"drifting": 10.0, "clock-wrong": 1200.0}
"""Drift in per cent of the reading per hour; error of the clock in seconds ahead."""

_MOMENT: Final = r"\d{2}:\d{2}|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})"
_LINE: Final = re.compile(
    r"(?P<device>[a-z0-9-]+)(?:/(?P<sensor>[a-z0-9_-]+))?:(?P<kind>[a-z-]+):"
    rf"(?P<since>{_MOMENT})-(?P<until>{_MOMENT})(?::(?P<amount>[+-]?\d+(?:\.\d+)?))?"
)
_SHAPE: Final = (
    "DEVICE[/SENSOR]:KIND:FROM-UNTIL[:AMOUNT], for example wood-workshop-1/scd41:stuck:10:00-11:00"
)


class SimulatedFault(BaseModel):
    """A fault from `since` to `until` (exclusive).

    `sensor` names one part of the device; without it all sensors are affected. `amount` is in per cent per
    hour for ``drifting`` and in seconds ahead for ``clock-wrong``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    sensor: str | None = None
    kind: FaultKind
    since: Annotated[time | datetime, Field(union_mode="left_to_right")]
    until: Annotated[time | datetime, Field(union_mode="left_to_right")]
    amount: float | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if isinstance(self.since, datetime) != isinstance(self.until, datetime):
            raise ValueError("a fault begins and ends either by the time of day or at moments with a date")
        for moment in (self.since, self.until):
            if isinstance(moment, datetime) and moment.tzinfo is None:
                raise ValueError(f"the time {moment.isoformat()} of a fault needs a zone, for example 'Z'")
        if isinstance(self.since, datetime) and isinstance(self.until, datetime) and self.until <= self.since:
            raise ValueError("a fault must end after it begins")
        if self.since == self.until:
            raise ValueError("a fault must last for some time")
        if self.sensor is not None and self.sensor not in PARTS:
            raise ValueError(f"sensor {self.sensor!r} is not one of {', '.join(PARTS)}")
        if self.sensor is not None and self.kind in {"clock-wrong", "network-gone"}:
            raise ValueError(f"{self.kind} concerns the whole device; leave '/{self.sensor}' out")
        return self

    @property
    def size(self) -> float:
        """The amount, or the default of the kind."""
        return DEFAULT_AMOUNT.get(self.kind, 0.0) if self.amount is None else self.amount

    def concerns(self, series: str) -> bool:
        """Return whether the fault affects a series of the device."""
        return self.sensor is None or series.partition("/")[0] == self.sensor

    def onset(self, at: float, zone: ZoneInfo) -> float | None:
        """Return the Unix second at which the fault that is active at Unix second `at` began, or None."""
        if isinstance(self.since, datetime) and isinstance(self.until, datetime):
            since = self.since.timestamp()
            return since if since <= at < self.until.timestamp() else None
        if isinstance(self.since, datetime) or isinstance(self.until, datetime):
            raise TypeError("since and until are of one type: validated when the model is created")
        today = datetime.fromtimestamp(at, UTC).astimezone(zone).date()
        for day in (today, today - timedelta(days=1)):
            since = _moment(day, self.since, zone)
            until = _moment(day + timedelta(days=self.until < self.since), self.until, zone)
            if since <= at < until:
                return since
        return None


def _moment(day: date, moment: time, zone: ZoneInfo) -> float:
    return datetime.combine(day, moment, tzinfo=zone).timestamp()


class FaultFile(BaseModel):
    """A TOML file of faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: tuple[SimulatedFault, ...]


def parse_fault(line: str) -> SimulatedFault:
    """Parse one fault of the form DEVICE[/SENSOR]:KIND:FROM-UNTIL[:AMOUNT]. Raises ValueError."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"the fault {line!r} does not have the form {_SHAPE}")
    return SimulatedFault.model_validate({key: text for key, text in match.groupdict().items() if text})


def load_faults(path: Path) -> tuple[SimulatedFault, ...]:
    """Read a TOML file of faults. Raises OSError or ValueError."""
    return FaultFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).faults


def check_faults(faults: Iterable[SimulatedFault], scenario: Scenario) -> None:
    """Raise ValueError if a fault names a device that the scenario does not have."""
    devices = [space.device for space in scenario.spaces]
    for fault in faults:
        if fault.device not in devices:
            raise ValueError(f"no device {fault.device!r} in this hub; there are {', '.join(devices)}")
