"""Sort deliveries into messages to store, messages to reject, and reported device states."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, cast
from uuid import UUID

from hubwell.ingest.validation import check_clock, check_text, check_values
from hubwell_wire.messages import Gap, Meta, Status, UpMessage
from hubwell_wire.parse import BadMessageError, parse
from hubwell_wire.topics import Channel

_FOR_DEVICES: Final = frozenset({Channel.ACK, Channel.CMD, Channel.CONFIG})


class Delivered(Protocol):
    """A message as an MQTT client delivers it."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - the MQTT topic
    @property
    def payload(self) -> bytes: ...  # noqa: D102 - the bytes as sent


@dataclass(frozen=True, slots=True)
class Arrival:
    """A valid message, with its bytes in case it has to be rejected later."""

    device: str
    message: UpMessage
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A rejected message. `device`, `boot` and `seq`, where known, allow a refusal in the receipt."""

    topic: str
    payload: bytes
    code: str
    reason: str
    device: str | None
    boot: UUID | None
    seq: int | None


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device's status or description, with its bytes in case it has to be rejected later."""

    device: str
    state: Status | Meta
    topic: str
    payload: bytes


@dataclass(slots=True)
class Batch:
    """One transaction's worth of messages."""

    arrivals: list[Arrival] = field(default_factory=list)
    refused: list[RejectedMessage] = field(default_factory=list)
    states: list[DeviceState] = field(default_factory=list)

    def refuse(self, arrival: Arrival | DeviceState, code: str, reason: str, *, tell: bool = True) -> None:
        """Reject an arrival. With `tell=False` no refusal is sent, so the device keeps the message."""
        boot, seq = None, None
        if tell and isinstance(arrival, Arrival):
            boot, seq = arrival.message.boot, arrival.message.seq
        self.refused.append(
            RejectedMessage(arrival.topic, arrival.payload, code, reason, arrival.device, boot, seq)
        )


def sort_deliveries(deliveries: Iterable[Delivered], now: datetime) -> Batch:
    """Parse and check each delivery. Never raises for what a payload holds."""
    batch = Batch()
    for delivery in deliveries:
        if delivery.payload:  # an empty retained payload is how MQTT deletes a retained message
            _sort(batch, delivery, now)
    return batch


def _sort(batch: Batch, delivery: Delivered, now: datetime) -> None:
    try:
        parsed = parse(delivery.topic, delivery.payload)
    except BadMessageError as bad:
        batch.refused.append(
            RejectedMessage(
                delivery.topic, delivery.payload, bad.code, str(bad), bad.device, bad.boot, bad.seq
            )
        )
        return
    device, message = parsed.topic.device, parsed.message
    if parsed.topic.channel in _FOR_DEVICES:
        reason = f"{parsed.topic.channel} is written by the server and read by devices"
        batch.refused.append(
            RejectedMessage(delivery.topic, delivery.payload, "topic", reason, device, None, None)
        )
        return
    if isinstance(message, Status | Meta):
        state = DeviceState(device, message, delivery.topic, delivery.payload)
        try:
            check_text(message, delivery.payload)
        except BadMessageError as bad:
            batch.refuse(state, bad.code, str(bad))
        else:
            batch.states.append(state)
        return
    up = cast("UpMessage", message)
    if isinstance(up, Gap) and up.clock == "unsynced":
        # What a gap says is numbers: it counts whatever the clock says, and is placed where it arrived.
        up = up.model_copy(update={"ts": now, "clock": "synced"})
    arrival = Arrival(device, up, delivery.topic, delivery.payload)
    try:
        check_clock(arrival.message, now)
        check_values(arrival.message)
        check_text(arrival.message, delivery.payload)
    except BadMessageError as bad:
        batch.refuse(arrival, bad.code, str(bad))
        return
    batch.arrivals.append(arrival)
