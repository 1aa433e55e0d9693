"""Typed facts (domain events), through which capabilities interact without importing each other.

Ingest returns the facts of the first group for every stored batch; capabilities return those of the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """New readings of one quantity were stored, within these spans of time in their spaces.

    A space has several spans if its new readings are more than hours apart.
    """

    quantity: str
    spans: tuple[Span, ...]

    @property
    def spaces(self) -> frozenset[str]:
        """The spaces with new readings."""
        return frozenset(span.space_id for span in self.spans)


@dataclass(frozen=True, slots=True)
class SunSigned:
    """Data of a signing card (SUN): encrypted card number and counter, and their signature."""

    picc: bytes
    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeTapped:
    """A badge was tapped at a reader; `badge` is its 16-byte pseudonym in `epoch`.

    `was` is the pseudonym in the previous epoch, `sun` is present for a signing card, `said` is the verdict
    that the reader already showed.
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
    """A device reported its status and, if it has one, the time of its list of badges."""

    device_id: str
    status: Literal["online", "offline"]
    roster_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescribed:
    """A device reported its description: the name, and all of it as JSON."""

    device_id: str
    name: str
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesStored:
    """Messages of devices in these spaces were stored: readings, taps, faults or status."""

    space_ids: tuple[str, ...]


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
class DoorLeft:
    """A visit ended without a tap at the door where it began; identifies the tap that began it."""

    stream_id: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeAtDesk:
    """A badge was tapped at a desk's reader."""

    desk_tap_id: int


@dataclass(frozen=True, slots=True)
class AllowlistChanged:
    """Allow-lists are outdated: badges, people's languages or the spaces of doors changed."""


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


Stored = ReadingsStored | BadgeTapped | FaultReported | DeviceReported | DeviceDescribed | MessagesStored
Movement = CheckedIn | Moved | CheckedOut | InferredOut
VisitFact = Movement | VisitsChanged | DoorLeft
Reaction = VisitFact | BadgeAtDesk | AllowlistChanged | BadgesErased | EpisodeOpened | EpisodeResolved
Fact = Stored | Reaction
Facts = Sequence[Fact]
