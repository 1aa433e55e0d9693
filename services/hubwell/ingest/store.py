"""Write one batch in the caller's transaction: ledger, readings, events, rejects; then the receipts.

Redelivery is harmless: the ledger's key (stream, seq) lets a message in once and counts its copies. The
caller commits, and only then acknowledges and sends the receipts.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from operator import attrgetter, itemgetter
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.types.range import Range

from hubwell.events import (
    BadgeTapped,
    DeviceDescribed,
    DeviceReported,
    FaultReported,
    MessagesStored,
    ReadingsStored,
    Span,
    Stored,
    SunSigned,
    TapAnswered,
)
from hubwell.ingest import binary_copy, ledger
from hubwell.ingest.batch import Arrival, Batch, RejectedMessage
from hubwell.ingest.id_cache import IdCache
from hubwell.ingest.ledger import Entry, LedgerKey
from hubwell.ingest.receipts import Receipt
from hubwell.storage.queries import Queries
from hubwell_wire.messages import Fault, Gap, Meta, Tap, Telemetry

_SQL: Final = Queries("hubwell.ingest")
_QUALITY: Final = {"ok": 0, "inferred": 1, "suspect": 2}
_KEPT_PAYLOAD: Final = 64 * 1024
"""Bytes of a refused payload that are kept."""
_CARD_FIELDS: Final = (b'"badge"', b'"was"', b'"picc"')
_APART_US: Final = 6 * 3600 * 1_000_000
"""Microseconds; readings further apart become two spans, so that rules skip the time between."""


@dataclass(slots=True)
class Outcome:
    """Result of one batch: facts for the switchboard; answers and receipts to send after the commit."""

    facts: list[Stored] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    answers: list[TapAnswered] = field(default_factory=list)


async def store_batch(conn: AsyncConnection[Any], registry: IdCache, batch: Batch) -> Outcome:
    """Store everything in `batch` and return the facts and receipts.

    Raises psycopg.Error; the caller's transaction is then rolled back whole and nothing was acknowledged.
    """
    outcome = Outcome()
    devices = {arrival.device for arrival in batch.arrivals}
    devices |= {state.device for state in batch.states} | {r.device for r in batch.refused if r.device}
    await registry.refresh_devices(conn, devices)
    prepared = await _prepare(conn, registry, batch)
    await registry.resolve_streams(conn, ledger.streams_named(registry, batch, prepared))
    entries = ledger.by_number(registry, prepared, batch)
    fresh = await ledger.add_messages(conn, registry, entries, batch)
    await _store_readings(conn, [row for entry in fresh.values() for row in entry.rows])
    outcome.facts += _reading_facts(registry, fresh.values())
    for key, entry in fresh.items():
        await _store_event(conn, registry, key, entry.arrival, outcome)
    outcome.facts.sort(key=_lock_order)
    await _add_rejected(conn, batch.refused)
    outcome.facts += _device_facts(registry, batch)
    outcome.receipts = await ledger.advance(conn, registry, entries, batch)
    spaces = {space for device in devices if (space := registry.spaces.get(device)) is not None}
    if spaces:
        outcome.facts.append(MessagesStored(space_ids=tuple(sorted(spaces))))
    return outcome


async def _prepare(conn: AsyncConnection[Any], registry: IdCache, batch: Batch) -> list[Entry]:
    """Look up the series of each arrival; reject unknown devices and changed units."""
    entries = []
    await _add_new_series(conn, registry, batch)
    for arrival in batch.arrivals:
        if arrival.device not in registry.spaces:
            reason = (
                f"device {arrival.device!r} is not registered: "
                f"`hubwell device add {arrival.device} --space SPACE`; it keeps its messages until then"
            )
            batch.refuse(arrival, "unknown-device", reason, tell=False)
            continue
        entry, problem = Entry(arrival), None
        if isinstance(arrival.message, Telemetry):
            problem = await _encode(conn, registry, entry, arrival.message)
        if problem is not None:
            batch.refuse(arrival, "unit", problem)
            continue
        entries.append(entry)
    return entries


async def _add_new_series(conn: AsyncConnection[Any], registry: IdCache, batch: Batch) -> None:
    """Create the series that are seen for the first time, in one order in every ingest process."""
    new: dict[tuple[str, str], str] = {}
    for arrival in batch.arrivals:
        message = arrival.message
        if isinstance(message, Telemetry) and arrival.device in registry.spaces:
            series = await registry.series_of(conn, arrival.device)
            if not series.keys() >= {reading.s for reading in message.r}:
                for reading in message.r:
                    if reading.s not in series:
                        new.setdefault((arrival.device, reading.s), reading.u)
    for (device, name), unit in sorted(new.items()):
        await registry.add_series(conn, device, name, unit)


async def _encode(
    conn: AsyncConnection[Any], registry: IdCache, entry: Entry, message: Telemetry
) -> str | None:
    """Encode the readings into the entry, or return the reason why their units do not match."""
    device = entry.arrival.device
    series = await registry.series_of(conn, device)
    base = binary_copy.microseconds(message.ts)
    encode, rows, quantities = binary_copy.row, entry.rows, set()
    for reading in message.r:
        ref = series[reading.s]
        if ref.unit != reading.u:
            return (
                f"series {reading.s!r} of {device!r} was in {ref.unit!r} and now comes in {reading.u!r}: "
                "give it another name"
            )
        rows.append(encode(base + reading.t * 1000, ref.id, reading.v, _QUALITY[reading.q]))
        quantities.add(ref.quantity)
    entry.quantities = frozenset(quantities)
    offsets: Sequence[int] = message.offsets_ms()
    if offsets[1] - offsets[0] > _APART_US // 1000:  # usually the first and the last are enough
        offsets = [reading.t for reading in message.r]
    entry.times = [base + offset * 1000 for offset in offsets]
    return None


async def _store_readings(conn: AsyncConnection[Any], rows: list[bytes]) -> None:
    """Copy the rows in; where one of them is there already, insert around it instead.

    The ledger keeps redelivered messages out, so a clash is rare: a device that sends the same instant of
    a series in two different messages. The first one stays.
    """
    if not rows:
        return
    rows.sort(key=binary_copy.INSTANT)  # one order everywhere; of two for one instant the first stays first
    encoded = b"".join(rows)
    try:
        async with conn.transaction(), conn.cursor() as cursor, cursor.copy(_SQL["copy_readings"]) as copy:
            await copy.write(binary_copy.HEADER + encoded + binary_copy.TRAILER)
    except psycopg.errors.UniqueViolation:
        columns = (list(column) for column in zip(*binary_copy.decode(encoded), strict=True))
        values = dict(zip(("times", "series", "values", "qualities"), columns, strict=True))
        await conn.execute(_SQL["insert_readings"], values)


def _reading_facts(registry: IdCache, entries: Iterable[Entry]) -> list[Stored]:
    """Return, for each quantity, the spaces with new readings and their time spans."""
    times: dict[tuple[str, frozenset[str]], list[int]] = {}
    for entry in entries:
        space = registry.spaces.get(entry.arrival.device)
        if space is not None and entry.times:
            # A device sends the same quantities again and again: times are gathered once for all of them.
            times.setdefault((space, entry.quantities), []).extend(entry.times)
    spans: dict[str, list[Span]] = {}
    for (space, quantities), instants in sorted(times.items(), key=lambda item: item[0][0]):
        in_space = [Span(space, binary_copy.instant(a), binary_copy.instant(b)) for a, b in _spans(instants)]
        for quantity in quantities:
            spans.setdefault(quantity, []).extend(in_space)
    return [
        ReadingsStored(quantity=quantity, spans=tuple(of_quantity)) for quantity, of_quantity in spans.items()
    ]


def _spans(times: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of each group of times, in microseconds; a device's clock may jump in a batch."""
    times.sort()
    first = last = times[0]
    for time in times:
        if time - last > _APART_US:
            yield first, last
            first = time
        last = time
    yield first, last


