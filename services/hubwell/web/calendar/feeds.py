"""The calendar at an address, for calendar programs.

Programs delete what they had at a page in place of a calendar, and stop asking after some errors. So the
answer is a calendar, "not modified", or 404: for an unknown or revoked address, and where the database is
away and no copy is kept.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import psycopg
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response

from hubwell.booking.calendar import addresses, shown
from hubwell.booking.calendar.addresses import CalendarAddress, CalendarShows
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.http.dependencies import AppSettings, DatabasePool
from hubwell.http.guard import PUBLIC_NO_LOOKUP
from hubwell.web.calendar.kept import Kept, KeptCalendars
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.render import renderer_of

_log: Final = logging.getLogger(__name__)
_PATH: Final = "/calendar/{token}.ics"
_MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Content-Disposition": 'inline; filename="bookings.ics"',
    "X-Robots-Tag": "noindex",
}

feeds = APIRouter(include_in_schema=False)


async def _kept_calendars(request: Request) -> KeptCalendars:
    kept: KeptCalendars = request.app.state.kept_calendars
    return kept


def install(app: FastAPI) -> None:
    """Give the application what its calendars are kept in."""
    app.state.kept_calendars = KeptCalendars()


@feeds.head(_PATH, dependencies=[PUBLIC_NO_LOOKUP])
@feeds.get(_PATH, dependencies=[PUBLIC_NO_LOOKUP])
async def read_calendar(
    request: Request,
    database: DatabasePool,
    settings: AppSettings,
    kept: Annotated[KeptCalendars, Depends(_kept_calendars)],
    token: str,
) -> Response:
    """Return the calendar of an address: 200, 304, or 404, and nothing else."""
    if not addresses.is_token(token):
        return _none()
    words, zone = renderer_of(request).words(), ZoneInfo(settings.zone)
    async with kept.turn:
        calendar = await _read(database, kept, token, words, zone, settings.hub_name)
    if calendar is None:
        return _none()
    headers = _HEADERS | {"ETag": calendar.etag}
    if calendar.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(calendar.body, headers=headers, media_type=_MEDIA_TYPE)


async def _read(
    database: Database, kept: KeptCalendars, token: str, words: Formatter, zone: ZoneInfo, hub: str
) -> Kept | None:
    """Return a calendar as it is now, or as it was read last while the database is away."""
    try:
        async with database.connection() as conn:
            address = await addresses.with_token(conn, token)
            if address is None:
                kept.forget(token)
                return None
            now = datetime.now(UTC)
            await addresses.note_reading(conn, address, now.astimezone(zone).date())
            name, hidden = _texts(address, words, hub)
            content = await shown.content(conn, address, name, hidden, zone, now)
    except (DatabaseAwayError, SchemaMissingError, psycopg.Error) as error:
        # Neither the address nor the error's own text, which may quote it.
        _log.warning(
            "a calendar could not be read: %s", type(error).__name__, extra={"action": "calendar-not-read"}
        )
        return kept.get(token)
    before = kept.get(token)
    body = (
        before.body
        if before is not None and before.etag == content.etag
        else await asyncio.to_thread(content.write)
    )
    calendar = Kept(content.etag, body)
    kept.put(token, calendar)
    return calendar


def _texts(address: CalendarAddress, words: Formatter, hub: str) -> tuple[str, str]:
    """Return a calendar's name, and the word for a booking whose title is not shown."""
    _ = words.translations.gettext
    name = {
        CalendarShows.OWN: _("My bookings, {hub}").format(hub=hub),
        CalendarShows.SPACE: address.space,
        CalendarShows.BUSY: _("{space}: booked times").format(space=address.space),
    }[address.shows]
    return name, _("Booked")


def _none() -> Response:
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return Response("There is no such calendar.\n", 404, headers=headers, media_type="text/plain")
