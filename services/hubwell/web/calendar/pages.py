"""The page of calendar addresses: make one, copy it, revoke it."""

from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.booking import spaces
from hubwell.booking.calendar import addresses
from hubwell.booking.calendar.addresses import CalendarAddress, CalendarShows
from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, CurrentPrincipal, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.web.booking.text import name_of
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import bookings as bookings_workflow
from hubwell.workflows.calendar import addresses as workflow

_FORM_FIELDS: Final = ("shows", "space", "")
Conn = AsyncConnection[Any]
pages = APIRouter(
    prefix="/calendars",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(*bookings_workflow.BOOKERS)],
)


@pages.get("")
async def show_addresses(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, space: str = "", done: str = ""
) -> Response:
    """Show the addresses of the principal, for who looks after bookings those of spaces too."""
    shows = CalendarShows.SPACE if space else CalendarShows.OWN
    return await _page(request, conn, principal, shows=shows, space=space, done=done)


@pages.post("")
async def make_address(
    request: Request,
    transaction: Transaction,
    settings: AppSettings,
    shows: FormText = "",
    space: FormText = "",
) -> Response:
    """Make an address, which is shown once."""
    conn, principal = transaction.conn, transaction.principal
    try:
        _, token = await workflow.make_address(conn, principal, shows, space, transaction.now)
    except DomainError as error:
        await transaction.roll_back()
        if error.field not in _FORM_FIELDS:
            raise
        errors = mistake(error, formatter_for(request))
        return await _page(request, conn, principal, shows=shows, space=space, errors=errors)
    await transaction.commit()
    made = f"{str(settings.public_url or request.base_url).rstrip('/')}/calendar/{token}.ics"
    return await _page(request, conn, principal, shows=shows, space=space, made=made)


@pages.post("/{address_id}/revoke")
async def revoke_address(transaction: Transaction, address_id: UUID) -> Response:
    """Revoke an address."""
    await workflow.revoke_address(transaction.conn, transaction.principal, address_id)
    await transaction.commit()
    return see_other("/calendars?done=revoked")


async def _page(
    request: Request,
    conn: Conn,
    principal: Principal,
    *,
    shows: str,
    space: str,
    errors: dict[str, str] | None = None,
    made: str = "",
    done: str = "",
) -> Response:
    words, reader = formatter_for(request), bookings_workflow.reader_of(principal)
    listed = await addresses.list_addresses(conn, reader)
    every = await spaces.list_spaces(conn)
    return view(
        request,
        "calendar/addresses.html",
        status=422 if errors else 200,
        words=words,
        page="bookings",
        here="/calendars",
        addresses=[(address, _name(address, words)) for address in listed],
        actor=principal.actor,
        choices=_choices(words),
        spaces=[(each.id, name_of(each, words)) for each in every],
        shows=shows,
        space=space,
        errors=errors or {},
        made=made,
        made_webcal=urlsplit(made)._replace(scheme="webcal").geturl() if made else "",
        done=done,
    )


def _choices(words: Formatter) -> list[tuple[str, str]]:
    _ = words.translations.gettext
    return [
        (CalendarShows.OWN, _("My own bookings, with what they are for")),
        (CalendarShows.SPACE, _("A space, with what it is booked for where its door shows it")),
        (CalendarShows.BUSY, _("Only when a space is booked, for partners and the public")),
    ]


def _name(address: CalendarAddress, words: Formatter) -> str:
    _ = words.translations.gettext
    if address.shows == CalendarShows.OWN:
        return _("My own bookings")
    text = _("{space}: booked times") if address.shows == CalendarShows.BUSY else "{space}"
    return text.format(space=address.space)
