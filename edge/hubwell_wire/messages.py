"""Messages of devices to the server, and receipts, as frozen pydantic models; `MESSAGES` has all channels.

Units follow SenML, identities CloudEvents. The text under a field is also its description in the published
contract (see `asyncapi.py`). The server's answers, erasures and lists of badges are in `commands`.
"""

import os
import time
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, FailFast, Field, StringConstraints, model_validator
from pydantic.dataclasses import dataclass

from hubwell_wire.commands import Command, SealedRoster
from hubwell_wire.enumerations import ClockState, Verdict
from hubwell_wire.fields import (
    MAX_DETAIL,
    MAX_NUMBER,
    Epoch,
    Id,
    Pseudonym,
    ReaderName,
    Sequence,
    Signature,
    Span,
    Text,
    Timestamp,
    Version,
    WireModel,
)
from hubwell_wire.units import SERIES_PATTERN, UNITS, check_series

MAX_READINGS: Final = 1000
MAX_OFFSET_MS: Final = 7 * 24 * 3600 * 1000
"""A reading's time may differ by at most seven days from that of its message (milliseconds)."""


SeriesName = Annotated[str, Field(json_schema_extra={"pattern": SERIES_PATTERN})]
"""Sensor and quantity, for example ``scd41/co2``. Validated with its unit, once for each pair: see
`units`.
"""
Unit = Annotated[str, Field(json_schema_extra={"enum": list(UNITS)})]

Quality = Literal["ok", "suspect", "inferred"]


# No model, because a message holds up to a thousand: a dataclass with slots is parsed in two thirds of the
# time of a model, and its attributes are read in a sixth.
@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(strict=True, allow_inf_nan=False))
class Reading:
    """One measured value."""

    s: SeriesName
    """Series: sensor and quantity, for example `scd41/co2`. The quantity decides the unit."""
    v: float
    """Value in the unit `u`; a finite number."""
    u: Unit
    """Unit as a SenML symbol (RFC 8428, RFC 8798)."""
    q: Quality = "ok"
    """Quality: measured and plausible, measured but doubtful, or inferred from other values."""
    t: Annotated[int, Field(json_schema_extra={"minimum": -MAX_OFFSET_MS, "maximum": MAX_OFFSET_MS})] = 0
    """Time of the reading in milliseconds relative to `ts` of its message; negative is earlier."""


class Envelope(WireModel):
    """What every message to the server carries.

    `boot` and `seq` together are the message's identity: a second copy changes nothing.
    """

    v: Version
    """Version of the contract."""
    id: Id
    """Id of the message, a version 7 UUID; the same in every copy of it."""
    device: str | None = None
    """Optional; where it is given it must be the device of the topic."""
    boot: Id
    """Names one numbering of the device: a new UUID whenever numbers begin again at 1."""
    seq: Sequence
    """Number of the message in `boot`: from 1, up by 1, without holes."""
    ts: Timestamp
    """Time of the message: RFC 3339 with a zone, in UTC with milliseconds when Hubwell writes it."""
    clock: ClockState
    """Whether the device's clock had been set when `ts` was taken."""
    mono_ms: Annotated[int, Field(ge=0, le=MAX_NUMBER)]
    """The device's boot clock at `ts`, in milliseconds; nobody can set it."""


class Telemetry(Envelope):
    """A batch of readings on `up/telemetry`."""

    r: Annotated[tuple[Reading, ...], Field(min_length=1, max_length=MAX_READINGS, strict=False), FailFast()]
    """The readings, in any order."""

    @model_validator(mode="after")
    def _series_fit(self) -> Self:
        # For the whole batch at once: per reading, these checks would cost more than all the parsing.
        for series, unit in {(reading.s, reading.u) for reading in self.r}:
            check_series(series, unit)
        earliest, latest = self.offsets_ms()
        if earliest < -MAX_OFFSET_MS or latest > MAX_OFFSET_MS:
            raise ValueError(f"t: {earliest} to {latest} ms; readings lie within {MAX_OFFSET_MS} ms of ts")
        return self

    def offsets_ms(self) -> tuple[int, int]:
        """Return the smallest and the largest `t` of the readings, in milliseconds."""
        offsets = [reading.t for reading in self.r]
        return min(offsets), max(offsets)


