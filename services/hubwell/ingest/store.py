"""Write one batch in the caller's transaction: ledger, readings, events, rejects; then the receipts.

Redelivery is harmless: the ledger's key (stream, seq) lets a message in once and counts its copies. The
caller commits, and only then acknowledges and sends the receipts.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from hubwell.events import BadgeTapped, FaultReported, ReadingsStored, Stored
from hubwell.ingest import copy_rows, ledger
from hubwell.ingest.batch import Arrival, Batch, Refused
from hubwell.ingest.ledger import Entry, LedgerKey, Row
from hubwell.ingest.receipts import Receipt
from hubwell.ingest.registry import Registry
from hubwell.storage.queries import Queries
from hubwell_wire.messages import Fault, Gap, Meta, Tap, Telemetry

_SQL: Final = Queries("hubwell.ingest")
_QUALITY: Final = {"ok": 0, "inferred": 1, "suspect": 2}
_KEPT_PAYLOAD: Final = 64 * 1024
"""Bytes of a refused payload that are kept."""


@dataclass(slots=True)
class Outcome:
    """What one batch did: facts for the switchboard, receipts for after the commit."""

    facts: list[Stored] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    spaces: set[str] = field(default_factory=set)


async def store_batch(conn: AsyncConnection[Any], registry: Registry, batch: Batch) -> Outcome:
    """Store everything in `batch` and return the facts and receipts.

    Raises psycopg.Error; the caller's transaction is then rolled back whole and nothing was acknowledged.
    """
    outcome = Outcome()
    devices = {arrival.device for arrival in batch.arrivals}
    devices |= {device for device, _ in batch.states} | {r.device for r in batch.refused if r.device}
    await registry.refresh_devices(conn, devices)
    prepared = await _prepare(conn, registry, batch)
    await registry.resolve_streams(conn, ledger.streams_named(registry, batch, prepared))
    entries = ledger.by_number(registry, prepared)
    fresh = await ledger.add_messages(conn, registry, entries, batch)
    await _store_readings(conn, [row for entry in fresh.values() for row in entry.rows])
    outcome.facts += _reading_facts(registry, fresh.values())
    for key, entry in fresh.items():
        await _store_event(conn, registry, key, entry.arrival, outcome)
    await _add_rejected(conn, batch.refused)
    await _set_states(conn, registry, batch)
    outcome.receipts = await ledger.advance(conn, registry, entries, batch)
    outcome.spaces = {space for device in devices if (space := registry.spaces.get(device)) is not None}
    return outcome


async def _prepare(conn: AsyncConnection[Any], registry: Registry, batch: Batch) -> list[Entry]:
    """Find the series of each arrival; set aside what comes from strangers or changes its unit."""
    entries = []
    for arrival in batch.arrivals:
        if arrival.device not in registry.spaces:
            reason = (
                f"device {arrival.device!r} is not registered: "
                f"`hubwell device add {arrival.device} --space SPACE`; it keeps its messages until then"
            )
            batch.refuse(arrival, "unknown-device", reason, tell=False)
            continue
        message = arrival.message
        rows: list[Row] | str = []
        if isinstance(message, Telemetry):
            rows = await _rows(conn, registry, arrival.device, message)
        if isinstance(rows, str):
            batch.refuse(arrival, "unit", rows)
            continue
        entries.append(Entry(arrival, rows))
    return entries


async def _rows(
    conn: AsyncConnection[Any], registry: Registry, device: str, message: Telemetry
) -> list[Row] | str:
    """Return the rows of a message, or the sentence that says why its units do not fit."""
    known = await registry.series_of(conn, device)
    base = copy_rows.microseconds(message.ts)
    rows: list[Row] = []
    for reading in message.r:
        ref = known.get(reading.s)
        if ref is None:
            ref = await registry.add_series(conn, device, reading.s, reading.u)
        if ref.unit != reading.u:
            return (
                f"series {reading.s!r} of {device!r} was in {ref.unit!r} and now comes in {reading.u!r}: "
                "give it another name"
            )
        rows.append((base + reading.t * 1000, ref.id, reading.v, _QUALITY[reading.q]))
    return rows


async def _store_readings(conn: AsyncConnection[Any], rows: list[Row]) -> None:
    """Copy the rows in; where one of them is there already, insert around it instead.

    The ledger keeps redelivered messages out, so a clash is rare: a device that sends the same instant of
    a series in two different messages. The first one stays.
    """
    if not rows:
        return
    try:
        async with conn.transaction(), conn.cursor() as cursor, cursor.copy(_SQL["copy_readings"]) as copy:
            encoded = b"".join([copy_rows.row(*row) for row in rows])
            await copy.write(copy_rows.HEADER + encoded + copy_rows.TRAILER)
    except psycopg.errors.UniqueViolation:
        times, series, values, qualities = (list(column) for column in zip(*rows, strict=True))
        instants = [copy_rows.POSTGRES_EPOCH + timedelta(microseconds=time) for time in times]
        await conn.execute(
            _SQL["insert_readings"],
            {"times": instants, "series": series, "values": values, "qualities": qualities},
        )


def _reading_facts(registry: Registry, entries: Iterable[Entry]) -> list[Stored]:
    """Say for each space and quantity which span of time has new readings."""
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    refs: dict[int, tuple[str, str]] = {}
    for entry in entries:
        space = registry.spaces.get(entry.arrival.device)
        if space is None:
            continue
        for time, series_id, _value, _quality in entry.rows:
            key = refs.get(series_id)
            if key is None:
                key = refs[series_id] = (space, registry.quantity(series_id))
            low, high = spans.get(key, (time, time))
            spans[key] = (min(low, time), max(high, time))
    return [
        ReadingsStored(space_id=space, quantity=quantity, first=_instant(low), last=_instant(high))
        for (space, quantity), (low, high) in spans.items()
    ]


def _instant(microseconds: int) -> datetime:
    return copy_rows.POSTGRES_EPOCH + timedelta(microseconds=microseconds)


async def _store_event(
    conn: AsyncConnection[Any], registry: Registry, key: LedgerKey, arrival: Arrival, outcome: Outcome
) -> None:
    """Turn an event message into its fact. A gap is the ledger's own business and ends here."""
    message, space = arrival.message, registry.spaces[arrival.device]
    match message:
        case Telemetry():
            return
        case Tap():
            outcome.facts.append(
                BadgeTapped(
                    stream_id=key[0],
                    seq=key[1],
                    time=message.ts,
                    badge=bytes.fromhex(message.data.badge),
                    epoch=message.data.epoch,
                    reader=message.data.reader,
                    space_id=space,
                )
            )
        case Fault():
            outcome.facts.append(
                FaultReported(
                    device_id=arrival.device,
                    space_id=space,
                    time=message.ts,
                    part=message.data.part,
                    state=message.data.state,
                    detail=message.data.detail,
                )
            )
        case Gap():
            first, last = message.data.first, message.data.last
            seqs = Range(first, last, "[]") if first is not None else None
            await conn.execute(
                _SQL["add_gap"],
                {
                    "stream": key[0],
                    "seq": key[1],
                    "seqs": seqs,
                    "cause": message.data.cause,
                    "count": message.data.count,
                    "at": message.ts,
                },
            )


async def _add_rejected(conn: AsyncConnection[Any], refused: Iterable[Refused]) -> None:
    for item in refused:
        await conn.execute(
            _SQL["add_rejected"],
            {
                "digest": hashlib.sha256(item.topic.encode() + b"\0" + item.payload).digest(),
                "topic": item.topic[:300].replace("\0", ""),
                "device": item.device,
                "boot": item.boot,
                "seq": item.seq,
                "code": item.code,
                "reason": item.reason[:1000].replace("\0", ""),
                "payload": item.payload[:_KEPT_PAYLOAD],
                "size": len(item.payload),
            },
        )


async def _set_states(conn: AsyncConnection[Any], registry: Registry, batch: Batch) -> None:
    for device, state in batch.states:
        if device not in registry.spaces:
            continue
        if isinstance(state, Meta):
            meta = Jsonb(state.model_dump(mode="json"))
            await conn.execute(_SQL["set_meta"], {"device": device, "meta": meta, "name": state.name})
        else:
            await conn.execute(_SQL["set_status"], {"device": device, "status": state.state})
