"""What a screen sees: a code until it is paired, then what was chosen for it, always at one address.

`/screen` is the page, `/screen/now` what it shows now as a fragment, `/screen/live` an event stream that says
when to look. All three need the screen's token, or give a browser without one a code. What the screen shows
can change without another address, and once it is revoked all three say so and show nothing else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from psycopg import AsyncConnection

from hubwell.api.dependencies import STREAM_PLACE
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.http.dependencies import AppSettings, CurrentPrincipal, DatabasePool, RateLimits
from hubwell.http.guard import FOR_SCREENS, FOR_SCREENS_NO_LOOKUP
from hubwell.http.rate_limits import WAITING_SCREEN_FROM_ADDRESS, Limits, address_of
from hubwell.http.session_cookie import screen_token_of, set_screen_cookies, waiting_token_of
from hubwell.screens import actions
from hubwell.screens.actions import PairedScreen, Waiting
from hubwell.screens.notices import ScreenNotices
from hubwell.screens.rules import ScreenShows
from hubwell.vocabulary import Role
from hubwell.web.board.panel import LOOKS, Panel, panel_now
from hubwell.web.board.panel_parts import Asked, Door, PartAsked
from hubwell.web.board.wall import wall_now
from hubwell.web.dependencies import Notices
from hubwell.web.kit.evacuation import banner
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.render import renderer_of
from hubwell.web.kit.respond import fragment, see_other, view
from hubwell.web.screens.kiosk import kiosk_values

_HOME: Final = "/screen"
_REPORTS: Final = "/screen/defects"
_PRESSES: Final = "/screen/bookings"
_NOW: Final = "/screen/now"
_LIVE: Final = "/screen/live"
_LOOK_S: Final = 2.0
"""Seconds between two looks at the token of an open stream; a notification comes sooner."""
_STREAM_S: Final = 3600.0
"""A stream ends after this time, and the browser connects again."""
_RETRY_MS: Final = 1000
_BEAT_S: Final = 15.0
_REFRESH_S: Final = {"kiosk": 2, "waiting": 4}
"""Seconds after which a page without JavaScript loads itself again; all others after 4."""
_PANEL_REFRESH_S: Final = 4
_LEAST_TOKEN: Final = 40
_NO_STORE: Final = {"Cache-Control": "no-store"}
DOOR: Final = Door(_HOME, may_report=True, may_take=True)
"""Where a paired screen shows a panel."""
Page = Literal["waiting", "wall", "panel", "kiosk"]

paired = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@paired.get("/screen", dependencies=[FOR_SCREENS])
async def show_screen(
    request: Request,
    database: DatabasePool,
    limits: RateLimits,
    settings: AppSettings,
    notices: Notices,
    asked: PartAsked,
    again: str = "",
) -> Response:
    """Show a code to pair this screen, or what was chosen for it; `again` gives a revoked one a new code."""
    token = screen_token_of(request)
    if token and again:
        async with database.connection() as conn:
            token = token if await actions.screen_with(conn, token, datetime.now(UTC)) else None
    waiting_token = None if token else _waiting_token(request)
    async with database.connection() as conn:
        now = datetime.now(UTC)
        screen = await actions.screen_with(conn, token or waiting_token or "", now)
        if screen is not None:
            answer = await _show_paired(request, conn, screen, notices, asked)
            set_screen_cookies(answer, settings, paired=token or waiting_token)
            return answer
    if token:
        return message(request, "screens/unpaired.html")
    waiting_token = waiting_token or actions.new_token()
    code = await _code(request, database, limits, waiting_token)
    answer = _page(request, "waiting", waiting=code, version="waiting")
    set_screen_cookies(answer, settings, waiting=waiting_token)
    return answer


@paired.get("/screen/now", dependencies=[FOR_SCREENS_NO_LOOKUP])
async def show_now(
    request: Request, database: DatabasePool, limits: RateLimits, notices: Notices
) -> Response:
    """Return the same as a fragment; 410 for a screen that is not paired any more."""
    token, waiting_token = screen_token_of(request), _waiting_token(request)
    async with database.connection() as conn:
        screen = await actions.screen_with(conn, token or waiting_token or "", datetime.now(UTC))
        if screen is not None:
            words = words_of(request)
            page, values = await _content(request, conn, screen, notices, words)
            return _fragment(request, page, words, values)
    if token or not waiting_token:
        return message(request, "screens/unpaired.html", status=HTTPStatus.GONE)
    code = await _code(request, database, limits, waiting_token)
    return _fragment(request, "waiting", words_of(request), {"waiting": code, "version": "waiting"})


async def _required(request: Request, database: DatabasePool) -> PairedScreen | None:
    async with database.connection() as conn:
        return await actions.screen_with(conn, screen_token_of(request) or "", datetime.now(UTC))


@paired.get(
    "/screen/live",
    dependencies=[FOR_SCREENS_NO_LOOKUP, STREAM_PLACE],
    response_class=EventSourceResponse,
)
async def watch(
    request: Request,
    database: DatabasePool,
    notices: Notices,
    screen: Annotated[PairedScreen | None, Depends(_required, scope="function")],
    version: str = "",
) -> AsyncIterator[ServerSentEvent]:
    """Send `look` when there is something new, and at last `changed` when the page is another one."""
    async for event in _events(request, database, notices, screen, version):
        yield event


async def _events(
    request: Request, database: Database, notices: ScreenNotices, screen: PairedScreen | None, version: str
) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    ends, beats = loop.time() + _STREAM_S, loop.time() + _BEAT_S
    yield ServerSentEvent(comment="hubwell", retry=_RETRY_MS)
    if screen is None:
        yield ServerSentEvent(event="changed", data={})
        return
    shown: object = None
    with notices.watch(screen.id) as notified:
        while not notices.closed and loop.time() < ends:
            notified.clear()
            if not await _is_still(request, database, notices, screen, version):
                yield ServerSentEvent(event="changed", data={})
                return
            answer = notices.answer(screen.id, datetime.now(UTC))
            if answer is not shown:
                shown = answer
                yield ServerSentEvent(event="look", data={})
            elif loop.time() >= beats:
                beats = loop.time() + _BEAT_S
                yield ServerSentEvent(event="beat", data={})
            await _until_notified(notified, notices.remaining(screen.id, datetime.now(UTC)))


async def _is_still(
    request: Request, database: Database, notices: ScreenNotices, screen: PairedScreen, version: str
) -> bool:
    """Return whether the screen is paired and shows the same; True while the database is away."""
    with suppress(DatabaseAwayError, SchemaMissingError):
        async with database.connection() as conn:
            token, now = screen_token_of(request) or "", datetime.now(UTC)
            current = await actions.screen_with(conn, token, now)
            if current is None or current.id != screen.id or current.version != version:
                return False
            if current.content.shows == ScreenShows.KIOSK:
                await actions.set_seal_key(conn, current, notices.public_key)
    return True


async def _until_notified(notified: asyncio.Event, remaining: float | None) -> None:
    pause = _LOOK_S if remaining is None else min(_LOOK_S, remaining + 0.01)
    with suppress(TimeoutError):
        async with asyncio.timeout(pause):
            await notified.wait()


@paired.get("/kiosk", dependencies=[FOR_SCREENS])
async def show_kiosk(request: Request, principal: CurrentPrincipal) -> Response:
    """Show staff the kiosk as a screen shows it at rest, without answers; lead every other browser to pair.

    Answers hold one-time codes, which are for the screen beside the reader alone.
    """
    if not principal.may(Role.STAFF, Role.FACILITIES, Role.ADMIN):
        return see_other(_HOME)
    return _page(request, "kiosk", source="", answer=None, away=False, version="preview")


async def _show_paired(
    request: Request, conn: AsyncConnection[Any], screen: PairedScreen, notices: ScreenNotices, asked: Asked
) -> Response:
    words = words_of(request)
    page, values = await _content(request, conn, screen, notices, words, asked)
    if page == "panel":
        return panel_page(request, words, values["panel"], screen.version)
    return _page(request, page, words=words, live=_LIVE, **values)


def panel_page(
    request: Request, words: Formatter, shown: Panel | None, version: str, status: int = 200
) -> Response:
    """Return the page of a screen that shows a panel; None where its space is archived."""
    values: dict[str, Any] = {"panel": shown, "version": version, "live": _LIVE, "home": _HOME} | LOOKS
    if shown is not None:
        values["refresh"], values["refresh_to"] = shown.refresh(timedelta(seconds=_PANEL_REFRESH_S))
    return _page(request, "panel", words=words, status=status, **values)


async def _content(
    request: Request,
    conn: AsyncConnection[Any],
    screen: PairedScreen,
    notices: ScreenNotices,
    words: Formatter,
    asked: Asked | None = None,
) -> tuple[Page, dict[str, Any]]:
    """Return which page a screen shows, and what its template needs."""
    values: dict[str, Any] = {"version": screen.version}
    match screen.content.shows:
        case ScreenShows.WALL:
            return "wall", values | {"wall": await wall_now(request, conn, words)}
        case ScreenShows.PANEL:
            space_id = screen.content.space_id or ""
            return "panel", values | {"panel": await panel_now(request, conn, words, space_id, DOOR, asked)}
        case ScreenShows.KIOSK:
            await actions.set_seal_key(conn, screen, notices.public_key)
            now = datetime.now(UTC)
            shown_answer = notices.answer(screen.id, now)
            remaining = timedelta(seconds=notices.remaining(screen.id, now) or 0)
            away = await actions.is_reader_away(conn, screen.content)
            return "kiosk", values | kiosk_values(request, shown_answer, remaining, away=away)


_TEMPLATES: Final[dict[Page, str]] = {
    "waiting": "screens/waiting.html",
    "wall": "board/wall.html",
    "panel": "screens/panel.html",
    "kiosk": "screens/kiosk.html",
}


def _page(
    request: Request,
    page: Page,
    *,
    words: Formatter | None = None,
    source: str = _NOW,
    status: int = 200,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = words or words_of(request)
    shown: dict[str, Any] = {
        "title": _title(page, words),
        "source": source,
        "content": _TEMPLATES[page],
        "refresh": _REFRESH_S.get(page, 4),
        "every": 2 if page == "waiting" else 5,
    }
    answer = view(request, "board/screen.html", status=status, words=words, page=page, **(shown | values))
    answer.headers.update(_NO_STORE)
    return answer


def _title(page: Page, words: Formatter) -> str:
    _ = words.translations.gettext
    return {
        "waiting": _("Pair this screen"),
        "wall": _("Wall"),
        "panel": _("Panel"),
        "kiosk": _("Kiosk"),
    }[page]


def _fragment(request: Request, page: Page, words: Formatter, values: dict[str, Any]) -> Response:
    open_now = banner(request, words, officer=False)
    html = fragment(request, _TEMPLATES[page], words, evacuation=open_now, **values)
    return HTMLResponse(html, headers=_NO_STORE)


def refused_page(request: Request) -> Response:
    """Return the page for a paired screen that asked for anything else."""
    return message(request, "screens/refused.html", status=403)


def away_page(request: Request, status: int) -> Response | None:
    """Return the page of a screen while the database is away; None for other pages."""
    if request.url.path.startswith(_REPORTS):
        return message(request, "screens/not_sent.html", status=status)
    if request.url.path == _PRESSES:
        return message(request, "screens/not_sent.html", status=status, for_badge=True)
    return message(request, "screens/away.html", status=status) if request.url.path == _HOME else None


def message(request: Request, template: str, *, status: int = 200, for_badge: bool = False) -> Response:
    """Return a page of one sentence for a screen."""
    words = words_of(request)
    answer = view(request, template, words=words, page="screen", status=status, for_badge=for_badge)
    answer.headers.update(_NO_STORE)
    return answer


def words_of(request: Request) -> Formatter:
    """Return the formatter of the hub's language: a screen is read by everybody."""
    return renderer_of(request).words()


def _waiting_token(request: Request) -> str | None:
    token = waiting_token_of(request)
    return token if token and len(token) >= _LEAST_TOKEN else None


async def _code(request: Request, database: Database, limits: Limits, token: str) -> Waiting:
    """Return the code of a screen, a new one where it has none. Raises DomainError where too many wait."""
    async with database.connection() as conn:
        code = await actions.waiting(conn, token, datetime.now(UTC))
    if code is not None:
        return code
    async with limits.attempt((WAITING_SCREEN_FROM_ADDRESS, address_of(request))) as attempt:
        attempt.fail()  # each new code counts: a visitor gets only so many
        async with database.connection() as conn:
            return await actions.wait(conn, token, datetime.now(UTC))