class SunMessage(WireModel):
    """What an NTAG 424 DNA mirrors into its address at each tap (NXP AN12196); the server verifies it."""

    picc: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    """Encrypted card number and counter (PICCData), 16 bytes in hexadecimal."""
    cmac: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    """The card's signature of them (SDMMAC), 8 bytes in hexadecimal."""


class TapData(WireModel):
    """A badge was held to a reader."""

    reader: ReaderName
    """Which reader of the device."""
    badge: Pseudonym | None = None
    """The badge's pseudonym of the epoch: 16 bytes in hexadecimal, never the card's number.

    Left out only where a card hides its number and `sun` stands for it.
    """
    epoch: Epoch
    """Number of the epoch whose key made the pseudonym."""
    was: Pseudonym | None = None
    """The pseudonym of the epoch before, given only for badges on the device's list: it links an enrolled
    person over a change of keys. A badge that is not enrolled is never linked."""
    sun: SunMessage | None = None
    """Given by a card that signs each of its taps."""
    proof: Pseudonym | None = None
    """Shows that the reader had the card or code itself: another keyed hash of it in the same epoch, which no
    list of badges holds. Without it a kiosk shows no code."""
    said: Verdict | None = None
    """What the reader told at once, before the server answered."""

    @model_validator(mode="after")
    def _identifies_a_badge(self) -> Self:
        if self.badge is None and self.sun is None:
            raise ValueError("a tap has a 'badge', or a 'sun' message in place of it")
        return self


class GapData(WireModel):
    """The device says that it had to drop messages, so that nobody takes the hole for a fault."""

    cause: Literal["outbox-full", "disk-full", "erased"]
    """Why they were dropped."""
    count: Annotated[int, Field(ge=1)]
    """How many messages were dropped."""
    first: Sequence | None = None
    """First number of the hole; given together with `last` where the dropped messages had numbers."""
    last: Sequence | None = None
    """Last number of the hole, included."""

    @model_validator(mode="after")
    def _range_is_whole(self) -> Self:
        if (self.first is None) != (self.last is None):
            raise ValueError("a gap names both 'first' and 'last', or neither")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError(f"gap ends ({self.last}) before it begins ({self.first})")
        return self


class FaultData(WireModel):
    """A part of the device failed or came back."""

    part: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """Which part, for example `scd41`."""
    state: Literal["silent", "error", "recovered"]
    """It gives no answer, it answers with an error, or it is well again."""
    detail: Annotated[Text, StringConstraints(max_length=MAX_DETAIL)] = ""
    """What is known of it, in words."""


class Tap(Envelope):
    """A badge tap on `up/event`."""

    type: Literal["tap"]
    """Says which event it is."""
    data: TapData


class Gap(Envelope):
    """A declared hole in the numbering on `up/event`."""

    type: Literal["gap"]
    """Says which event it is."""
    data: GapData


class Fault(Envelope):
    """A failing or recovered part on `up/event`."""

    type: Literal["fault"]
    """Says which event it is."""
    data: FaultData


Event = Annotated[Tap | Gap | Fault, Field(discriminator="type")]
UpMessage = Telemetry | Tap | Gap | Fault


class Status(WireModel):
    """Retained state of a device; the last will is the same with state `offline` and nothing else.

    A device repeats it at least every four minutes while it is connected: a status counts as of its own time,
    and a device with readers only has nothing else to be heard by.
    """

    v: Version
    """Version of the contract."""
    state: Literal["online", "offline"]
    """Whether the device is connected to the broker."""
    boot: Id | None = None
    """The numbering in use."""
    ts: Timestamp | None = None
    """Time of the status: RFC 3339 with a zone."""
    last_seq: Annotated[int, Field(ge=0)] | None = None
    """Highest number given out in `boot`: lets the server see a hole at the end."""
    pending: Annotated[int, Field(ge=0)] | None = None
    """Messages that wait on the device for a receipt."""
    clock: ClockState | None = None
    """Whether the device's clock has been set."""
    roster_at: Timestamp | None = None
    """Time of the list of badges that the device holds; left out where it holds none."""


