"""Board and alerts, and the fragments that keep the board live.

Each page is one request and whole without JavaScript. What JavaScript adds: `/live` sends rows that
changed, `/plots` the drawings again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, field_validator

from hubwell.api import live_state
from hubwell.api.dependencies import STREAM_PLACE, LiveFeed
from hubwell.api.live.stream import events, while_valid
from hubwell.api.live.updates import Status
from hubwell.api.schemas import SpaceNow
from hubwell.api.visibility import sees_exact
from hubwell.evacuation.announcement import Announcement
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection
from hubwell.http.guard import FOR_SCREENS_NO_LOOKUP, PUBLIC
from hubwell.spaces.plans import actions as plans
from hubwell.vocabulary import Role, SpaceFeature, SpaceKind
from hubwell.web.board.co2_plot import Day
from hubwell.web.board.floor_plan import floors_of
from hubwell.web.board.space_finder import Need
from hubwell.web.board.sparkline import Sparkline, spark
from hubwell.web.board.text import board, card, summary
from hubwell.web.dependencies import Co2History
from hubwell.web.kit.evacuation import evacuation_of
from hubwell.web.kit.formatting import Formatter, alert_words
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.render import renderer_of
from hubwell.web.kit.respond import formatter_for, fragment, view

View = Literal["rows", "table", "plan"]
_RECENT: Final = timedelta(days=7)
_LARGEST_GROUP: Final = 500
_ROW: Final[dict[View, str]] = {
    "rows": "board/rows/row.html",
    "table": "board/rows/table_row.html",
    "plan": "board/rows/row.html",
}
pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class SpaceQuery(BaseModel):
    """The form's fields as a browser sends them: an empty field means no preference."""

    model_config = ConfigDict(frozen=True)

    people: int = 1
    quiet: bool = False
    fresh: bool = False
    kind: SpaceKind | None = None
    access: frozenset[SpaceFeature] = frozenset()
    find: bool = False
    view: View = "rows"

    @field_validator("view", mode="before")
    @classmethod
    def _view(cls, value: object) -> object:
        return value if value in get_args(View) else "rows"

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

    @field_validator("access", mode="before")
    @classmethod
    def _access(cls, value: object) -> object:
        values = value if isinstance(value, list | set | frozenset | tuple) else [value]
        return [word for word in values if word in set(SpaceFeature)]

    @field_validator("quiet", "fresh", "find", mode="before")
    @classmethod
    def _ticked(cls, value: object) -> bool:
        return value not in (None, False, "", "0", "no", "false")

    @property
    def need(self) -> Need:
        """What was asked for."""
        return Need(self.people, self.quiet, self.fresh, self.kind, self.access)


SpaceQueryParameters = Annotated[SpaceQuery, Query()]


@pages.get("/", dependencies=[PUBLIC])
async def show_board(
    request: Request,
    conn: ReadConnection,
    principal: CurrentPrincipal,
    history: Co2History,
    query: SpaceQueryParameters,
) -> Response:
    """Show the board; with a need, the answer and the spaces that fit."""
    words = formatter_for(request)
    spaces = await live_state.spaces(conn, words.zone)
    days = await history.at(conn, words.now) if spaces else {}
    evacuating = evacuation_of(request) is not None
    page = board(spaces, query.need, words, asked=query.find, evacuating=evacuating)
    plots = _plots(spaces, days, words)
    # Before the plans: what changes in between is then followed by the page.
    version = await plans.version(conn) if query.view == "plan" else ""
    has_plans = await plans.are_there_plans(conn)
    floors = await floors_of(conn, page.cards) if has_plans and query.view == "plan" else None
    return view(
        request,
        "board/board.html",
        words=words,
        page="board",
        board=page,
        plots=plots,
        floors=floors,
        plans=version,
        shown_as="rows" if query.view == "plan" and not has_plans else query.view,
        views=_views(request, words, has_plans=has_plans),
        may_register=principal.may(Role.FACILITIES, Role.ADMIN),
    )


