"""What happens in the hub, as typed facts: capabilities meet through these and never by importing each other.

The first group leaves ingest for every committed batch; the second is what capabilities make of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from hubwell_wire.fields import Language, Verdict


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one space, both ends included."""

    space_id: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsStored:
    """New readings of one quantity: in which spaces, and within which times at most.

    A space has more than one span where its new readings lie far apart.
    """

    quantity: str
    spans: tuple[Span, ...]

    @property
    def spaces(self) -> frozenset[str]:
        """The spaces concerned."""
        return frozenset(span.space_id for span in self.spans)


@dataclass(frozen=True, slots=True)
class SunSigned:
    """What a card that signs its taps said: its encrypted number and counter, and the signature of them."""

    picc: bytes
    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeTapped:
    """A badge was held to a reader; `badge` is the 16-byte pseudonym of its epoch.

    `was` is that of the epoch before, `sun` is given by a card that signs, `said` is what the reader told
    at once.
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
    """A device says that one of its parts failed or came back."""

    device_id: str
    space_id: str | None
    time: datetime
    part: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReported:
    """A device says whether it is online, and the time of the list of badges that it holds, if it says so."""

    device_id: str
    status: Literal["online", "offline"]
    roster_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescribed:
    """A device says what it is: its name, and all of its description as JSON."""

    device_id: str
    name: str
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesStored:
    """Devices in these spaces sent something: readings, taps, faults or their state."""

    space_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIn:
    """A visit of a space began. Like the four below it never names the person."""

    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A visit began that ended the one in another space at the same moment."""

    from_space_id: str
    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOut:
    """A visit ended by a tap, at the desk, or at the time that its person gave."""

    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredOut:
    """A visit was ended by closing time or after the longest stay, because no tap ended it."""

    space_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsChanged:
    """Visits of these spaces changed otherwise: removed, erased, open again."""

    space_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLeft:
    """The tap by which a device still holds a person for inside who left without a tap there."""

    stream_id: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeAtDesk:
    """A badge was held to a desk's reader."""

    desk_tap_id: int


@dataclass(frozen=True, slots=True)
class AllowlistChanged:
    """Readers need new lists: of badges, of their languages, of the spaces that their doors lead to."""


@dataclass(frozen=True, slots=True)
class BadgesErased:
    """Devices have to delete what still waits on them of erased badges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapAnswered:
    """What the person at the reader is told once the tap is committed. Leaves the hub's devices only.

    A second one for the same tap, without a text, says that the person was seen elsewhere or out since.
    """

    device_id: str
    boot: UUID
    seq: int
    verdict: Verdict
    text: str
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeOpened:
    """A rule began to hold in a space. `value` is what the rule judged, in the rule's unit."""

    episode_id: UUID
    rule: str
    rule_version: int
    space_id: str
    opened_at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeResolved:
    """A rule stopped to hold. `peak` is the worst value of the episode."""

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