class ReaderMeta(WireModel):
    """One badge reader of the device."""

    name: ReaderName
    """Name of the reader, as in its taps."""
    driver: Annotated[Text, StringConstraints(max_length=60)] = ""
    """Kind of the reader."""


class SensorMeta(WireModel):
    """One series that the device will send."""

    s: SeriesName
    """Series: sensor and quantity, for example `scd41/co2`."""
    u: Unit
    """Unit of its values as a SenML symbol."""
    every_s: Annotated[float, Field(gt=0)] | None = None
    """Time between two readings in seconds; left out where readings come as things happen."""

    @model_validator(mode="after")
    def _series_fits(self) -> Self:
        check_series(self.s, self.u)
        return self


class Meta(WireModel):
    """Retained description of a device."""

    v: Version
    """Version of the contract."""
    name: Annotated[Text, StringConstraints(max_length=120)] = ""
    """What people call the device."""
    software: Annotated[Text, StringConstraints(max_length=120)] = ""
    """Name and version of the program that runs on it."""
    sensors: Annotated[tuple[SensorMeta, ...], Field(max_length=200, strict=False), FailFast()] = ()
    """Every series that it will send."""
    readers: Annotated[tuple[ReaderMeta, ...], Field(max_length=20, strict=False), FailFast()] = ()
    """Every badge reader that it has."""


class Refusal(WireModel):
    """One message that the server will never store, and why."""

    seq: Sequence
    """Number of the message."""
    reason: str
    """What is wrong with it and what to do, in words."""


class Unstored(WireModel):
    """Readings of a stored message that the server will never store, and why."""

    seq: Sequence
    """Number of the message."""
    readings: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=MAX_READINGS, strict=False), FailFast()
    ]
    """Their places in the message's `r`, from 0."""
    reason: str
    """What is wrong with them and what to do, in words."""


class Receipt(WireModel):
    """The server's word on `down/ack` that messages of one `boot` are committed.

    Cumulative: every number up to `upto`, and every closed range above it, is safe and may be deleted
    on the device. A lost receipt is covered by the next one.
    """

    v: Version
    """Version of the contract."""
    boot: Id
    """The numbering that it is about."""
    upto: Annotated[int, Field(ge=0)]
    """Every message with this number or a lower one is safe; 0 says nothing yet."""
    ranges: Annotated[tuple[Span, ...], Field(strict=False), FailFast()] = ()
    """Further numbers that are safe, as pairs of first and last, both included."""
    rejected: Annotated[tuple[Refusal, ...], Field(strict=False), FailFast()] = ()
    """Numbers that were refused for good; they count as safe and are told once."""
    unstored: Annotated[tuple[Unstored, ...], Field(strict=False), FailFast()] = ()
    """Readings that were refused alone, where the rest of their message is stored; told once."""
    notice: str = ""
    """Why the server stores nothing of this device at present, and what to do; the device keeps it all."""
    at: Timestamp | None = None
    """When the server sent it: refused when it is more than 5 minutes ahead."""
    sig: Signature | None = None
    """Ed25519 signature of topic, line feed and the payload's bytes before this last field; hexadecimal."""

    def covers(self, seq: int) -> bool:
        """Return whether the message with this number is committed."""
        return seq <= self.upto or any(first <= seq <= last for first, last in self.ranges)


def new_message_id(now_ms: int | None = None) -> UUID:
    """Return a version 7 UUID (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then random bits."""
    stamp = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    bits = (stamp & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10))
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=bits)


MESSAGES: Final[dict[str, Any]] = {
    "up/telemetry": Telemetry,
    "up/event": Event,
    "status": Status,
    "meta": Meta,
    "down/ack": Receipt,
    "down/cmd": Command,
    "down/config": SealedRoster,
}
"""Channel -> type of its messages; both `asyncapi.py` and `parse.py` use it."""
