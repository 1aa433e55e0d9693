"""Bodies and answers about bookings. Times are sent as on the hub's clocks, and answered in UTC."""

from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.free_spaces import Offer, Reason
from hubwell.booking.door.settings import DoorSettings
from hubwell.booking.local_time import as_local, comes_twice
from hubwell.booking.read_model import Booking, Reader
from hubwell.booking.rules import BookableSpace
from hubwell.vocabulary import SpaceKind

_LOCAL = "As it is on the clocks of the zone, without an offset: 2026-12-01T09:30."
Note = Literal["start-comes-twice", "end-comes-twice"]


class BookingBody(BaseModel):
    """A space to be booked."""

    model_config = ConfigDict(extra="forbid")

    space: str = Field(description="Id of the space.", examples=["wood-workshop"])
    parts: list[int] = Field(
        default=[], max_length=100, description="Ids of parts of the space; none for the whole space."
    )
    start: str = Field(description=_LOCAL, examples=["2026-12-01T09:30"])
    end: str = Field(description=_LOCAL, examples=["2026-12-01T11:00"])
    zone: str = Field("", description="IANA time zone of both times; by default the hub's.")
    people: int = Field(description="How many people come.")
    title: str = Field(description="What it is for, at most 120 characters.", examples=["Robotics"])
    shows_title: bool = Field(
        default=True, description="Whether the panel at the door and others who book see the title."
    )


class ChangeBody(BaseModel):
    """What changes of a booking; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    space: str | None = Field(None, description="Id of another space; then of the whole of it.")
    parts: list[int] | None = Field(None, max_length=100, description="None named: the whole space.")
    start: str | None = Field(None, description=_LOCAL)
    end: str | None = Field(None, description=_LOCAL)
    zone: str = Field("", description="IANA time zone of the times; by default the hub's.")
    people: int | None = None
    title: str | None = None
    shows_title: bool | None = None


class PartOfSpace(BaseModel):
    """A part that can be booked alone."""

    id: int
    name: str = Field(description="Empty for the only part of a space that is booked whole.")
    room: int = Field(description="How many people it has room for.")


class BookingShown(BaseModel):
    """A booking."""

    id: UUID
    space: str = Field(description="Id of the space.")
    space_name: str
    whole: bool = Field(description="Whether it is of the whole space.")
    parts: list[int]
    part_names: list[str] = Field(description="Names of the parts that have one.")
    start: datetime
    end: datetime
    local_start: str = Field(description="The same on the hub's clocks.")
    local_end: str = Field(description="The same on the hub's clocks.")
    notes: list[Note] = Field(
        description="The hub's clocks show the time twice on that day; the first is meant."
    )
    title: str | None = Field(description="Null where it is kept from you.")
    shows_title: bool
    people: int
    yours: bool = Field(description="Whether you may change it.")
    booked_by: str = Field(description="Name of the account; empty for programs and erased accounts.")
    version: int = Field(description="The same as the ETag.")
    created_at: datetime
    cancelled_at: datetime | None
    series: UUID | None = Field(description="Id of the series that it is a date of; null for none.")
    series_date: str | None = Field(
        description="Its original start on the clocks of the series, which names the date."
    )
    walk_in: bool = Field(description="Whether a badge took it at the panel of the space.")
    release_at: datetime | None = Field(description="When it is released if nobody comes; null: never.")
    released: bool = Field(description="Whether it was released because nobody came; it can be taken back.")

    @classmethod
    def of(cls, booking: Booking, reader: Reader, zone: ZoneInfo) -> "BookingShown":
        """Return a booking as a reader may see it."""
        return cls(
            id=booking.id,
            space=booking.space_id,
            space_name=booking.space,
            whole=booking.whole,
            parts=list(booking.parts),
            part_names=list(booking.part_names),
            start=booking.start,
            end=booking.end,
            local_start=as_local(booking.start, zone),
            local_end=as_local(booking.end, zone),
            notes=_notes(booking, zone),
            title=booking.title_for(reader) or None,
            shows_title=booking.shows_title,
            people=booking.people,
            yours=booking.may_change(reader),
            booked_by=booking.owner_name,
            version=booking.version,
            created_at=booking.created_at,
            cancelled_at=booking.cancelled_at,
            series=booking.series_id,
            series_date=f"{booking.series_at:%Y-%m-%dT%H:%M}" if booking.series_id else None,
            walk_in=booking.walk_in,
            release_at=booking.release_at,
            released=booking.no_show_end is not None,
        )


class BookingsShown(BaseModel):
    """Bookings, the earliest first."""

    bookings: list[BookingShown]


class FreeSpace(BaseModel):
    """A space, or parts of one, that can be booked at the time that was asked for."""

    space: str
    name: str
    kind: SpaceKind
    whole: bool
    parts: list[int] = Field(description="To be sent with the booking; empty for the whole space.")
    part_names: list[str]
    room: int = Field(description="How many people it has room for.")
    free_until: datetime | None = Field(description="When the next booking begins; null for a day or more.")
    reasons: list[Reason] = Field(description="Why it is in this place of the list.")

    @classmethod
    def of(cls, offer: Offer) -> "FreeSpace":
        """Return an offer."""
        choice = offer.choice
        return cls(
            space=choice.space.id,
            name=choice.space.name,
            kind=choice.space.kind,
            whole=choice.whole,
            parts=[] if choice.whole else list(choice.parts),
            part_names=list(choice.part_names),
            room=choice.room,
            free_until=choice.free_until,
            reasons=list(offer.reasons),
        )


class FreeSpaces(BaseModel):
    """What fits, the best first."""

    start: datetime
    end: datetime
    spaces: list[FreeSpace]


class PartBody(BaseModel):
    """A part as facilities enter it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", description="May be empty where it is the only part.", examples=["Bench 1"])
    capacity: int | None = Field(None, description="People; by default an equal share of the space's.")


class SetUpBody(BaseModel):
    """What can be booked of a space."""

    model_config = ConfigDict(extra="forbid")

    parts: list[PartBody] = Field(max_length=100, description="One for a space that is booked whole only.")
    turnaround_minutes: int = Field(0, description="Minutes after each booking in which it is prepared.")
    walk_ins: bool | None = Field(
        None, description="Whether a badge takes it at its panel; as before where it is left out."
    )
    release_minutes: int | None = Field(
        None,
        description="Minutes after the start, 15 to 120, at which a booking is released if nobody came; "
        "0: never, left out: as before.",
    )


class SetUp(BaseModel):
    """What can be booked of a space."""

    space: str
    parts: list[PartOfSpace]
    turnaround_minutes: int
    walk_ins: bool
    release_minutes: int | None = Field(description="Null: no booking is released.")

    @classmethod
    def of(cls, space: BookableSpace, door: DoorSettings) -> "SetUp":
        """Return what can be booked of a space."""
        parts = [
            PartOfSpace(id=part.id, name=part.name, room=space.room_for([part.id])) for part in space.parts
        ]
        return cls(
            space=space.id,
            parts=parts,
            turnaround_minutes=int(space.turnaround.total_seconds() // 60),
            walk_ins=door.walk_ins,
            release_minutes=door.release,
        )


def _notes(booking: Booking, zone: ZoneInfo) -> list[Note]:
    notes: list[Note] = ["start-comes-twice"] if comes_twice(booking.start, zone) else []
    return [*notes, "end-comes-twice"] if comes_twice(booking.end, zone) else notes
