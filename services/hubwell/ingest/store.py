"""Write one batch in the caller's transaction: ledger, readings, events, rejects; then the receipts.

Redelivery is harmless: the ledger's key (stream, seq) lets a message in once and counts its copies. The
caller commits, and only then acknowledges and sends the receipts.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
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
    UnregisteredHeard,
)
from hubwell.ingest import binary_copy, ledger, rejected, rollup, stuck
from hubwell.ingest.batch import Arrival, Batch, RejectedMessage, unregistered
from hubwell.ingest.id_cache import IdCache
from hubwell.ingest.ledger import Entry, LedgerKey
from hubwell.ingest.receipts import Receipt, make_notice
from hubwell.ingest.validation import refuse_if_none_is_left
from hubwell.storage.queries import Queries
from hubwell.vocabulary import MOST_SERIES, Quality
from hubwell_wire.messages import Fault, Gap, Meta, Reading, Status, Tap, Telemetry
from hubwell_wire.parse import BadMessageError
from hubwell_wire.plausible import Problem

_SQL: Final = Queries("hubwell.ingest")
_QUALITY: Final = {quality.name.lower(): int(quality) for quality in Quality}
_SUSPECT: Final = int(Quality.SUSPECT)


@dataclass(slots=True)
class Outcome:
    """Result of one batch: facts for the switchboard; answers and receipts to send after the commit."""

    facts: list[Stored] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    answers: list[TapAnswered] = field(default_factory=list)
    set_aside: list[RejectedMessage] = field(default_factory=list)
    """Stored messages of which some readings are not, each with the reason."""


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
    prepared = ledger.refuse_without_stream(registry, batch, prepared)
    entries = ledger.by_number(registry, prepared, batch)
    fresh, clashed = await ledger.add_messages(conn, registry, entries, batch)
    await _store_readings(conn, fresh.values())
    await stuck.mark(conn, registry, list(fresh.values()))
    await _find_clashes(conn, clashed)
    await ledger.count_unstored(conn, fresh)
    outcome.facts += _reading_facts(registry, fresh.values())
    for key, entry in fresh.items():
        await _store_event(conn, registry, key, entry.arrival, outcome)
    outcome.facts.sort(key=_lock_order)
    outcome.set_aside = [_set_aside(key, entry) for key, entry in fresh.items() if entry.unstored]
    await rejected.add(conn, [*batch.refused, *outcome.set_aside], registered=registry.spaces.keys())
    outcome.facts += _device_facts(registry, batch)
    if not devices <= registry.spaces.keys():
        outcome.facts += unregistered(batch, registry.spaces, datetime.now(UTC))
    outcome.receipts = await ledger.advance(conn, registry, entries, batch)
    outcome.receipts += _notices(registry, batch)
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
            batch.refuse(arrival, "unknown-device", _unregistered(arrival.device), tell=False)
            continue
        entry = Entry(arrival, odd=arrival.odd)
        if isinstance(arrival.message, Telemetry):
            try:
                await _encode(conn, registry, entry, arrival.message)
            except BadMessageError as bad:
                batch.refuse(arrival, bad.code, str(bad))
                continue
        entries.append(entry)
    return entries


def _unregistered(device: str) -> str:
    return (
        f"device {device!r} is not registered: "
        f"`hubwell device add {device} --space SPACE`; it keeps its messages until then"
    )


def _notices(registry: IdCache, batch: Batch) -> list[Receipt]:
    """Return a notice for each boot whose messages wait on their device, so that it can show why."""
    boots = {(item.device, item.message.boot) for item in batch.arrivals}
    boots |= {
        (item.device, item.state.boot)
        for item in batch.states
        if isinstance(item.state, Status) and item.state.state == "online" and item.state.boot is not None
    }
    waiting = {key: _unregistered(key[0]) for key in boots if key[0] not in registry.spaces}
    for device, boot in ledger.refused_boots(registry, batch):
        if (device, boot) not in registry.streams:
            waiting[device, boot] = ledger.too_many_boots(device)
    return [make_notice(device, boot, reason) for (device, boot), reason in sorted(waiting.items())]


async def _add_new_series(conn: AsyncConnection[Any], registry: IdCache, batch: Batch) -> None:
    """Create the series that are seen for the first time, in one order in every ingest process.

    A device gets no more than `MOST_SERIES`: a part whose name changes would otherwise fill the database.
    """
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


async def _encode(conn: AsyncConnection[Any], registry: IdCache, entry: Entry, message: Telemetry) -> None:
    """Encode the readings into the entry, except odd ones and those whose unit is not their series' unit.

    Raises BadMessageError if none is left.
    """
    device = entry.arrival.device
    series = await registry.series_of(conn, device)
    base = binary_copy.microseconds(message.ts)
    encode, rows, odd, quantities = binary_copy.row, entry.rows, entry.odd, set()
    for place, reading in enumerate(message.r):
        ref = series.get(reading.s)
        if ref is None:
            odd.setdefault(place, _too_many_series(device, reading))
            continue
        if ref.unit != reading.u:
            odd.setdefault(place, _other_unit(device, reading, ref.unit))
        if odd and place in odd:
            continue
        low, high = ref.limits
        time_us, value = base + reading.t * 1000, reading.v
        quality = _QUALITY[reading.q] if low <= value <= high else _SUSPECT
        rows.append(encode(time_us, ref.id, value, quality))
        if ref.may_stick:
            entry.changing.append((ref.id, time_us, value))
        quantities.add(ref.quantity)
    refuse_if_none_is_left(message, odd)
    entry.quantities = frozenset(quantities)
    offsets: Sequence[int] = message.offsets_ms()
    if (
        odd or offsets[1] - offsets[0] > binary_copy.APART_US // 1000
    ):  # usually the first and the last are enough
        offsets = [message.r[place].t for place in entry.places]
    entry.times = [base + offset * 1000 for offset in offsets]


def _too_many_series(device: str, reading: Reading) -> Problem:
    return Problem(
        "too-many-series",
        f"{device!r} has {MOST_SERIES} series already, and {reading.s!r} would be a further one: "
        "give a part the same name each time, or register another device",
    )


def _other_unit(device: str, reading: Reading, unit: str) -> Problem:
    return Problem(
        "unit",
        f"series {reading.s!r} of {device!r} was in {unit!r} and now comes in {reading.u!r}: "
        "give it another name",
    )


async def _store_readings(conn: AsyncConnection[Any], entries: Collection[Entry]) -> None:
    """Copy the rows in; where one of them is there already, insert around it instead.

    The ledger keeps redelivered messages out, so that is rare: a device sends the same instant of a series
    in two different messages. The first one stays; another value for its instant is a clash.
    """
    # One order everywhere; of two for one instant the first stays first.
    rows = sorted((row for entry in entries for row in entry.rows), key=binary_copy.INSTANT)
    if not rows:
        return
    try:
        async with conn.transaction(), conn.cursor() as cursor, cursor.copy(_SQL["copy_readings"]) as copy:
            await copy.write(binary_copy.HEADER + b"".join(rows) + binary_copy.TRAILER)
    except psycopg.errors.UniqueViolation:
        columns = (list(column) for column in zip(*binary_copy.decode(b"".join(rows)), strict=True))
        values = dict(zip(("times", "series", "values", "qualities"), columns, strict=True))
        await conn.execute(_SQL["insert_readings"], values)
        await _find_clashes(conn, entries)
    await rollup.note_rows(conn, rows)


async def _find_clashes(conn: AsyncConnection[Any], entries: Collection[Entry]) -> None:
    """Note in each entry its readings whose instant has another value in the database."""
    rows = [
        (entry, place, row) for entry in entries for place, row in zip(entry.places, entry.rows, strict=True)
    ]
    if not rows:
        return
    times, series, values, _ = zip(*binary_copy.decode(b"".join(row for _, _, row in rows)), strict=True)
    parameters = {
        "times": list(times),
        "series": list(series),
        "values": list(values),
        "first": min(times),
        "last": max(times),
    }
    for ordinal, name, time, stored in await (
        await conn.execute(_SQL["clashing_readings"], parameters)
    ).fetchall():
        entry, place, _ = rows[ordinal - 1]
        entry.clashes[place] = Problem(
            "clash",
            f"{name} has the value {stored} at {time.astimezone(UTC).isoformat()} already, not "
            f"{values[ordinal - 1]}: the first value stays; check the times, or use another device or series",
        )


def _set_aside(key: LedgerKey, entry: Entry) -> RejectedMessage:
    arrival = entry.arrival
    code = next(iter(entry.unstored.values())).code
    return RejectedMessage(
        arrival.topic, arrival.payload, code, entry.summary(), arrival.device, arrival.message.boot, key[1]
    )


def _reading_facts(registry: IdCache, entries: Iterable[Entry]) -> list[Stored]:
    """Return the fact of new readings, if there are any."""
    times: dict[tuple[str, frozenset[str]], list[int]] = {}
    for entry in entries:
        space = registry.spaces.get(entry.arrival.device)
        if space is not None and entry.times:
            # A device sends the same quantities again and again: times are gathered once for all of them.
            times.setdefault((space, entry.quantities), []).extend(entry.times)
    spans: dict[str, list[Span]] = {}
    for (space, quantities), instants in sorted(times.items(), key=lambda item: item[0][0]):
        in_space = [
            Span(space, binary_copy.instant(a), binary_copy.instant(b))
            for a, b in binary_copy.spans(instants)
        ]
        for quantity in quantities:
            spans.setdefault(quantity, []).extend(in_space)
    if not spans:
        return []
    return [ReadingsStored(spans={quantity: tuple(of_quantity) for quantity, of_quantity in spans.items()})]


def _lock_order(fact: Stored) -> tuple[int, str]:
    """Sort key of facts: reactions take locks in one order, which prevents deadlocks between processes.

    Taps come first, because rules ask whether a space is occupied; among them the earlier one, because the
    counters of cards that sign have to rise.
    """
    match fact:
        case BadgeTapped():
            return 0, fact.time.astimezone(UTC).isoformat()
        case ReadingsStored():
            return 1, ""
        case FaultReported():
            return 2, fact.device_id
        case DeviceReported() | DeviceDescribed():
            return 3, fact.device_id
        case UnregisteredHeard() | MessagesStored():
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
        proof=None if data.proof is None else bytes.fromhex(data.proof),
        said=data.said,
    )


def _device_facts(registry: IdCache, batch: Batch) -> Iterator[DeviceReported | DeviceDescribed]:
    """Return the states of registered devices, ordered by device: the same lock order in every process."""
    for item in sorted(batch.states, key=attrgetter("device")):
        if item.device not in registry.spaces:
            continue
        if isinstance(item.state, Meta):
            meta = item.state.model_dump(mode="json")
            yield DeviceDescribed(device_id=item.device, name=item.state.name, meta=meta)
        else:
            yield DeviceReported(
                device_id=item.device,
                status=item.state.state,
                at=item.at,
                retained=item.retained,
                roster_at=item.roster_at,
                clock=item.state.clock,
                pending=item.state.pending,
            )
