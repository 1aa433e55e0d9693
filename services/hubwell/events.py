"""Typed facts (domain events), through which capabilities interact without importing each other.

Ingest returns the facts of the first group for every stored batch; capabilities return those of the second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from hubwell_wire.enumerations import Language, Verdict


@dataclass(frozen=True, slots=True)
class Span:
    """A time interval in one space, both ends included."""

    space_id: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsStored:
    """New readings were stored: by quantity, the spans of time in their spaces that hold them.

    A space has several spans if its new readings are more than hours apart.
    """

    spans: Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class SunSigned:
    """Data of a signing card (SUN): encrypted card number and counter, and their signature."""

    picc: bytes
    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeTapped:
    """A badge was tapped at a reader; `badge` is its 16-byte pseudonym in `epoch`.

    `was` is the pseudonym in the previous epoch, `sun` is present for a signing card, `proof` shows that the
    card itself was there, `said` is the verdict that the reader already showed.
    """

    device_id: str
    boot: UUID
    stream_id: int
    seq: int
    time: datetime
    badge: bytes | None
    epoch: int
    reader: str
    space_id: str | None
    was: bytes | None = None
    sun: SunSigned | None = None
    proof: bytes | None = None
    said: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReported:
    """A device reported that one of its parts failed or recovered."""

    device_id: str
    space_id: str | None
    time: datetime
    part: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReported:
    """A device reported its status and, if it has one, the time of its list of badges.

    `at` is when it had this status; None: the broker kept the message, and it has no time. `retained` says
    that the broker kept it: it may be of any age.
    """

    device_id: str
    status: Literal["online", "offline"]
    at: datetime | None
    retained: bool
    roster_at: datetime | None
    clock: str | None = None
    """State of its clock, where it reported one."""
    pending: int | None = None
    """Messages that wait on the device, where it reported a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescribed:
    """A device reported its description: the name, and all of it as JSON."""

    device_id: str
    name: str
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """What one batch holds of a device that is not registered.

    `at` is when it was heard; None: the broker kept what is known of it. `series` are units by name.
    """

    device_id: str
    at: datetime | None = None
    messages: int = 0
    pending: int | None = None
    series: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnregisteredHeard:
    """Devices that are not registered were heard, each once and ordered by id."""

    devices: tuple[Unregistered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesStored:
    """Messages of devices in these spaces were stored: readings, taps, faults or status."""

    space_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceArchived:
    """A space is not used any more: its devices are archived with it."""

    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIn:
    """A visit of a space began. Like the four facts below it never names the person."""

    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A visit began and thereby ended the person's visit of another space."""

    from_space_id: str
    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOut:
    """A visit ended by a tap, at the desk, or at the time that the person entered."""

    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredOut:
    """A visit was ended by closing time or after the longest stay, because no tap ended it."""

    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsChanged:
    """Visits of these spaces changed in another way: removed, erased or reopened."""

    space_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingsChanged:
    """Bookings of these spaces were made, changed or cancelled."""

    space_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLeft:
    """A visit ended without a tap at the door where it began; identifies the tap that began it."""

    stream_id: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeAtDesk:
    """A badge was tapped at a desk's reader."""

    desk_tap_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KioskRefused:
    """A kiosk asked for a code with a card that it did not prove."""

    device_id: str
    why: Literal["unproven", "no-proof", "wrong-proof"]


@dataclass(frozen=True, slots=True)
class AllowlistChanged:
    """Allow-lists are outdated: badges, people's languages or the spaces of doors changed."""


@dataclass(frozen=True, slots=True)
class EvacuationChanged:
    """An evacuation or a drill was opened, closed, or became the other kind."""


@dataclass(frozen=True, slots=True)
class MusterMarked:
    """People on the list of the open evacuation were ticked off, or visitors were entered or removed."""


@dataclass(frozen=True, slots=True)
class HubChanged:
    """What administrators chose for the hub changed: every process reads its settings again."""


@dataclass(frozen=True, slots=True)
class ScreenChanged:
    """A paired screen shows something else from now on, or is no longer paired."""

    screen_id: str


@dataclass(frozen=True, slots=True)
class BadgesErased:
    """Badges were erased: devices have to delete their unsent messages of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapAnswered:
    """The answer for the person at the reader, sent once the tap is committed, to the reader's device only.

    A second answer to the same tap, without a text, means that the person has been seen elsewhere or out.
    """

    device_id: str
    boot: UUID
    seq: int
    verdict: Verdict
    text: str
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeOpened:
    """A rule began to hold in a space. `value` is the mean that opened the episode, in the rule's unit."""

    episode_id: UUID
    rule: str
    rule_version: int
    space_id: str
    opened_at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeResolved:
    """A rule ceased to hold. `peak` is the highest value of the episode, in the rule's unit."""

    episode_id: UUID
    rule: str
    rule_version: int
    space_id: str
    opened_at: datetime
    resolved_at: datetime
    peak: float


FromDevices = FaultReported | DeviceReported | DeviceDescribed | UnregisteredHeard
Stored = ReadingsStored | BadgeTapped | FromDevices | MessagesStored
Movement = CheckedIn | Moved | CheckedOut | InferredOut
VisitFact = Movement | VisitsChanged | DoorLeft
ChannelFact = AllowlistChanged | BadgesErased | EvacuationChanged | MusterMarked | HubChanged
"""Facts of which listeners only have to know that something changed."""
Register = ChannelFact | ScreenChanged | BookingsChanged
Reaction = SpaceArchived | VisitFact | KioskRefused | BadgeAtDesk | Register | EpisodeOpened | EpisodeResolved
Fact = Stored | Reaction
Facts = Sequence[Fact]
