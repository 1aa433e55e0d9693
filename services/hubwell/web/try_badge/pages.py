"""Three virtual cards and the doors of the simulated hub: a press becomes a tap, an answer, a visit, a count.

The page writes nothing: the simulated device sends the tap through the broker, and what is shown is the
answer that came back to it and what is stored then. There is this page only where `hubwell up` runs the
demonstration.
"""

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection
from starlette.exceptions import HTTPException

from hubwell.http.database import Database
from hubwell.http.dependencies import AppSettings, DatabasePool, RateLimits
from hubwell.http.guard import PUBLIC
from hubwell.http.rate_limits import VIRTUAL_TAP_FROM_ADDRESS, address_of
from hubwell.outbound import simulated_hub
from hubwell.outbound.simulated_hub import Held, SimulatedHubAwayError
from hubwell.presence import actions as presence
from hubwell.spaces import demo
from hubwell.spaces.demo import Door
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.respond import formatter_for, view
from hubwell.web.try_badge.text import CARD_NAMES, steps

pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, dependencies=[PUBLIC])
_NO_STORE: Final = {"Cache-Control": "no-store"}


async def _socket(settings: AppSettings) -> Path:
    """Return the simulated hub's socket. Raises HTTPException 404 outside the demonstration."""
    if settings.demo_socket is None:
        raise HTTPException(404)
    return settings.demo_socket


DemoSocket = Annotated[Path, Depends(_socket)]


@pages.get("/try")
async def show_cards(request: Request, database: DatabasePool, _: DemoSocket) -> Response:
    """Show the cards and the doors."""
    return _page(request, await _doors(database))


@pages.post("/try")
async def hold_card(
    request: Request, database: DatabasePool, limits: RateLimits, path: DemoSocket, hold: FormText = ""
) -> Response:
    """Hold a card to a door, and show what came of it; `hold` is the card and the device."""
    doors = await _doors(database)
    card, _, device = hold.partition(" ")
    door = next((door for door in doors if door.device_id == device), None)
    if door is None or card not in {str(number) for number in range(1, len(CARD_NAMES) + 1)}:
        return _page(request, doors, status=422, trouble="choose")
    # No connection is held while the tap is on its way.
    async with limits.attempt((VIRTUAL_TAP_FROM_ADDRESS, address_of(request))) as attempt:
        attempt.fail()  # each tap counts
        try:
            answer = await simulated_hub.hold(path, device, int(card))
        except SimulatedHubAwayError:
            return _page(request, doors, status=503, trouble="away")
    async with database.connection() as conn:
        return await _result(request, conn, doors, door, int(card), answer)


async def _result(
    request: Request, conn: AsyncConnection[Any], doors: list[Door], door: Door, card: int, held: Held
) -> Response:
    visit = await presence.visit_of_tap(conn, door.device_id, held.boot, held.seq)
    devices = [door.device_id for door in doors]
    count = await presence.count_anonymous(conn, door.space_id, devices)
    words = formatter_for(request)
    names = {door.space_id: door.name for door in doors}
    result = steps(words, card=card, door=door, held=held, visit=visit, count=count, names=names)
    return _page(request, doors, result=result)


async def _doors(database: Database) -> list[Door]:
    """Return the doors of the simulated hub. Raises HTTPException 404 where there are none any more."""
    async with database.connection() as conn:
        doors = await demo.doors(conn)
    if not doors:
        raise HTTPException(404)
    return doors


def _page(
    request: Request,
    doors: list[Door],
    *,
    status: int = 200,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    shown: dict[str, Any] = {"result": None, "trouble": ""} | values
    answer = view(
        request, "try_badge/try.html", status=status, page="try", doors=doors, cards=CARD_NAMES, **shown
    )
    answer.headers.update(_NO_STORE)
    return answer
