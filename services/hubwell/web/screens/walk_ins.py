"""Presses on a paired screen at a door: take the space, extend, end. The badge that follows decides.

The addresses name no space, as those of reports (`web/screens/door.py`). No other browser presses: what is
pressed elsewhere would be answered by the next badge at the door.
"""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.errors import DomainError
from hubwell.http.dependencies import DatabasePool, NewTransaction
from hubwell.http.guard import FOR_SCREENS
from hubwell.web.board.panel import panel_now
from hubwell.web.board.panel_parts import Asked, PartName
from hubwell.web.board.panel_walk_ins import wish_of
from hubwell.web.kit.evacuation import evacuation_of
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.respond import see_other
from hubwell.web.screens.door import UNPAIRED, screen_of, space_of
from hubwell.web.screens.paired import DOOR, message, panel_page, words_of
from hubwell.workflows.bookings import Clock
from hubwell.workflows.door import walk_ins as workflow

walk_ins = APIRouter(prefix="/screen/bookings", include_in_schema=False, default_response_class=HTMLResponse)


@walk_ins.post("", dependencies=[FOR_SCREENS])
async def press(
    request: Request, database: DatabasePool, begin: NewTransaction, wish: FormText = ""
) -> Response:
    """Wait for a badge that takes, extends or ends; or say why there is nothing to wait for."""
    screen = await screen_of(request, database)
    if screen is None:
        return message(request, UNPAIRED, status=HTTPStatus.GONE)
    if evacuation_of(request) is not None:
        return see_other(DOOR.home)
    space_id, words = space_of(screen), words_of(request)
    try:
        chosen, minutes = wish_of(wish)
        async with begin() as transaction:
            clock = Clock(transaction.now, words.zone)
            waits = await workflow.ask(transaction.conn, space_id, chosen, minutes, clock)
            await transaction.commit()
    except DomainError as error:
        asked = Asked(PartName.ASKED, why=error.code)
        async with database.connection() as conn:
            shown = await panel_now(request, conn, words, space_id, DOOR, asked)
        return panel_page(request, words, shown, screen.version, status=error.kind.status)
    return see_other(DOOR.address_of(PartName.ASKED, request=str(waits.id)))