def _lock_order(fact: Stored) -> tuple[int, str]:
    """Sort key of facts: reactions take locks in one order, which prevents deadlocks between processes.

    Taps come first, because rules ask whether a space is occupied; among them the earlier one, because the
    counters of cards that sign have to rise.
    """
    match fact:
        case BadgeTapped():
            return 0, fact.time.astimezone(UTC).isoformat()
        case ReadingsStored():
            return 1, fact.quantity
        case FaultReported():
            return 2, fact.device_id
        case DeviceReported() | DeviceDescribed():
            return 3, fact.device_id
        case MessagesStored():
            return 4, ""


async def _store_event(
    conn: AsyncConnection[Any], registry: IdCache, key: LedgerKey, arrival: Arrival, outcome: Outcome
) -> None:
    """Turn an event message into its fact. A gap is stored in the ledger and causes none."""
    message, space = arrival.message, registry.spaces[arrival.device]
    match message:
        case Telemetry():
            return
        case Tap():
            outcome.facts.append(_tapped(key, arrival.device, space, message))
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


def _tapped(key: LedgerKey, device: str, space: str | None, message: Tap) -> BadgeTapped:
    data = message.data
    sun = data.sun
    return BadgeTapped(
        device_id=device,
        boot=message.boot,
        stream_id=key[0],
        seq=key[1],
        time=message.ts,
        badge=None if data.badge is None else bytes.fromhex(data.badge),
        epoch=data.epoch,
        reader=data.reader,
        space_id=space,
        was=None if data.was is None else bytes.fromhex(data.was),
        sun=None if sun is None else SunSigned(bytes.fromhex(sun.picc), bytes.fromhex(sun.cmac)),
        said=data.said,
    )


async def _add_rejected(conn: AsyncConnection[Any], refused: Iterable[RejectedMessage]) -> None:
    def digest(item: RejectedMessage) -> bytes:
        return hashlib.sha256(item.topic.encode() + b"\0" + item.payload).digest()

    for key, item in sorted(((digest(item), item) for item in refused), key=itemgetter(0)):
        await conn.execute(
            _SQL["add_rejected"],
            {
                "digest": key,
                "topic": item.topic[:300].replace("\0", ""),
                "device": item.device,
                "boot": item.boot,
                "seq": item.seq,
                "code": item.code,
                "reason": item.reason[:1000].replace("\0", ""),
                "payload": _kept(item),
                "size": len(item.payload),
            },
        )


def _kept(item: RejectedMessage) -> bytes:
    """Return the stored part of a rejected payload: nothing where it may hold a card number."""
    if item.code != "clock-unsynced" and any(name in item.payload for name in _CARD_FIELDS):
        return b""
    return item.payload[:_KEPT_PAYLOAD]


def _device_facts(registry: IdCache, batch: Batch) -> Iterator[DeviceReported | DeviceDescribed]:
    """Return the states of registered devices, ordered by device: the same lock order in every process."""
    for item in sorted(batch.states, key=attrgetter("device")):
        if item.device not in registry.spaces:
            continue
        if isinstance(item.state, Meta):
            meta = item.state.model_dump(mode="json")
            yield DeviceDescribed(device_id=item.device, name=item.state.name, meta=meta)
        else:
            status, roster_at = item.state.state, item.state.roster_at
            yield DeviceReported(device_id=item.device, status=status, roster_at=roster_at)
