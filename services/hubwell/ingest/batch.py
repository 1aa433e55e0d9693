"""Sort deliveries into messages to store, messages to reject, and reported device states."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, cast
from uuid import UUID

from hubwell.events import Unregistered, UnregisteredHeard
from hubwell.ingest.validation import check_clock, check_text, list_made_at, odd_readings, reported_at
from hubwell.vocabulary import MOST_UNREGISTERED
from hubwell_wire.messages import Gap, Meta, Status, Tap, Telemetry, UpMessage
from hubwell_wire.parse import BadMessageError, parse
from hubwell_wire.plausible import Problem
from hubwell_wire.topics import Channel

_FOR_DEVICES: Final = frozenset({Channel.ACK, Channel.CMD, Channel.CONFIG})


class Delivered(Protocol):
    """A message as an MQTT client delivers it."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - the MQTT topic
    @property
    def payload(self) -> bytes: ...  # noqa: D102 - the bytes as sent
    @property
    def retain(self) -> bool: ...  # noqa: D102 - whether it is the broker's stored copy, of any age


@dataclass(frozen=True, slots=True)
class Arrival:
    """A valid message, with its bytes in case it has to be rejected later.

    `odd` holds the readings of a telemetry message that cannot be right, by their place in it.
    """

    device: str
    message: UpMessage
    topic: str
    payload: bytes
    odd: dict[int, Problem] = field(default_factory=dict)


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
    at: datetime | None
    """When it was reported, as far as that is known; see `validation.reported_at`."""
    retained: bool
    roster_at: datetime | None
    """When the list of badges that the device holds was made; see `validation.list_made_at`."""


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
        at = reported_at(message, now, retained=delivery.retain)
        roster_at = list_made_at(message, now) if isinstance(message, Status) else None
        state = DeviceState(device, message, delivery.topic, delivery.payload, at, delivery.retain, roster_at)
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
        arrival.odd.update(odd_readings(arrival.message, now))
        check_text(arrival.message, delivery.payload)
    except BadMessageError as bad:
        batch.refuse(arrival, bad.code, str(bad))
        return
    batch.arrivals.append(arrival)


def unregistered(batch: Batch, registered: Container[str], now: datetime) -> list[UnregisteredHeard]:
    """Return what the batch holds of devices that are not registered, as one fact if there are any.

    Of more devices than are kept, those that sent the most in this batch. Taps are left out: they would show
    when a person came. A device with readers is heard by its status.
    """
    messages = Counter(
        item.device
        for item in batch.arrivals
        if item.device not in registered and not isinstance(item.message, Tap)
    )
    states = [item for item in batch.states if item.device not in registered]
    devices = messages + Counter({item.device: 1 for item in states if item.device not in messages})
    if not devices:
        return []
    chosen = sorted(device for device, _ in devices.most_common(MOST_UNREGISTERED))
    heard = {device: _Heard(at=now if messages[device] else None) for device in chosen}
    for arrival in batch.arrivals:
        if arrival.device in heard and isinstance(arrival.message, Telemetry):
            heard[arrival.device].series.update({reading.s: reading.u for reading in arrival.message.r})
    for item in states:
        if item.device in heard:
            heard[item.device].add(item)
    return [
        UnregisteredHeard(
            devices=tuple(
                Unregistered(
                    device_id=device,
                    at=state.at,
                    messages=messages[device],
                    pending=state.pending,
                    series=state.series,
                    meta=state.meta,
                )
                for device, state in heard.items()
            )
        )
    ]


@dataclass(slots=True)
class _Heard:
    at: datetime | None
    pending: int | None = None
    series: dict[str, str] = field(default_factory=dict)
    meta: dict[str, Any] | None = None

    def add(self, item: DeviceState) -> None:
        """Add a status or a description; "offline" is the broker's word for a device that is not heard."""
        if isinstance(item.state, Meta):
            self.meta = item.state.model_dump(mode="json")
            times = [self.at, None if item.retained else item.at]
        else:
            self.pending = item.state.pending if item.state.pending is not None else self.pending
            times = [self.at, item.at if item.state.state == "online" else None]
        self.at = max((time for time in times if time is not None), default=None)
