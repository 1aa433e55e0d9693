"""A recorded CSV file as a source: each row becomes one observation with the time recorded in it.

The cursor is the number of rows taken so far and the digest of their content under this map. So an
interrupted replay continues where the outbox left off, a file that grew goes on at its end, and another file
begins at its beginning.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hubwell_edge.replay.layout import ReplayMap
from hubwell_edge.replay.rows import RowError, RowReader
from hubwell_edge.replay.scan import Plan, scan
from hubwell_edge.replay.table import Row, open_table
from hubwell_edge.sources.observation import Observation, SourceError
from hubwell_wire.messages import Reading

_BREATH: Final = 256
"""Rows between two points at which other tasks may run."""
_DIGEST_BYTES: Final = 16


@dataclass(slots=True)
class Progress:
    """Progress of a replay, for a progress bar: rows taken so far, and in total."""

    rows: int = 0
    total: int = 0
    readings: int = 0
    complete: bool = False


class ReplaySource:
    """Plays `path` as described by `layout`, `speed` times as fast as recorded; None is unlimited.

    The constructor parses the whole file. Raises SourceError, with lines and reasons, for a file that cannot
    be right; with `skip_bad` rows that cannot be read are left out.
    """

    def __init__(
        self, path: Path, layout: ReplayMap, *, speed: float | None = None, skip_bad: bool = False
    ) -> None:
        self.name = f"replay-{path.name}"
        self._table = open_table(path, layout)
        self._reader = RowReader(self._table, layout)
        self.plan: Plan = scan(self._table, layout, self._reader, skip_bad=skip_bad)
        self.progress = Progress(total=self.plan.rows)
        self._seed = hashlib.blake2b(layout.model_dump_json().encode(), digest_size=_DIGEST_BYTES)
        self._speed = speed

    def rows_taken(self, cursor: str | None) -> int:
        """Return how many rows of this file the cursor covers: 0 for a cursor of another file or map."""
        number, _, digest = (cursor or "").partition(":")
        if not number.isdigit() or not digest:
            return 0
        content = self._seed.copy()
        for row in self._table.rows():
            _add(content, row)
            if row.number == int(number):
                return row.number if content.hexdigest() == digest else 0
        return 0

    async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield the rows after `cursor`."""
        taken_before = self.rows_taken(cursor)
        self.progress.rows = taken_before
        loop = asyncio.get_running_loop()
        started, first = loop.time(), None
        content = self._seed.copy()
        for row in self._table.rows():
            _add(content, row)
            if row.number <= taken_before:
                continue
            if (
                row.number > self.plan.rows
            ):  # the file grew since the first pass; the next replay goes on there
                break
            self.progress.rows = row.number
            sent = self._recorded(row)
            if sent is None:
                continue
            taken, readings = sent
            if self._speed is not None:
                first = first or taken  # the pace is relative to the first row played
                due = started + (taken - first).total_seconds() / self._speed
                await asyncio.sleep(max(0.0, due - loop.time()))
            elif row.number % _BREATH == 0:
                await asyncio.sleep(0)
            self.progress.readings += len(readings)
            yield Observation(readings=readings, taken=taken, cursor=f"{row.number}:{content.hexdigest()}")
        self.progress.complete = True

    def recorded_rows(self) -> Iterator[tuple[int, datetime, tuple[Reading, ...]]]:
        """Yield line, time and readings of each row that is sent."""
        for row in self._table.rows():
            sent = self._recorded(row)
            if sent is not None:
                yield row.line, *sent

    def _recorded(self, row: Row) -> tuple[datetime, tuple[Reading, ...]] | None:
        """Return time and readings of a row; None for one that is not sent."""
        if row.number in self.plan.skipped:
            return None
        try:
            recorded = self._reader.read(row, datetime.now(UTC))
        except RowError as error:  # it was right in the first pass
            raise SourceError(
                f"{self._table.path} was changed during the replay (line {row.line}: {error}): start again"
            ) from error
        if isinstance(recorded, str):
            return None
        late = self.plan.late.get(row.number, False)
        return recorded.moment.late if late else recorded.moment.early, recorded.readings


def _add(content: "hashlib.blake2b", row: Row) -> None:
    content.update("\x1f".join(row.raw).encode("utf-8", "surrogatepass") + b"\x1e")
