"""Set messages aside that cannot be stored: one row for each distinct one, within a quota for each device.

Past its quota the content of a device's messages is not kept, and later not a row for each either: a device
that is broken, or hostile, must not fill the disk. Every message is still counted.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.ingest.batch import RejectedMessage
from hubwell.storage.queries import Queries
from hubwell.vocabulary import REJECTED_BYTES, REJECTED_ROWS, REJECTED_WITHIN

_SQL: Final = Queries("hubwell.ingest")
_KEPT_PAYLOAD: Final = 64 * 1024
"""Bytes of a refused payload that are kept."""
_CARD_FIELDS: Final = (b'"badge"', b'"was"', b'"picc"')
_NOT_KEPT: Final = "; its content is not kept: too much of this device was set aside in ten days"


@dataclass(slots=True)
class _Usage:
    rows: int = 0
    size: int = 0
    """Bytes."""


async def add(
    conn: AsyncConnection[Any], refused: Sequence[RejectedMessage], *, registered: Collection[str]
) -> None:
    """Store the messages, in the caller's transaction."""
    if not refused:
        return
    usage = await _usage(conn, {item.device for item in refused}, registered)
    digests = [_digest(item) for item in refused]
    rows = await (await conn.execute(_SQL["known_rejected"], {"digests": digests})).fetchall()
    stored_keys = {bytes(row[0]) for row in rows}
    # One order everywhere, so that two ingest processes do not wait for each other's rows.
    for digest, item in sorted(zip(digests, refused, strict=True), key=itemgetter(0)):
        owner = item.device if item.device in registered else None
        row = _row(item, digest, owner, usage[owner], is_known=digest in stored_keys)
        await conn.execute(_SQL["add_rejected"], row)
        stored_keys.add(digest)


async def _usage(
    conn: AsyncConnection[Any], devices: set[str | None], registered: Collection[str]
) -> dict[str | None, _Usage]:
    mine = {device for device in devices if device in registered}
    values = {"devices": sorted(filter(None, mine)), "strangers": mine != devices, "within": REJECTED_WITHIN}
    usage: dict[str | None, _Usage] = {device: _Usage() for device in (*mine, None)}
    for device, rows, size in await (await conn.execute(_SQL["rejected_of_devices"], values)).fetchall():
        usage[device] = _Usage(rows, size)
    return usage


def _row(
    item: RejectedMessage, digest: bytes, owner: str | None, usage: _Usage, *, is_known: bool
) -> dict[str, Any]:
    """Return the row of a message; `owner` is its registered device, None for all strangers together."""
    payload, reason, device = _kept(item), item.reason, item.device
    if not is_known and usage.rows >= REJECTED_ROWS:
        # One row for all that are like it; what the ledger counts (a number) apart from what it does not.
        digest = hashlib.sha256(repr((owner, item.code, item.seq is None)).encode()).digest()
        payload, reason, device = b"", reason + _NOT_KEPT, owner
    elif not is_known:
        if usage.size + len(payload) > REJECTED_BYTES:
            payload, reason = b"", reason + _NOT_KEPT
        usage.rows += 1
        usage.size += len(payload)
    return {
        "digest": digest,
        "topic": item.topic[:300].replace("\0", ""),
        "device": device,
        "boot": item.boot,
        "seq": item.seq,
        "code": item.code,
        "reason": reason[:1000].replace("\0", ""),
        "payload": payload,
        "size": len(item.payload),
    }


def _digest(item: RejectedMessage) -> bytes:
    return hashlib.sha256(item.topic.encode() + b"\0" + item.payload).digest()


def _kept(item: RejectedMessage) -> bytes:
    """Return the stored part of a rejected payload: nothing where it may hold a card number."""
    if item.code != "clock-unsynced" and any(name in item.payload for name in _CARD_FIELDS):
        return b""
    return item.payload[:_KEPT_PAYLOAD]
