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
from hubwell.ingest.id_cache import MOST_BOOTS, IdCache, StreamKey
from hubwell.ingest.receipts import Receipt, Span, make_receipt, multirange, spans_in, spans_of
from hubwell.storage.queries import Queries
from hubwell_wire.messages import Gap, Meta, Telemetry, Unstored
from hubwell_wire.plausible import Problem

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
    changing: list[tuple[int, int, float]] = field(default_factory=list)
    """Series, time (as in `times`) and value of the readings that are in doubt if they never change."""
    odd: dict[int, Problem] = field(default_factory=dict)
    """Readings that cannot be right, by their place in the message; they have no row."""
    clashes: dict[int, Problem] = field(default_factory=dict)
    """Readings of an instant at which their series has another value already."""
    copies: int = 1

    @property
    def unstored(self) -> dict[int, Problem]:
        """All readings that are not stored."""
        return self.odd | self.clashes

    @property
    def places(self) -> list[int]:
        """The place in the message of each of `rows`."""
        message = self.arrival.message
        readings = len(message.r) if isinstance(message, Telemetry) else 0
        return [place for place in range(readings) if place not in self.odd]

    def summary(self) -> str:
        """Return the first reason of each kind, with the number of readings that it concerns."""
        first: dict[str, str] = {}
        for problem in self.unstored.values():
            first.setdefault(*problem)
        counts = Counter(problem.code for problem in self.unstored.values())
        return "; ".join(
            f"{reason} ({counts[code]} readings of this message)" if counts[code] > 1 else reason
            for code, reason in first.items()
        )


def streams_named(registry: IdCache, batch: Batch, prepared: Iterable[Entry]) -> list[StreamKey]:
    """Return every (device, boot) of registered devices that the batch mentions, of messages first."""
    keys = [(entry.arrival.device, entry.arrival.message.boot) for entry in prepared]
    keys += refused_boots(registry, batch)
    for reported in batch.states:
        state = reported.state
        if not isinstance(state, Meta) and state.boot is not None and reported.device in registry.spaces:
            keys.append((reported.device, state.boot))
    return keys


def refused_boots(registry: IdCache, batch: Batch) -> list[StreamKey]:
    """Return the (device, boot) of each refused message of a registered device, where it is readable."""
    return [
        (str(item.device), item.boot)
        for item in batch.refused
        if item.boot is not None and item.device in registry.spaces
    ]


def refuse_without_stream(registry: IdCache, batch: Batch, prepared: Iterable[Entry]) -> list[Entry]:
    """Refuse the messages of boots past the device's quota; return the others."""
    admitted = []
    for entry in prepared:
        device = entry.arrival.device
        if (device, entry.arrival.message.boot) in registry.streams:
            admitted.append(entry)
        else:
            batch.refuse(entry.arrival, "too-many-boots", too_many_boots(device))
    return admitted


def too_many_boots(device: str) -> str:
    """Return why messages of a boot are not stored at present, and what to do."""
    return (
        f"{device!r} has started {MOST_BOOTS} times within a day: it keeps the messages of further starts "
        "until the day is over; find out why it restarts, or why its boot id changes"
    )


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
) -> tuple[dict[LedgerKey, Entry], list[Entry]]:
    """Write the ledger and return the entries that were not in it before, and those whose readings clashed.

    Usually all are new and one COPY takes them; only a batch that holds a redelivered message is upserted.

    A number that already belongs to another message id is refused: it would otherwise pass for a copy.
    """
    rows = [_stored_row(key, entry) for key, entry in entries.items()]
    rows += _refused_rows(registry, entries, batch.refused)
    if not rows:
        return {}, []
    rows.sort(key=itemgetter(0, 1))  # one order everywhere: two processes cannot wait for each other
    if await _copied(conn, rows):
        return dict(entries), []
    values = dict(zip(_COLUMNS, (list(column) for column in zip(*rows, strict=True)), strict=True))
    fresh: dict[LedgerKey, Entry] = {}
    clashed: list[Entry] = []
    for stream, seq, message_id, is_fresh, is_incomplete in await (
        await conn.execute(_SQL["add_messages"], values)
    ).fetchall():
        entry = entries.get((stream, seq))
        if entry is None:
            continue
        if is_fresh:
            fresh[stream, seq] = entry
        elif message_id is not None and message_id != entry.arrival.message.id:
            _refuse_reused(batch, entry.arrival, message_id)
        elif is_incomplete:
            clashed.append(entry)
    return fresh, clashed


async def count_unstored(conn: AsyncConnection[Any], fresh: dict[LedgerKey, Entry]) -> None:
    """Count in the ledger the readings of new messages that are not stored; usually there are none."""
    unstored = sorted((key, entry) for key, entry in fresh.items() if entry.unstored)
    if unstored:
        values = {
            "streams": [key[0] for key, _ in unstored],
            "seqs": [key[1] for key, _ in unstored],
            "clashing": [len(entry.clashes) for _, entry in unstored],
            "refused": [len(entry.odd) for _, entry in unstored],
        }
        await conn.execute(_SQL["count_unstored"], values)


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
    unstored: list[Unstored] = field(default_factory=list)


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
        make_receipt(
            device, boot, spans_in(safe), progress[stream].refusals.items(), progress[stream].unstored
        )
        for stream, device, boot, safe in rows
    ]


def _unstored(seq: int, entry: Entry) -> list[Unstored]:
    """Return the readings of a message that are not stored, those with the same reason together."""
    places: dict[str, list[int]] = {}
    for place, problem in entry.unstored.items():
        places.setdefault(problem.reason, []).append(place)
    return [
        Unstored(seq=seq, readings=tuple(listed), reason=reason[:300]) for reason, listed in places.items()
    ]


def _progress_of(
    registry: IdCache, entries: dict[LedgerKey, Entry], batch: Batch
) -> dict[int, StreamProgress]:
    progress: dict[int, StreamProgress] = {}
    for (stream, seq), entry in entries.items():
        added = progress.setdefault(stream, StreamProgress())
        added.numbers.append(seq)
        added.unstored += _unstored(seq, entry)
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
