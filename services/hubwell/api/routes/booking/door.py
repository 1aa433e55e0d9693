"""What a badge does at the door of a space, for panels of others; and the release of what nobody came to."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.api.routes.booking.bookings import BookingId, IfMatch, version_of
from hubwell.api.routes.booking.schemas import BookingShown
from hubwell.booking import errors
from hubwell.booking.door import requests
from hubwell.booking.door.requests import Wish
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.http.dependencies import AppSettings, Transaction
from hubwell.http.guard import require_role
from hubwell.workflows import bookings as bookings_workflow
from hubwell.workflows.bookings import Clock
from hubwell.workflows.door import no_shows, walk_ins

SpaceId = Annotated[str, Path(max_length=64, description="Id of a space.")]
api = APIRouter(
    prefix="/api/v1",
    tags=["Bookings"],
    responses=WRITES,
    dependencies=[require_role(*bookings_workflow.BOOKERS)],
)


class WishBody(BaseModel):
    """What the next badge at the reader of a space does."""

    model_config = ConfigDict(extra="forbid")

    wish: Wish
    minutes: int = Field(
        0, description="10 to 90 to take it, 15 or 30 to extend it; nothing to end it.", examples=[30]
    )


class DoorRequestShown(BaseModel):
    """A request that waits for a badge, or what became of it. It never names a person."""

    id: UUID
    wish: Wish
    minutes: int
    state: Literal["waiting", "done", "refused", "expired"]
    expires_at: datetime
    until: datetime | None = Field(description="Once done: until when the space is taken.")
    part: str = Field(description="Name of the part that is taken; empty for the whole space.")
    refusal: str | None = Field(description="Code of the refusal.")


@api.post(
    "/spaces/{space_id}/door-requests",
    summary="Let the next badge at the door take, extend or end",
    operation_id="askAtDoor",
    status_code=201,
    responses=refused(
        SPACE_UNKNOWN,
        errors.WALK_INS_OFF,
        errors.WALK_IN_TAKEN,
        errors.WALK_IN_CLOSED,
        errors.WALK_IN_NOT_YOURS,
        errors.WALK_IN_LENGTH_UNKNOWN,
        errors.WALK_IN_NO_READER,
    ),
)
async def ask_at_door(
    transaction: Transaction, settings: AppSettings, space_id: SpaceId, body: WishBody
) -> DoorRequestShown:
    """Wait for half a minute for a badge at the reader of the space, as a press at its panel does."""
    clock = Clock(transaction.now, ZoneInfo(settings.zone))
    request = await walk_ins.ask(transaction.conn, space_id, body.wish, str(body.minutes), clock)
    await transaction.commit()
    return _shown(requests.DoorAnswer(request, "waiting"))


@api.get(
    "/spaces/{space_id}/door-requests/{request_id}",
    summary="What became of a request at the door",
    operation_id="getDoorRequest",
    responses=refused(errors.DOOR_REQUEST_GONE),
)
async def get_door_request(
    transaction: Transaction,
    space_id: SpaceId,
    request_id: Annotated[UUID, Path(description="Id of the request.")],
) -> DoorRequestShown:
    """Return it until another request at this space takes its place."""
    answer = await requests.answer_to(transaction.conn, space_id, request_id, transaction.now)
    if answer is None:
        raise DomainError(errors.DOOR_REQUEST_GONE)
    return _shown(answer)


@api.post(
    "/bookings/{booking_id}/take-back",
    summary="Take back that a booking was released",
    operation_id="takeBackBooking",
    responses=refused(
        errors.BOOKING_GONE,
        errors.NOT_YOURS,
        errors.NOT_RELEASED,
        errors.BOOKING_OVER,
        errors.CHANGED_MEANWHILE,
        errors.VERSION_MISSING,
        errors.SPACE_TAKEN,
        errors.BOOKING_SPACE_ARCHIVED,
    ),
)
async def take_back(
    transaction: Transaction,
    settings: AppSettings,
    response: Response,
    booking_id: BookingId,
    if_match: IfMatch = None,
) -> BookingShown:
    """Give a booking to which nobody came its time again, where it is still free."""
    clock = Clock(transaction.now, ZoneInfo(settings.zone))
    booking, facts = await no_shows.take_back(
        transaction.conn, transaction.principal, booking_id, version_of(if_match), clock
    )
    await transaction.commit(facts)
    response.headers["ETag"] = f'"{booking.version}"'
    reader = bookings_workflow.reader_of(transaction.principal)
    return BookingShown.of(booking, reader, clock.zone)


def _shown(answer: requests.DoorAnswer) -> DoorRequestShown:
    request = answer.request
    return DoorRequestShown(
        id=request.id,
        wish=request.wish,
        minutes=request.minutes,
        state=answer.state,
        expires_at=request.expires_at,
        until=answer.until,
        part=answer.part,
        refusal=answer.refusal or None,
    )
