"""Board, devices and alerts, and the fragments that keep the board live.

Each page is one request and whole without JavaScript. What JavaScript adds: `/live` sends cards that
changed, `/plots` the drawings again.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, field_validator

from hubwell.api import live_state
from hubwell.api.dependencies import LiveFeed
from hubwell.api.live_updates import Status
from hubwell.api.schemas import SpaceNow
from hubwell.api.stream import events
from hubwell.api.visibility import sees_exact
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection
from hubwell.http.guard import PUBLIC, PUBLIC_NO_LOOKUP
from hubwell.vocabulary import SpaceKind
from hubwell.web.board.co2_plot import draw
from hubwell.web.board.space_finder import Need
from hubwell.web.board.text import board, card, summary
from hubwell.web.dependencies import Co2History
from hubwell.web.kit.formatting import alert_words
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.render import renderer_of
from hubwell.web.kit.respond import formatter_for, fragment, view

_RECENT: Final = timedelta(days=7)
_LARGEST_GROUP: Final = 500
pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class SpaceQuery(BaseModel):
    """The form's fields as a browser sends them: an empty field means no preference."""

    model_config = ConfigDict(frozen=True)

    people: int = 1
    quiet: bool = False
    fresh: bool = False
    kind: SpaceKind | None = None
    find: bool = False

    @field_validator("people", mode="before")
    @classmethod
    def _people(cls, value: object) -> int:
        """Take what can be taken: a form that a person fills in never answers with an error page."""
        try:
            return min(max(int(str(value)), 1), _LARGEST_GROUP)
        except ValueError:
            return 1

    @field_validator("kind", mode="before")
    @classmethod
    def _kind(cls, value: object) -> object:
        return value if value in set(SpaceKind) else None

    @field_validator("quiet", "fresh", "find", mode="before")
    @classmethod
    def _ticked(cls, value: object) -> bool:
        return value not in (None, False, "", "0", "no", "false")

    @property
    def need(self) -> Need:
        """What was asked for."""
        return Need(self.people, self.quiet, self.fresh, self.kind)


SpaceQueryParameters = Annotated[SpaceQuery, Query()]


@pages.get("/", dependencies=[PUBLIC])
async def show_board(
    request: Request, conn: ReadConnection, history: Co2History, query: SpaceQueryParameters
) -> Response:
    """Show the board; with a need, the answer and the spaces that fit."""
    spaces = await live_state.spaces(conn)
    words = formatter_for(request)
    steps = await history.at(conn, words.now) if spaces else {}
    page = board(spaces, query.need, words, asked=query.find)
    plots = {space.id: draw(steps.get(space.id, []), words) for space in spaces}
    return view(request, "board/board.html", words=words, page="board", board=page, plots=plots)


@pages.get("/plots", dependencies=[PUBLIC])
async def show_plots(request: Request, conn: ReadConnection, history: Co2History) -> Response:
    """Show every plot as a fragment."""
    words = formatter_for(request, language_of_page(request))
    spaces = await live_state.spaces(conn)
    steps = await history.at(conn, words.now)
    plots = {space.id: draw(steps.get(space.id, []), words) for space in spaces}
    return view(request, "board/plots.html", words=words, spaces=spaces, plots=plots)


@pages.get("/live", dependencies=[PUBLIC], response_class=EventSourceResponse)
async def stream_cards(
    request: Request, feed: LiveFeed, query: SpaceQueryParameters
) -> AsyncIterator[ServerSentEvent]:
    """Send cards that changed, rendered as on the page with the same query."""
    language = language_of_page(request)

    def of_space(space: SpaceNow) -> dict[str, Any]:
        words = formatter_for(request, language)
        item = card(space, query.need, words)
        return {
            "id": space.id,
            "fits": item.fits,
            "html": fragment(request, "board/card.html", words, card=item),
        }

    def of_status(status: Status) -> dict[str, Any]:
        return {"state": status.state, "since": formatter_for(request, language).clock(status.since)}

    def of_all() -> dict[str, Any]:
        words = formatter_for(request, language)
        return {"html": fragment(request, "board/summary.html", words, summary=summary(feed.known(), words))}

    async for event in events(feed, of_space, of_status, of_all):
        yield event


@pages.get("/devices", dependencies=[PUBLIC])
async def show_devices(request: Request, conn: ReadConnection, principal: CurrentPrincipal) -> Response:
    """Show which device is heard, which is not, and what it measures."""
    devices = await live_state.devices(conn, exact=sees_exact(principal))
    return view(request, "board/devices.html", page="devices", devices=devices)


@pages.get("/alerts", dependencies=[PUBLIC])
async def show_alerts(request: Request, conn: ReadConnection, principal: CurrentPrincipal) -> Response:
    """Show what holds now and what ended lately."""
    words = formatter_for(request)
    alerts = await live_state.alerts(conn, words.now - _RECENT, exact=sees_exact(principal))
    texts = {alert.id: alert_words(words, alert) for alert in [*alerts.open, *alerts.recent]}
    return view(request, "board/alerts.html", words=words, page="alerts", alerts=alerts, texts=texts)


@pages.get("/static/{name}", dependencies=[PUBLIC_NO_LOOKUP])
async def static_file(request: Request, name: str) -> Response:
    """Serve a packaged file; its address changes with its content, so it may be kept for good."""
    return renderer_of(request).static(name)
