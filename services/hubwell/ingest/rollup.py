"""Keep the table of hours equal to the readings: writers note what they wrote, a job adds it up.

A note is a row that is only ever inserted, in the transaction that writes the readings. So ingest waits for
nobody, and the job that sees a note sees its readings: nothing that is committed can be left out, however
late it came.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.ingest import binary_copy
from hubwell.settings import Settings
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.ingest")
_NOTES: Final = 100
"""Notes that are taken at once; one of an upgrade stands for a day of a device."""
_LONGEST_S: Final = 5.0
"""Seconds after which a run leaves the rest to the next one."""


async def note(conn: AsyncConnection[Any], instants: Iterable[tuple[int, int]]) -> None:
    """Note readings that were written in this transaction, by (microseconds, series)."""
    hours: dict[int, set[int]] = {}
    for time_us, series in instants:
        hours.setdefault(time_us // binary_copy.HOUR_US, set()).add(series)
    for hour, series_ids in hours.items():
        await _note_hour(conn, hour, series_ids)


async def note_rows(conn: AsyncConnection[Any], rows: Sequence[bytes]) -> None:
    """Note encoded rows that were just stored, in the order of their times."""
    first, last = (binary_copy.time_and_series(row)[0] // binary_copy.HOUR_US for row in (rows[0], rows[-1]))
    if first == last:  # nearly always: the rows are not taken apart then
        await _note_hour(conn, first, binary_copy.series_of(rows))
    else:
        await note(conn, map(binary_copy.time_and_series, rows))


async def _note_hour(conn: AsyncConnection[Any], hour: int, series: Iterable[int]) -> None:
    first = hour * binary_copy.HOUR_US
    values = {
        "series": sorted(series),
        "first": binary_copy.instant(first),
        "last": binary_copy.instant(first + binary_copy.HOUR_US - 1),
    }
    await conn.execute(_SQL["note_change"], values)


async def roll_up(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Add up the hours whose readings were written since the last run: a scheduled job.

    The newest notes come first, so that a long catch-up after an upgrade does not hold up the present.
    """
    del now, settings
    await conn.execute(_SQL["one_roll_up_at_a_time"])
    begin = monotonic()
    while await _take(conn) == _NOTES and monotonic() - begin < _LONGEST_S:
        pass


async def _take(conn: AsyncConnection[Any]) -> int:
    row = await (await conn.execute(_SQL["roll_up"], {"most": _NOTES})).fetchone()
    return 0 if row is None else int(row[0])
