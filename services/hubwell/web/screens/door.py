"""Reports from a paired screen at a door: for the space that it shows, and for no other.

The addresses name no space: it is that of the screen's token. A form of another site is refused by the guard
(Sec-Fetch-Site, Origin), and the screen's cookie is not sent with it (SameSite=Lax).
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from hubwell.errors import DomainError
from hubwell.http.database import Database
from hubwell.http.dependencies import DatabasePool, NewTransaction, RateLimits
from hubwell.http.guard import FOR_SCREENS
from hubwell.http.session_cookie import screen_token_of
from hubwell.screens import actions
from hubwell.screens.actions import PairedScreen
from hubwell.web.board.panel import panel_now, refusal, send_report, undo_report
from hubwell.web.kit.evacuation import evacuation_of
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.respond import see_other
from hubwell.web.screens.paired import DOOR, message, panel_page, words_of
from hubwell.workflows import defects as workflow

UNPAIRED: Final = "screens/unpaired.html"
door = APIRouter(prefix="/screen/defects", include_in_schema=False, default_response_class=HTMLResponse)


@door.post("", dependencies=[FOR_SCREENS])
async def report(
    request: Request, database: DatabasePool, limits: RateLimits, begin: NewTransaction, kind: FormText = ""
) -> Response:
    """Report what is broken in the screen's space."""
    screen = await screen_of(request, database)
    if screen is None:
        return message(request, UNPAIRED, status=HTTPStatus.GONE)
    if evacuation_of(request) is not None:
        return see_other(DOOR.home)
    sender, space_id = workflow.by_screen(screen.id), space_of(screen)
    try:
        return see_other(await send_report(limits, begin, sender, space_id, kind, DOOR))
    except DomainError as error:
        return await _refused(request, database, screen, error)


@door.post("/undo", dependencies=[FOR_SCREENS])
async def take_back(
    request: Request, database: DatabasePool, limits: RateLimits, begin: NewTransaction, report: FormText = ""
) -> Response:
    """Take back a report of the screen's space."""
    screen = await screen_of(request, database)
    if screen is None:
        return message(request, UNPAIRED, status=HTTPStatus.GONE)
    sender, space_id = workflow.by_screen(screen.id), space_of(screen)
    try:
        return see_other(await undo_report(limits, begin, sender, space_id, report, DOOR))
    except DomainError as error:
        return await _refused(request, database, screen, error)


async def screen_of(request: Request, database: Database) -> PairedScreen | None:
    """Return the screen that sent a form; None if it is not paired any more."""
    async with database.connection() as conn:
        return await actions.screen_with(conn, screen_token_of(request) or "", datetime.now(UTC))


def space_of(screen: PairedScreen) -> str:
    """Return the space of a screen that shows a panel. Raises HTTPException 404 for any other screen."""
    if screen.content.space_id is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return screen.content.space_id


async def _refused(
    request: Request, database: Database, screen: PairedScreen, error: DomainError
) -> Response:
    words = words_of(request)
    async with database.connection() as conn:
        shown = await panel_now(request, conn, words, space_of(screen), DOOR, refusal(error))
    return panel_page(request, words, shown, screen.version, status=error.kind.status)
