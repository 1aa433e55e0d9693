"""The wall of a foyer: all spaces on one screen without navigation.

It is whole without JavaScript and loads itself again every half minute. With it, the fragment at `/wall/now`
brings what changed every few seconds, and the screen shows since when it is not live. In an evacuation it
shows only where to go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.api import live_state
from hubwell.api.schemas import SpaceNow
from hubwell.http.dependencies import ReadConnection
from hubwell.http.guard import PUBLIC, PUBLIC_NO_LOOKUP
from hubwell.web.board.text import brief, summary
from hubwell.web.kit.evacuation import banner, evacuation_of
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.respond import formatter_for, fragment, view
from hubwell.web.kit.spaces import shape

_ORDER: Final = ("free", "used", "unknown", "closed")
_MOST_COLUMNS: Final = 10
# A tile is about so many times as wide and as high as its text: see screen.css.
_WIDE, _HIGH = 10.0, 7.0
_LANDSCAPE, _PORTRAIT = (16.0, 7.5), (9.0, 14.0)  # what is left of the screen below the headline
_NO_STORE: Final = {"Cache-Control": "no-store"}
pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Tile:
    """A space in as few words as it takes; `detail` is how full it is, or why that is unknown."""

    space: SpaceNow
    shape: str
    state: str
    detail: str
    air: str


@dataclass(frozen=True, slots=True)
class Wall:
    """All spaces: free ones first, in as many columns as make the words largest."""

    headline: str
    tiles: list[Tile]
    columns: int
    columns_upright: int


def wall_of(spaces: Sequence[SpaceNow], words: Formatter, *, evacuating: bool = False) -> Wall:
    """Make the wall; one person's rooms are not on it, and while `evacuating` no space is."""
    shown = [] if evacuating else [space.named(words.language) for space in spaces if not space.personal]
    shown.sort(key=lambda space: _ORDER.index(shape(space)))
    tiles = [
        Tile(space, shape(space), words.state(space), brief(space, words), _air(space, words))
        for space in shown
    ]
    count = len(tiles)
    headline = summary(spaces, words, evacuating=evacuating).headline
    return Wall(headline, tiles, _columns(count, _LANDSCAPE), _columns(count, _PORTRAIT))


def _air(space: SpaceNow, words: Formatter) -> str:
    return words.air_advice(space) or words.air(space)


def _columns(count: int, screen: tuple[float, float]) -> int:
    """Return how many columns give the largest text on a screen of this width and height."""
    width, height = screen

    def text_size(columns: int) -> float:
        rows = -(-count // columns)
        return min(width / columns / _WIDE, height / rows / _HIGH)

    return max(range(1, min(max(count, 1), _MOST_COLUMNS) + 1), key=text_size) if count else 1


@pages.get("/wall", dependencies=[PUBLIC])
async def show_wall(request: Request, conn: ReadConnection) -> Response:
    """Show every space on one screen."""
    words = formatter_for(request)
    shown = await wall_now(request, conn, words)
    return view(
        request,
        "board/screen.html",
        words=words,
        page="wall",
        title=shown.headline,
        source="/wall/now",
        content="board/wall.html",
        wall=shown,
    )


@pages.get("/wall/now", dependencies=[PUBLIC_NO_LOOKUP])
async def show_wall_now(request: Request, conn: ReadConnection) -> Response:
    """Show the same as a fragment; asked every few seconds, it keeps no session alive."""
    words = formatter_for(request, language_of_page(request))
    open_now, shown = banner(request, words, officer=False), await wall_now(request, conn, words)
    html = fragment(request, "board/wall.html", words, evacuation=open_now, wall=shown)
    return HTMLResponse(html, headers=_NO_STORE)


async def wall_now(request: Request, conn: AsyncConnection[Any], words: Formatter) -> Wall:
    """Return the wall of this moment."""
    evacuating = evacuation_of(request) is not None
    return wall_of(await live_state.spaces(conn, words.zone), words, evacuating=evacuating)
