"""The ledger: one row per message received, by boot and sequence number, whether stored or rejected.

A message enters it once (its key is stream and number); copies are counted; rejected messages have a row
too. The audit and the receipts are computed from it, never from counters of a process.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from hubwell.ingest.batch import Arrival, Batch, RejectedMessage
from hubwell.ingest.id_cache import IdCache
from hubwell.ingest.receipts import Receipt, Span, make_receipt, multirange, spans_in, spans_of
from hubwell.storage.queries import Queries
from hubwell_wire.messages import Gap, Meta

_SQL: Final = Queries("hubwell.ingest")
_TYPES: Final = ("int4", "int8", "uuid", "timestamptz", "text", "text", "int4", "int4")
_COLUMNS: Final = ("streams", "seqs", "ids", "times", "kinds", "verdicts", "readings", "copies")

LedgerKey = tuple[int, int]
"""(stream id, number)"""


@dataclass(slots=True)
class Entry:
    """A message on its way into the ledger, with its readings."""

    arrival: Arrival
    rows: list[bytes] = field(default_factory=list)
    """The readings, encoded for COPY."""
    quantities: frozenset[str] = frozenset()
    times: list[int] = field(default_factory=list)
    """Times of the readings that bound their spans, in microseconds since 2000."""
    copies: int = 1


def streams_named(registry: IdCache, batch: Batch, prepared: Iterable[Entry]) -> set[tuple[str, UUID]]:
    """Return every (device, boot) of a registered device that the batch mentions."""
    keys = {(entry.arrival.device, entry.arrival.message.boot) for entry in prepared}
    for item in batch.refused:
        if item.boot is not None and item.device in registry.spaces:
            keys.add((str(item.device), item.boot))
    for reported in batch.states:
        state = reported.state
        if not isinstance(state, Meta) and state.boot is not None and reported.device in registry.spaces:
            keys.add((reported.device, state.boot))
    return keys


def by_number(registry: IdCache, prepared: Iterable[Entry], batch: Batch) -> dict[LedgerKey, Entry]:
    """Fold copies inside the batch: an upsert may touch a row only once."""
    entries: dict[LedgerKey, Entry] = {}
    for entry in prepared:
        message = entry.arrival.message
        key = (registry.streams[entry.arrival.device, message.boot], message.seq)
        first = entries.setdefault(key, entry)
        if first is entry:
            continue
        first.copies += 1
        if first.arrival.message.id != message.id:
            _refuse_reused(batch, entry.arrival, first.arrival.message.id)
    return entries


async def add_messages(
    conn: AsyncConnection[Any], registry: IdCache, entries: dict[LedgerKey, Entry], batch: Batch
) -> dict[LedgerKey, Entry]:
    """Write the ledger and return the entries that were not in it before.

    Usually all are new and one COPY takes them; only a batch that holds a redelivered message is upserted.

    A number that already belongs to another message id is refused: it would otherwise pass for a copy.
    """
    rows = [_stored_row(key, entry) for key, entry in entries.items()]
    rows += _refused_rows(registry, entries, batch.refused)
    if not rows:
        return {}
    rows.sort(key=itemgetter(0, 1))  # one order everywhere: two processes cannot wait for each other
    if await _copied(conn, rows):
        return dict(entries)
    values = dict(zip(_COLUMNS, (list(column) for column in zip(*rows, strict=True)), strict=True))
    fresh: dict[LedgerKey, Entry] = {}
    for stream, seq, message_id, is_fresh in await (
        await conn.execute(_SQL["add_messages"], values)
    ).fetchall():
        entry = entries.get((stream, seq))
        if entry is None:
            continue
        if is_fresh:
            fresh[stream, seq] = entry
        elif message_id is not None and message_id != entry.arrival.message.id:
            _refuse_reused(batch, entry.arrival, message_id)
    return fresh


async def _copied(conn: AsyncConnection[Any], rows: list[tuple[Any, ...]]) -> bool:
    """Copy the rows; return False if at least one number was in the ledger before."""
    try:
        async with conn.transaction(), conn.cursor() as cursor, cursor.copy(_SQL["copy_messages"]) as copy:
            copy.set_types(_TYPES)
            for row in rows:
                await copy.write_row(row)
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _refuse_reused(batch: Batch, arrival: Arrival, owner: UUID) -> None:
    reason = (
        f"number {arrival.message.seq} of this boot already belongs to message {owner}: "
        "do two agents run with copies of one outbox?"
    )
    batch.refuse(arrival, "seq-reused", reason)


def _stored_row(key: LedgerKey, entry: Entry) -> tuple[Any, ...]:
    message = entry.arrival.message
    kind = "telemetry" if entry.rows else "event"
    return (*key, message.id, message.ts, kind, "stored", len(entry.rows), entry.copies)


def _refused_rows(
    registry: IdCache, entries: dict[LedgerKey, Entry], refused: Iterable[RejectedMessage]
) -> list[tuple[Any, ...]]:
    """Return ledger rows for rejected messages whose number is readable, so that the receipt covers them."""
    kinds: dict[LedgerKey, str] = {}
    copies: Counter[LedgerKey] = Counter()
    for item in refused:
        stream = _stream_of(registry, item)
        if stream is not None and item.seq is not None and (stream, item.seq) not in entries:
            kinds[stream, item.seq] = "event" if item.topic.endswith("event") else "telemetry"
            copies[stream, item.seq] += 1
    return [(*key, None, None, kind, "rejected", 0, copies[key]) for key, kind in kinds.items()]


def _stream_of(registry: IdCache, item: RejectedMessage) -> int | None:
    if item.device is None or item.boot is None:
        return None
    return registry.streams.get((item.device, item.boot))


@dataclass(slots=True)
class StreamProgress:
    """What one batch adds to one stream."""

    numbers: list[int] = field(default_factory=list)
    declared: list[Span] = field(default_factory=list)
    last: int = 0
    refusals: dict[int, str] = field(default_factory=dict)


async def advance(
    conn: AsyncConnection[Any], registry: IdCache, entries: dict[LedgerKey, Entry], batch: Batch
) -> list[Receipt]:
    """Update each stream's received numbers and return the receipts to send after the commit."""
    progress = _progress_of(registry, entries, batch)
    if not progress:
        return []
    values = {
        "ids": list(progress),
        "received": [multirange(spans_of(h.numbers)) for h in progress.values()],
        "declared": [multirange(h.declared) for h in progress.values()],
        "last": [max([h.last, *h.numbers]) for h in progress.values()],
    }
    rows = await (await conn.execute(_SQL["advance_streams"], values)).fetchall()
    return [
        make_receipt(device, boot, spans_in(safe), progress[stream].refusals.items())
        for stream, device, boot, safe in rows
    ]


def _progress_of(
    registry: IdCache, entries: dict[LedgerKey, Entry], batch: Batch
) -> dict[int, StreamProgress]:
    progress: dict[int, StreamProgress] = {}
    for (stream, seq), entry in entries.items():
        added = progress.setdefault(stream, StreamProgress())
        added.numbers.append(seq)
        message = entry.arrival.message
        if isinstance(message, Gap) and message.data.first is not None and message.data.last is not None:
            added.declared.append((message.data.first, message.data.last))
    for item in batch.refused:
        key = _stream_of(registry, item)
        if key is not None and item.seq is not None:
            added = progress.setdefault(key, StreamProgress())
            added.numbers.append(item.seq)
            added.refusals[item.seq] = item.reason
    for reported in batch.states:
        state = reported.state
        if isinstance(state, Meta) or state.boot is None:
            continue
        key = registry.streams.get((reported.device, state.boot))
        if key is not None:
            added = progress.setdefault(key, StreamProgress())
            added.last = max(added.last, state.last_seq or 0)
    return progress
