"""Messages of the outbox: a draft has no number yet, a stored message has one.

The body holds only the fields of the message itself; the envelope is written when the message is sent,
because the outbox may still correct its time.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, Self
from uuid import UUID

from pydantic import TypeAdapter

from hubwell_edge.clock import Stamp, to_rfc3339
from hubwell_wire.messages import FaultData, GapData, Reading, TapData, new_message_id
from hubwell_wire.topics import Channel

OVERHEAD_BYTES: Final = 120
"""Bytes on disk of a stored message besides its body: key, times, id, its share of a page (rounded up)."""
MESSAGE_COLUMNS: Final = "key, kind, wall_ms, mono_ms, synced, id, body"
"""Columns of the table `message` that `StoredMessage.of` takes, in its order."""
_READINGS: Final = TypeAdapter(tuple[Reading, ...])
SEQ_BITS: Final = 40
SEQ_MASK: Final = (1 << SEQ_BITS) - 1


class Kind(IntEnum):
    """What a message holds. Gap events have a kind of their own because they are sent first."""

    TELEMETRY = 0
    EVENT = 1
    GAP = 2


@dataclass(frozen=True, slots=True)
class DraftMessage:
    """A message without a number. `body` is the JSON object of its own fields."""

    kind: Kind
    body: bytes
    stamp: Stamp

    @property
    def size(self) -> int:
        """Bytes that the message adds to the size of the outbox."""
        return len(self.body) + OVERHEAD_BYTES

    def corrected(self, now: Stamp) -> Self:
        """Return the draft with its wall-clock time computed from `now`, a stamp of a synchronised clock."""
        if self.stamp.synced:
            return self
        wall_ms = self.stamp.mono_ms + now.offset_ms
        return replace(self, stamp=replace(self.stamp, wall_ms=wall_ms, synced=True))

    def row(self, key: int, *, stamped_in: int) -> tuple[object, ...]:
        """Return the row of the table `message`; `stamped_in` is the local number of the current boot.

        A gap event may be stored under an earlier boot's key; its stamp is still from the current boot.
        """
        stamp, new_id = self.stamp, new_message_id()
        times = stamp.synced, stamp.wall_ms, stamp.mono_ms
        return (key, stamped_in, self.kind, *times, new_id.bytes, self.body)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in the file. `key` orders all messages of an outbox from oldest to newest."""

    key: int
    boot: UUID
    kind: Kind
    stamp: Stamp
    id: UUID
    body: bytes

    @classmethod
    def of(cls, row: tuple[Any, ...], boot: UUID) -> Self:
        """Return the message in a row of `MESSAGE_COLUMNS`."""
        key, kind, wall_ms, mono_ms, synced, message_id, body = row
        return cls(key, boot, Kind(kind), Stamp(wall_ms, mono_ms, bool(synced)), UUID(bytes=message_id), body)

    @property
    def seq(self) -> int:
        """Number of the message within `boot`."""
        return self.key & SEQ_MASK

    @property
    def channel(self) -> Channel:
        """The channel on which the message is published."""
        return Channel.TELEMETRY if self.kind == Kind.TELEMETRY else Channel.EVENT

    def payload(self) -> bytes:
        """Return the MQTT payload: envelope and body as one JSON object."""
        envelope = (
            f'{{"v":1,"id":"{self.id}","boot":"{self.boot}","seq":{self.seq},'
            f'"ts":"{to_rfc3339(self.stamp.wall_ms)}","clock":"{self.stamp.state}",'
            f'"mono_ms":{self.stamp.mono_ms},'
        )
        # Without its opening brace the body continues the object that the envelope began.
        return envelope.encode() + self.body[1:]


def draft_telemetry(readings: tuple[Reading, ...], stamp: Stamp) -> DraftMessage:
    """Return a telemetry draft; `t` of each reading is in milliseconds relative to the stamp."""
    body = b'{"r":%b}' % _READINGS.dump_json(readings, exclude_defaults=True)
    return DraftMessage(Kind.TELEMETRY, body, stamp)


def draft_event(data: TapData | FaultData | GapData, stamp: Stamp) -> DraftMessage:
    """Return an event draft."""
    name = {TapData: b"tap", FaultData: b"fault", GapData: b"gap"}[type(data)]
    kind = Kind.GAP if isinstance(data, GapData) else Kind.EVENT
    return DraftMessage(kind, b'{"type":"%b","data":%b}' % (name, data.encode()), stamp)


def message_key(boot: int, seq: int) -> int:
    """Return the key of number `seq` in the numbering with the local number `boot`."""
    return boot << SEQ_BITS | min(seq, SEQ_MASK)
