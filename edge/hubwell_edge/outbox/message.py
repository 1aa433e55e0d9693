"""Messages on their way through the outbox: a draft has no number yet, a row has one.

The body holds only a message's own fields; the envelope is written when the row is sent, because the
outbox may still correct its time.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, Self
from uuid import UUID

from pydantic import TypeAdapter

from hubwell_edge.clock import Stamp, to_rfc3339
from hubwell_wire.messages import FaultData, GapData, Reading, TapData
from hubwell_wire.topics import Channel

ROW_BYTES: Final = 120
"""What a row costs on disk besides its body: key, times, id, its part of a page (rounded up)."""
_READINGS: Final = TypeAdapter(tuple[Reading, ...])
SEQ_BITS: Final = 40
SEQ_MASK: Final = (1 << SEQ_BITS) - 1


class Kind(IntEnum):
    """What a message holds. Gap events are kept apart because they are sent before anything else."""

    TELEMETRY = 0
    EVENT = 1
    GAP = 2


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has a number. `body` is the JSON object of its own fields."""

    kind: Kind
    body: bytes
    stamp: Stamp

    @property
    def size(self) -> int:
        """Bytes that it counts against the cap."""
        return len(self.body) + ROW_BYTES

    def corrected(self, now: Stamp) -> Self:
        """Return it with the time that a clock which is right by now gives it."""
        if self.stamp.synced:
            return self
        wall_ms = self.stamp.mono_ms + now.offset_ms
        return replace(self, stamp=replace(self.stamp, wall_ms=wall_ms, synced=True))


@dataclass(frozen=True, slots=True)
class Row:
    """A stored message. `key` orders all rows of an outbox from oldest to newest."""

    key: int
    boot: UUID
    kind: Kind
    stamp: Stamp
    id: UUID
    body: bytes

    @property
    def seq(self) -> int:
        """Its number within `boot`."""
        return self.key & SEQ_MASK

    @property
    def channel(self) -> Channel:
        """Where it is published."""
        return Channel.TELEMETRY if self.kind == Kind.TELEMETRY else Channel.EVENT

    def payload(self) -> bytes:
        """Return the message as it goes over MQTT."""
        envelope = (
            f'{{"v":1,"id":"{self.id}","boot":"{self.boot}","seq":{self.seq},'
            f'"ts":"{to_rfc3339(self.stamp.wall_ms)}","clock":"{self.stamp.state}",'
            f'"mono_ms":{self.stamp.mono_ms},'
        )
        return envelope.encode() + self.body[1:]


def telemetry_draft(readings: tuple[Reading, ...], stamp: Stamp) -> Draft:
    """Draft a telemetry message; `t` of each reading is relative to the stamp."""
    return Draft(Kind.TELEMETRY, b'{"r":%b}' % _READINGS.dump_json(readings, exclude_defaults=True), stamp)


def event_draft(data: TapData | FaultData | GapData, stamp: Stamp) -> Draft:
    """Draft an event message."""
    name = {TapData: b"tap", FaultData: b"fault", GapData: b"gap"}[type(data)]
    kind = Kind.GAP if isinstance(data, GapData) else Kind.EVENT
    return Draft(kind, b'{"type":"%b","data":%b}' % (name, data.encode()), stamp)


def row_key(boot: int, seq: int) -> int:
    """Return the key of number `seq` in the outbox's boot number `boot`."""
    return boot << SEQ_BITS | min(seq, SEQ_MASK)
