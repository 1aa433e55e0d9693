"""The messages of the contract as frozen pydantic models.

Parsing is strict (no text becomes a number, no naive time is accepted) and tolerant of added optional
fields, so that an old server understands a newer device. Units follow SenML, identities CloudEvents.
"""

import os
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from hubwell_wire.units import SERIES_PATTERN, UNITS, series_problem

MAX_READINGS: Final = 1000
MAX_OFFSET_MS: Final = 7 * 24 * 3600 * 1000
"""A reading may lie at most seven days from the time of its message."""

ClockState = Literal["synced", "unsynced"]


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""RFC 3339 with zone; written in UTC with milliseconds."""
SeriesName = Annotated[str, Field(json_schema_extra={"pattern": SERIES_PATTERN})]
"""Sensor and quantity, for example ``scd41/co2``. Checked with its unit, once for each pair: see `units`."""
Sequence = Annotated[int, Field(ge=1, le=2**62)]
Quality = Literal["ok", "suspect", "inferred"]


class WireModel(BaseModel):
    """Base of all messages: frozen, strict, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    def encode(self) -> bytes:
        """Return the JSON bytes as they go over MQTT; optional fields at their default are left out."""
        return self.model_dump_json(exclude_defaults=True, by_alias=True).encode()


class Reading(WireModel):
    """One measured value. `t` is its time in milliseconds relative to the `ts` of the message."""

    s: SeriesName
    v: float
    u: Annotated[str, Field(json_schema_extra={"enum": list(UNITS)})]
    q: Quality = "ok"
    t: Annotated[int, Field(json_schema_extra={"minimum": -MAX_OFFSET_MS, "maximum": MAX_OFFSET_MS})] = 0


class Envelope(WireModel):
    """What every message to the server carries.

    `boot` names one numbering of a device and `seq` counts up from 1 in it without holes: together they
    are the message's identity. `mono_ms` is the device's boot clock in milliseconds.
    """

    v: Literal[1]
    id: Annotated[UUID, Field(strict=False)]
    device: str | None = None
    """Optional; where it is given it must be the device of the topic."""
    boot: Annotated[UUID, Field(strict=False)]
    seq: Sequence
    ts: Annotated[Timestamp, Field(strict=False)]
    clock: ClockState
    mono_ms: Annotated[int, Field(ge=0)]


class Telemetry(Envelope):
    """A batch of readings on ``up/telemetry``."""

    r: Annotated[tuple[Reading, ...], Field(min_length=1, max_length=MAX_READINGS, strict=False)]

    @model_validator(mode="after")
    def _series_fit(self) -> Self:
        # Checked here for the whole batch: per reading, these checks would cost more than all the parsing.
        for series, unit in {(reading.s, reading.u) for reading in self.r}:
            problem = series_problem(series, unit)
            if problem:
                raise ValueError(problem)
        earliest, latest = self.offsets_ms()
        if earliest < -MAX_OFFSET_MS or latest > MAX_OFFSET_MS:
            raise ValueError(f"t: {earliest} to {latest} ms; readings lie within {MAX_OFFSET_MS} ms of ts")
        return self

    def offsets_ms(self) -> tuple[int, int]:
        """Return the smallest and the largest `t` of the readings, in milliseconds."""
        offsets = [reading.t for reading in self.r]
        return min(offsets), max(offsets)


class TapData(WireModel):
    """A badge was held to a reader. `badge` is the pseudonym of the epoch, never the card's number."""

    reader: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    badge: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    epoch: Annotated[int, Field(ge=0, le=2**31 - 1)]


class GapData(WireModel):
    """The device says that it had to drop messages, so that nobody takes the hole for a fault."""

    cause: Literal["outbox-full", "disk-full"]
    count: Annotated[int, Field(ge=1)]
    first: Sequence | None = None
    last: Sequence | None = None

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
    state: Literal["silent", "error", "recovered"]
    detail: Annotated[str, StringConstraints(max_length=300)] = ""


class Tap(Envelope):
    """A badge tap on ``up/event``."""

    type: Literal["tap"]
    data: TapData


class Gap(Envelope):
    """A declared hole in the numbering on ``up/event``."""

    type: Literal["gap"]
    data: GapData


class Fault(Envelope):
    """A failing or recovered part on ``up/event``."""

    type: Literal["fault"]
    data: FaultData


Event = Annotated[Tap | Gap | Fault, Field(discriminator="type")]
UpMessage = Telemetry | Tap | Gap | Fault


class Status(WireModel):
    """Retained state of a device; the last will is the same with state ``offline`` and nothing else."""

    v: Literal[1]
    state: Literal["online", "offline"]
    boot: Annotated[UUID, Field(strict=False)] | None = None
    ts: Annotated[Timestamp, Field(strict=False)] | None = None
    last_seq: Annotated[int, Field(ge=0)] | None = None
    """Highest number given out in `boot`: lets the server see a hole at the end."""
    pending: Annotated[int, Field(ge=0)] | None = None
    clock: ClockState | None = None


class SensorMeta(WireModel):
    """One series that the device will send, and how often in seconds."""

    s: SeriesName
    u: str
    every_s: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _series_fits(self) -> Self:
        problem = series_problem(self.s, self.u)
        if problem:
            raise ValueError(problem)
        return self


class Meta(WireModel):
    """Retained description of a device."""

    v: Literal[1]
    name: Annotated[str, StringConstraints(max_length=120)] = ""
    software: Annotated[str, StringConstraints(max_length=120)] = ""
    sensors: Annotated[tuple[SensorMeta, ...], Field(max_length=200, strict=False)] = ()


class Refusal(WireModel):
    """One message that the server will never store, and why."""

    seq: Sequence
    reason: str


class Receipt(WireModel):
    """The server's word on ``down/ack`` that messages of one `boot` are committed.

    Cumulative: every number up to `upto`, and every closed range above it, is safe and may be deleted
    on the device. A lost receipt is covered by the next one.
    """

    v: Literal[1]
    boot: Annotated[UUID, Field(strict=False)]
    upto: Annotated[int, Field(ge=0)]
    ranges: Annotated[
        tuple[Annotated[tuple[Sequence, Sequence], Field(strict=False)], ...], Field(strict=False)
    ] = ()
    rejected: Annotated[tuple[Refusal, ...], Field(strict=False)] = ()

    def covers(self, seq: int) -> bool:
        """Tell whether the message with this number is safe."""
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
}
"""Channel -> type of its messages; `asyncapi.py` and `parse.py` are both driven by it."""
