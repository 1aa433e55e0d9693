"""Encode readings for PostgreSQL's binary COPY.

The format has four fixed columns here, so one `struct` call makes a row and the whole batch is one write: an
awaited write for each row took several times as long (docs/decisions/0004-binary-copy-rows.md).
Format: PostgreSQL documentation, "COPY", section "Binary Format".
"""

import struct
from collections.abc import Iterator
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


def row(time_us: int, series_id: int, value: float, quality: int) -> bytes:
    """Return one encoded row of (time, series_id, value, quality)."""
    return _ROW.pack(4, 8, time_us, 4, series_id, 8, value, 2, quality)


def instant(time_us: int) -> datetime:
    """Return the time that `microseconds` made into a number."""
    return POSTGRES_EPOCH + timedelta(microseconds=time_us)


def decode(rows: bytes) -> Iterator[tuple[datetime, int, float, int]]:
    """Yield (time, series_id, value, quality) of rows that were encoded here."""
    for _, _, time_us, _, series_id, _, value, _, quality in _ROW.iter_unpack(rows):
        yield instant(time_us), series_id, value, quality
