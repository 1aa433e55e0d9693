"""Turns rows of a table into readings with a time, as the map says; each problem is a sentence."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hubwell_edge.replay.layout import ReplayMap, ValueColumn
from hubwell_edge.replay.table import Row, Table
from hubwell_edge.replay.times import FormatError, Moment, TimeReader
from hubwell_edge.replay.values import ValueReader, find_decimal
from hubwell_wire.messages import Reading
from hubwell_wire.plausible import time_problem

Nothing = Literal["no-value", "not-in-map"]
"""Why a row has nothing to send, though nothing is wrong with it."""


class RowError(ValueError):
    """A row that cannot be sent; the text is the reason. `is_format`: its time does not match the format."""

    def __init__(self, reason: str, *, is_format: bool = False) -> None:
        super().__init__(reason)
        self.is_format = is_format


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a row recorded. `key` names the sequence of rows that it belongs to; `missing` counts values."""

    moment: Moment
    readings: tuple[Reading, ...]
    key: str
    missing: int


class RowReader:
    """Reads the rows of one file. Raises SourceError if its decimals cannot be decided."""

    def __init__(self, table: Table, layout: ReplayMap) -> None:
        self._layout = layout
        self._columns: dict[str, list[ValueColumn]] = {}
        for column in layout.columns:
            self._columns.setdefault(column.column, []).append(column)
        self._times = TimeReader(layout.time)
        decimal = find_decimal(layout, table.delimiter, self._texts(table))
        self._values = ValueReader(layout, decimal)

    def read(self, row: Row, now: datetime) -> Recorded | Nothing:
        """Return what the row recorded, or why it has nothing to send. Raises RowError."""
        if row.problem is not None:
            raise RowError(row.problem)
        cells = self._cells(row)
        if not cells:
            return "not-in-map"
        given = [(column, text) for column, text in cells if not self._values.is_missing(text)]
        if not given:
            return "no-value"
        moment = self._time(row, now)
        try:
            readings = tuple(
                Reading(s=column.series, v=self._values.read(text, column), u=column.conversion.unit)
                for column, text in given
            )
        except ValueError as error:
            raise RowError(str(error)) from error
        marked = sum(bool(text.strip()) for _, text in cells) - len(given)
        key = given[0][0].series if self._layout.long is not None else ""
        return Recorded(moment, readings, key, marked)

    def _time(self, row: Row, now: datetime) -> Moment:
        try:
            moment = self._times.read(row.fields)
        except ValueError as error:
            raise RowError(str(error), is_format=isinstance(error, FormatError)) from error
        problem = time_problem(moment.early, now)
        if problem is not None:
            raise RowError(problem.reason.removeprefix("ts: ").partition(": set the device")[0])
        return moment

    def _cells(self, row: Row) -> list[tuple[ValueColumn, str]]:
        """Return the columns of the map with their texts in this row."""
        long = self._layout.long
        if long is None:
            return [(column, row.fields[column.column]) for column in self._layout.columns]
        columns = self._columns.get(row.fields[long.entity].strip(), [])
        return [(column, row.fields[long.value]) for column in columns]

    def _texts(self, table: Table) -> Iterator[tuple[int, str, ValueColumn]]:
        for row in table.rows():
            if row.problem is None:
                for column, text in self._cells(row):
                    yield row.line, text, column
