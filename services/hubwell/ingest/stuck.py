"""Mark the readings of a series whose value never changes: its sensor repeats an old value.

Whether a reading is marked depends on the stored readings before it, and not on the order in which they came,
in which batch, or to which ingest process. Late readings mark later ones, or clear their marks.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.ingest import binary_copy, rollup
from hubwell.ingest.id_cache import IdCache, Run
from hubwell.ingest.ledger import Entry
from hubwell.storage.queries import Queries
from hubwell_wire.plausible import STUCK_FOR, STUCK_READS

_SQL: Final = Queries("hubwell.ingest")
_STEADY_READS: Final = 3
"""Equal readings seen here from which on the database is asked; each of several processes sees a share."""


async def mark(conn: AsyncConnection[Any], registry: IdCache, entries: Sequence[Entry]) -> None:
    """Mark stuck readings among those just stored and after them, in the caller's transaction.

    The times of all readings whose mark changed are added to the entry of their series, so that rules
    evaluate them again. A series that changes as usual costs no query.
    """
    touched: dict[int, list[int]] = {}
    entry_of: dict[int, Entry] = {}
    readings = sorted((item, number) for number, entry in enumerate(entries) for item in entry.changing)
    for (series, time_us, value), number in readings:
        if _is_steady(registry, series, time_us, value):
            touched.setdefault(series, []).append(time_us)
            entry_of[series] = entries[number]
    if not touched:
        return
    spans = [(series, *span) for series in sorted(touched) for span in binary_copy.spans(touched[series])]
    # Two processes that store readings of one series wait for each other here, after both have inserted:
    # the second one sees the readings of the first.
    await conn.execute(_SQL["lock_marks"], {"series": list(touched)})
    values = {
        "series": [series for series, _, _ in spans],
        "first": [binary_copy.instant(first) for _, first, _ in spans],
        "last": [binary_copy.instant(last) for _, _, last in spans],
        "reads": STUCK_READS,
        "least": STUCK_FOR,
    }
    changed: list[tuple[int, datetime]] = await (await conn.execute(_SQL["mark_stuck"], values)).fetchall()
    for series, time in changed:
        entry_of[series].times.append(binary_copy.microseconds(time))
    await rollup.note(conn, [(binary_copy.microseconds(time), series) for series, time in changed])


def _is_steady(registry: IdCache, series: int, time_us: int, value: float) -> bool:
    """Return whether this reading may belong to a run of equal values, end one, or be late."""
    before = registry.runs.get(series)
    if before is None:  # what was stored before this process began is not known
        registry.runs[series] = Run(value, STUCK_READS, time_us)
        return True
    reads = before.reads + 1 if value == before.value else 1
    registry.runs[series] = Run(value, reads, max(time_us, before.newest_us))
    return max(reads, before.reads) >= _STEADY_READS or time_us <= before.newest_us
