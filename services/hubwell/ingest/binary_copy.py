"""Encode readings for PostgreSQL's binary COPY.

The format has four fixed columns here, so one `struct` call makes a row and the whole batch is one write: an
awaited write for each row took several times as long (docs/decisions/0004-binary-copy-rows.md).
Format: PostgreSQL documentation, "COPY", section "Binary Format".
"""

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Final

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
TRAILER: Final = struct.pack(">h", -1)
POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)

_ROW: Final = struct.Struct(">h iq ii id ih".replace(" ", ""))
"""Field count, then (length, value) of time, series_id, value, quality."""


def microseconds(time: datetime) -> int:
    """Return microseconds since 2000-01-01 UTC, PostgreSQL's own way to count time."""
    since = time - POSTGRES_EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


INSTANT: Final = itemgetter(slice(0, 22))
"""Sorts rows by time and series, which begin the row in network byte order."""


HOUR_US: Final = 3600 * 1_000_000
APART_US: Final = 6 * HOUR_US
"""Microseconds; readings further apart are two spans, so that the time between is skipped."""


def spans(times_us: list[int]) -> Iterator[tuple[int, int]]:
    """Sort the times and yield (first, last) of each span; a device's clock may jump in a batch."""
    times_us.sort()
    first = last = times_us[0]
    for time_us in times_us:
        if time_us - last > APART_US:
            yield first, last
            first = time_us
        last = time_us
    yield first, last


def row(time_us: int, series_id: int, value: float, quality: int) -> bytes:
    """Return one encoded row of (time, series_id, value, quality)."""
    return _ROW.pack(4, 8, time_us, 4, series_id, 8, value, 2, quality)


_TIME_AND_SERIES: Final = struct.Struct(">6x q 4x i".replace(" ", ""))


def time_and_series(encoded: bytes) -> tuple[int, int]:
    """Return microseconds and series of one encoded row."""
    time_us, series_id = _TIME_AND_SERIES.unpack_from(encoded)
    return time_us, series_id


def series_of(rows: Sequence[bytes]) -> list[int]:
    """Return the series of encoded rows, each once."""
    return [int.from_bytes(series, "big") for series in {row[18:22] for row in rows}]


def instant(time_us: int) -> datetime:
    """Return the time that `microseconds` made into a number."""
    return POSTGRES_EPOCH + timedelta(microseconds=time_us)


def decode(rows: bytes) -> Iterator[tuple[datetime, int, float, int]]:
    """Yield (time, series_id, value, quality) of rows that were encoded here."""
    for _, _, time_us, _, series_id, _, value, _, quality in _ROW.iter_unpack(rows):
        yield instant(time_us), series_id, value, quality
