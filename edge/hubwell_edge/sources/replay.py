"""A recorded CSV file as a source: each row becomes one observation with the time recorded in it.

The cursor is the number of data rows taken so far, so an interrupted replay continues where the outbox left
off, and every value arrives exactly once.
"""

import asyncio
import csv
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from hubwell_edge.sources.observation import Observation, SourceError
from hubwell_edge.sources.replay_map import ReplayMap
from hubwell_wire.messages import Reading

_BREATH: Final = 256
"""Rows between two points at which other tasks may run."""


@dataclass(slots=True)
class Progress:
    """Progress of a replay, for a progress bar: data rows taken so far, and in total."""

    rows: int = 0
    total: int = 0
    readings: int = 0


class ReplaySource:
    """Plays `path` as described by `layout`, `speed` times as fast as recorded; None is unlimited.

    Empty fields give no reading. Raises SourceError, with the line number, for a row that does not fit the
    map.
    """

    def __init__(self, path: Path, layout: ReplayMap, *, speed: float | None = None) -> None:
        self.name = f"replay-{path.name}"
        self.progress = Progress(total=count_rows(path, layout))
        self._path = path
        self._map = layout
        self._speed = speed

    async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield the rows after `cursor`."""
        skipped = int(cursor) if cursor else 0
        self.progress.rows = skipped
        loop = asyncio.get_running_loop()
        started, first = loop.time(), None
        for number, line, fields in islice(read_rows(self._path, self._map), skipped, None):
            observation = _observation(self._map, self._path, number, line, fields)
            if self._speed is not None and observation.taken is not None:
                first = first or observation.taken  # the pace is relative to the first row played
                due = started + (observation.taken - first).total_seconds() / self._speed
                await asyncio.sleep(max(0.0, due - loop.time()))
            elif number % _BREATH == 0:
                await asyncio.sleep(0)
            self.progress.rows = number
            self.progress.readings += len(observation.readings)
            yield observation


def read_rows(path: Path, layout: ReplayMap) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Yield (row number from 1, line number, text by column) for each data row.

    Rows may have more leading fields than the header has names, as in files of R with row names; the map
    gives their number and they are skipped. Raises SourceError when header or rows do not fit.
    """
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    with closing(file):
        reader = csv.reader(file, delimiter=layout.delimiter)
        names = next(reader, [])
        missing = [name for name in layout.column_names if name not in names]
        if missing:
            raise SourceError(f"{path} has no column {missing[0]!r}; it has: {', '.join(names)}")
        width = len(names) + layout.row_names
        number = 0
        for fields in reader:
            if not fields:
                continue
            number += 1
            if len(fields) != width:
                raise SourceError(
                    f"{path} line {reader.line_num} has {len(fields)} fields instead of {width}"
                )
            yield number, reader.line_num, dict(zip(names, fields[layout.row_names :], strict=True))


def count_rows(path: Path, layout: ReplayMap) -> int:
    """Return the number of data rows in the file. Raises SourceError like `read_rows`."""
    return sum(1 for _ in read_rows(path, layout))


def _observation(
    layout: ReplayMap, path: Path, number: int, line: int, fields: dict[str, str]
) -> Observation:
    try:
        taken = layout.time_of(fields)
        readings = tuple(
            Reading(s=column.series, v=_value(text), u=column.unit)
            for column in layout.columns
            if (text := fields[column.column].strip())
        )
    except ValueError as error:
        raise SourceError(f"{path} line {line}: {error}") from error
    if not readings:
        raise SourceError(f"{path} line {line} has no value in any of the map's columns")
    return Observation(readings=readings, taken=taken, cursor=str(number))


def _value(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value
