"""The map file of ``hubwell-edge replay``, which describes how to read a recorded CSV file.

A map names the time columns with their format and zone, and for each value column the series and the unit.
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
    """The columns of a row's time. Several columns are joined by a space before they are parsed."""

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
    """A column of values, with the series and unit under which it is sent."""

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
    """The whole map. `row_names` is the number of leading fields without a name in the header."""

    time: TimeColumns
    columns: Annotated[tuple[ValueColumn, ...], Field(min_length=1)]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    row_names: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _series_are_unique(self) -> Self:
        names = [column.series for column in self.columns]
        duplicates = {name for name in names if names.count(name) > 1}
        if duplicates:
            raise ValueError(
                f"series {min(duplicates)!r} is listed twice; its values would overwrite each other"
            )
        return self

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns that the file must have."""
        return (*self.time.columns, *(column.column for column in self.columns))

    @property
    def sensors(self) -> tuple[SensorMeta, ...]:
        """Description of the series, for the device's `meta` message."""
        return tuple(SensorMeta(s=column.series, u=column.unit) for column in self.columns)

    def time_of(self, fields: dict[str, str]) -> datetime:
        """Return the timezone-aware time of a row.

        Raises ValueError for text that does not parse, and for a time that does not exist in the zone.
        """
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