def _views(request: Request, words: Formatter, *, has_plans: bool) -> list[tuple[View, str, str]]:
    """Return key, name and address of each way to read the board, with the same need."""
    _ = words.translations.gettext
    names: dict[View, str] = {"rows": _("Rows"), "table": _("Table")}
    if has_plans:
        names["plan"] = _("Plan")
    parameters = [(key, value) for key, value in request.query_params.multi_items() if key != "view"]
    return [(key, name, "/?" + urlencode([*parameters, ("view", key)])) for key, name in names.items()]


@pages.get("/plots", dependencies=[PUBLIC])
async def show_plots(request: Request, conn: ReadConnection, history: Co2History) -> Response:
    """Show every plot as a fragment."""
    words = formatter_for(request, language_of_page(request))
    spaces = await live_state.spaces(conn, words.zone)
    days = await history.at(conn, words.now)
    plots = _plots(spaces, days, words)
    return view(request, "board/rows/plots.html", words=words, spaces=spaces, plots=plots)


def _plots(spaces: Sequence[SpaceNow], days: Mapping[str, Day], words: Formatter) -> dict[str, Sparkline]:
    return {
        space.id: spark(days.get(space.id, Day()), words, in_doubt=space.air_reason == "in-doubt")
        for space in spaces
    }


@pages.get("/live", dependencies=[PUBLIC, STREAM_PLACE], response_class=EventSourceResponse)
async def stream_cards(
    request: Request, feed: LiveFeed, query: SpaceQueryParameters
) -> AsyncIterator[ServerSentEvent]:
    """Send rows that changed, rendered as on the page with the same query."""
    language = language_of_page(request)
    template = _ROW[query.view]

    def of_space(space: SpaceNow) -> dict[str, Any]:
        words = formatter_for(request, language)
        evacuating = feed.evacuation is not None
        item = card(space, Need() if evacuating else query.need, words, evacuating=evacuating)
        row = {
            "id": space.id,
            "fits": item.fits,
            "rank": item.rank,
            "html": fragment(request, template, words, card=item),
        }
        if query.view == "plan":
            row["mark"] = fragment(request, "board/rows/mark.html", words, card=item)
        return row

    def of_status(status: Status) -> dict[str, Any]:
        return {"state": status.state, "since": formatter_for(request, language).clock(status.since)}

    def of_all() -> dict[str, Any]:
        words = formatter_for(request, language)
        content = summary(feed.known(), words, evacuating=feed.evacuation is not None)
        return {"html": fragment(request, "board/rows/summary.html", words, summary=content)}

    def of_evacuation(open_now: Announcement | None) -> dict[str, Any]:
        return {"open": open_now is not None}  # the page asks for the banner, which is the same on every page

    def of_plans(version: str) -> dict[str, Any]:
        return {"version": version}

    shown_plans = of_plans if query.view == "plan" else None
    every = events(feed, of_space, of_status, of_evacuation, of_all, shown_plans)
    async for event in while_valid(request, every):
        yield event


@pages.get("/alerts", dependencies=[PUBLIC])
async def show_alerts(request: Request, conn: ReadConnection, principal: CurrentPrincipal) -> Response:
    """Show what holds now and what ended lately."""
    words = formatter_for(request)
    alerts = await live_state.alerts(conn, words.now - _RECENT, exact=sees_exact(principal))
    every_space = await live_state.spaces(conn, words.zone)
    spaces = {space.id: space.named(words.language) for space in every_space if not space.personal}
    every = [*alerts.open, *alerts.recent]
    texts = {alert.id: alert_words(words, alert, spaces.get(alert.space_id)) for alert in every}
    unjudged = [(space, text) for space in spaces.values() if (text := words.air_unjudged(space))]
    return view(
        request,
        "board/alerts.html",
        words=words,
        page="alerts",
        alerts=alerts,
        texts=texts,
        names={space.id: space.name for space in spaces.values()},
        unjudged=unjudged,
    )


@pages.get("/static/{name}", dependencies=[FOR_SCREENS_NO_LOOKUP])
async def static_file(request: Request, name: str) -> Response:
    """Serve a packaged file; its address changes with its content, so it may be kept for good."""
    return renderer_of(request).static(name)
