"""How a recorded CSV file is to be read: the map file of ``hubwell-edge replay``.

A map names the time column or columns, their format and zone, and for each value column the series and the
unit that it becomes.
"""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hubwell_edge.sources.observation import SourceError
from hubwell_wire.messages import SensorMeta, SeriesName
from hubwell_wire.units import unit_problem


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeColumns(_Part):
    """Where the time of a row stands. Several columns are joined by a space before they are parsed."""

    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    format: str
    zone: str

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(
                f"zone {zone!r} is not known; write it like 'Europe/Brussels' or 'UTC'"
            ) from error
        return zone


class ValueColumn(_Part):
    """A column of values, and what it is sent as."""

    column: str
    series: SeriesName
    unit: str

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        problem = unit_problem(self.series, self.unit)
        if problem:
            raise ValueError(problem)
        return self


class ReplayMap(_Part):
    """The whole map. `row_names` is the number of leading fields that the header does not name."""

    time: TimeColumns
    columns: Annotated[tuple[ValueColumn, ...], Field(min_length=1)]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    row_names: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _series_are_unique(self) -> Self:
        names = [column.series for column in self.columns]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"series {min(twice)!r} stands twice; its values would overwrite each other")
        return self

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns that the file must have."""
        return (*self.time.columns, *(column.column for column in self.columns))

    @property
    def sensors(self) -> tuple[SensorMeta, ...]:
        """What the device's `meta` message says about the series."""
        return tuple(SensorMeta(s=column.series, u=column.unit) for column in self.columns)

    def time_of(self, fields: dict[str, str]) -> datetime:
        """Return the aware time of a row. Raises ValueError, also for a time that the zone does not have."""
        text = " ".join(fields[name].strip() for name in self.time.columns)
        moment = datetime.strptime(text, self.time.format)  # noqa: DTZ007 - the zone is added below
        if moment.tzinfo is not None:
            return moment
        aware = moment.replace(tzinfo=ZoneInfo(self.time.zone)).astimezone(UTC)
        if aware.astimezone(ZoneInfo(self.time.zone)).replace(tzinfo=None) != moment:
            raise ValueError(f"the time {text!r} does not exist in {self.time.zone}: clocks were put forward")
        return aware


def load_map(path: Path) -> ReplayMap:
    """Read a map file. Raises SourceError with a line for each problem."""
    try:
        return ReplayMap.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SourceError(f"cannot read the map {path}: {error.strerror}") from error
    except ValidationError as error:
        problems = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise SourceError("\n".join(f"{path}: {problem}" for problem in problems)) from None
    except ValueError as error:
        raise SourceError(f"{path} is not TOML: {error}") from error
