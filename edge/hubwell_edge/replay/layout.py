"""The map file of ``hubwell-edge replay``, which describes how to read a recorded CSV file.

A map names the time columns with their format and zone, and for each value column the series and the unit.
What the file itself shows (encoding, delimiter, header line, decimal sign) may be left out.
"""

import codecs
import tomllib
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hubwell_edge.replay.units import Conversion, conversion_for
from hubwell_edge.sources.observation import SourceError
from hubwell_wire.messages import SensorMeta, SeriesName

UNIX_FORMATS: Final = {"unix": 1, "unix-ms": 1e3, "unix-us": 1e6, "unix-ns": 1e9}
"""Formats that count from 1970, with their steps in a second."""
NAMED_FORMATS: Final = ("iso", *UNIX_FORMATS, "excel")
"""Formats besides patterns of strptime: ISO 8601, counts from 1970, Excel's days."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeColumns(_Part):
    """The columns of a row's time. Several columns are joined by a space before they are parsed.

    `ambiguous` decides local times of the repeated hour at the end of daylight saving, where the order of the
    rows does not. `checked` confirms that days and months are not exchanged.
    """

    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    format: str
    zone: str
    ambiguous: Literal["first", "second"] | None = None
    checked: bool = False

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError) as error:
            near = get_close_matches(zone, available_timezones(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "write it like 'Europe/Brussels' or 'UTC'"
            raise ValueError(f"zone {zone!r} is not known; {hint}") from error
        return zone

    @field_validator("format")
    @classmethod
    def _format_is_understood(cls, pattern: str) -> str:
        if "%" not in pattern and pattern not in NAMED_FORMATS:
            raise ValueError(
                f"format {pattern!r} is not known; write a pattern such as '%d.%m.%Y %H:%M', "
                f"or one of: {', '.join(NAMED_FORMATS)}"
            )
        if "%Z" in pattern and (not pattern.endswith("%Z") or "%z" in pattern):
            raise ValueError("%Z (the name of a zone) is understood at the end of a format, and without %z")
        return pattern


class ValueColumn(_Part):
    """A column of values, with its series, the unit in the file, and words that stand for numbers."""

    column: str
    series: SeriesName
    unit: str
    values: dict[str, float] = {}

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        SensorMeta(s=self.series, u=self.conversion.unit)
        return self

    @cached_property
    def conversion(self) -> Conversion:
        """The conversion to the unit of the contract."""
        return conversion_for(self.series, self.unit)


class LongFormat(_Part):
    """A file with one value in a row: the columns that hold the name of the entity and its value."""

    entity: str
    value: str


class ReplayMap(_Part):
    """The whole map. `row_names` is the number of leading fields without a name in the header.

    With `long` the `column` of a value column is the name of an entity. `missing` lists texts that stand for
    no value.
    """

    time: TimeColumns
    columns: Annotated[tuple[ValueColumn, ...], Field(min_length=1)]
    long: LongFormat | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    row_names: Annotated[int, Field(ge=0)] = 0

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, encoding: str | None) -> str | None:
        try:
            return encoding and codecs.lookup(encoding).name
        except LookupError as error:
            raise ValueError(
                f"encoding {encoding!r} is not known; write it like 'utf-8' or 'cp1252'"
            ) from error

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        series = _repeated([column.series for column in self.columns])
        if series is not None:
            raise ValueError(f"series {series!r} is listed twice; its values would overwrite each other")
        return self

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns that the file must have."""
        if self.long is not None:
            return (*self.time.columns, self.long.entity, self.long.value)
        return (*self.time.columns, *(column.column for column in self.columns))

    @property
    def sensors(self) -> tuple[SensorMeta, ...]:
        """Description of the series, for the device's `meta` message."""
        return tuple(SensorMeta(s=column.series, u=column.conversion.unit) for column in self.columns)


def _repeated(names: list[str]) -> str | None:
    return min((name for name in names if names.count(name) > 1), default=None)


def load_map(path: Path) -> ReplayMap:
    """Read a map file. Raises SourceError with a line for each problem."""
    try:
        return ReplayMap.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise SourceError(f"cannot read the map {path}: {error.strerror}") from error
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(p) for p in e['loc'])}: {e['msg'].removeprefix('Value error, ')}".removeprefix(
                ": "
            )
            for e in error.errors()
        ]
        raise SourceError("\n".join(f"{path}: {problem}" for problem in problems)) from None
    except ValueError as error:
        raise SourceError(f"{path} is not TOML: {error}") from error
