"""Addresses at which calendar programs read bookings: list, make, revoke."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.booking import errors as booking_errors
from hubwell.booking.calendar import addresses, errors
from hubwell.booking.calendar.addresses import CalendarAddress, CalendarShows
from hubwell.errors import SPACE_UNKNOWN
from hubwell.http.dependencies import AppSettings, Transaction
from hubwell.http.guard import require_role
from hubwell.workflows import bookings as bookings_workflow
from hubwell.workflows.calendar import addresses as workflow

api = APIRouter(
    prefix="/api/v1/calendars",
    tags=["Bookings"],
    responses=WRITES,
    dependencies=[require_role(*bookings_workflow.BOOKERS)],
)
AddressId = Annotated[UUID, Path(description="Id of an address, as the list has it.")]


class CalendarBody(BaseModel):
    """A calendar to be read by programs."""

    model_config = ConfigDict(extra="forbid")

    shows: CalendarShows = Field(
        description="`own`: your bookings, `space`: those of a space, `busy`: its times alone."
    )
    space: str = Field("", description="Id of the space; left out for your own bookings.")


class CalendarShown(BaseModel):
    """An address, without the token that is in it."""

    id: UUID
    shows: CalendarShows
    space: str | None
    made_by: str = Field(description="Name of the account; empty for programs.")
    created_at: datetime
    last_read_on: date | None = Field(description="The day on which a program read it last.")

    @classmethod
    def of(cls, address: CalendarAddress) -> "CalendarShown":
        """Return an address."""
        return cls(
            id=address.id,
            shows=address.shows,
            space=address.space_id,
            made_by=address.owner_name,
            created_at=address.created_at,
            last_read_on=address.last_read_on,
        )


class CalendarMade(CalendarShown):
    """The address itself, which is not shown again."""

    url: str


class CalendarsShown(BaseModel):
    """Your addresses; to facilities and administrators, also those that others made of spaces."""

    calendars: list[CalendarShown]


@api.get("", summary="Calendar addresses", operation_id="listCalendars")
async def list_calendars(transaction: Transaction) -> CalendarsShown:
    """Without the tokens that are in them."""
    reader = bookings_workflow.reader_of(transaction.principal)
    listed = await addresses.list_addresses(transaction.conn, reader)
    return CalendarsShown(calendars=[CalendarShown.of(address) for address in listed])


@api.post(
    "",
    summary="Make a calendar address",
    operation_id="makeCalendar",
    status_code=201,
    responses=refused(
        errors.SHOWS_UNREADABLE,
        SPACE_UNKNOWN,
        booking_errors.BOOKING_SPACE_ARCHIVED,
        booking_errors.SPACE_NOT_BOOKABLE,
        errors.TOO_MANY_ADDRESSES,
    ),
)
async def make(
    request: Request, transaction: Transaction, settings: AppSettings, body: CalendarBody
) -> CalendarMade:
    """Return the address, which is stored nowhere. Whoever has it reads the calendar, without signing in."""
    address, token = await workflow.make_address(
        transaction.conn, transaction.principal, body.shows, body.space, transaction.now
    )
    await transaction.commit()
    base = str(settings.public_url or request.base_url).rstrip("/")
    shown = CalendarShown.of(address).model_dump()
    return CalendarMade(**shown, url=f"{base}/calendar/{token}.ics")


@api.delete(
    "/{address_id}",
    summary="Revoke a calendar address",
    operation_id="revokeCalendar",
    status_code=204,
    responses=refused(errors.ADDRESS_GONE, errors.ADDRESS_NOT_YOURS),
)
async def revoke(transaction: Transaction, address_id: AddressId) -> None:
    """Programs that read it get 404 from then on."""
    await workflow.revoke_address(transaction.conn, transaction.principal, address_id)
    await transaction.commit()
