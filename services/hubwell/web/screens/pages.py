"""Screens, for those who look after the spaces: pair one, rename it, show something else, unpair it."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, NewTransaction, RateLimits, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.http.rate_limits import address_of, code_limits
from hubwell.screens import actions
from hubwell.screens.errors import SCREEN_CODE_UNKNOWN
from hubwell.screens.rules import LONGEST_NAME, ScreenShows
from hubwell.settings import Settings
from hubwell.spaces import register
from hubwell.vocabulary import Role
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.web.screens import text
from hubwell.workflows import screens as workflow

pages = APIRouter(
    prefix="/screens",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
_EMPTY = {"code": "", "name": "", "shows": str(ScreenShows.WALL), "space": "", "reader": ""}


@pages.get("")
async def show_screens(
    request: Request, conn: ReadConnection, settings: AppSettings, done: str = ""
) -> Response:
    """Show every paired screen, and the form to pair another one."""
    return await _list(request, conn, settings, done=done)


@pages.post("")
async def pair(
    request: Request,
    settings: AppSettings,
    limits: RateLimits,
    begin: NewTransaction,
    code: FormText = "",
    name: FormText = "",
    shows: FormText = "",
    space: FormText = "",
    reader: FormText = "",
) -> Response:
    """Pair the screen that shows the code; it changes to its page by itself."""
    fields = {"code": code, "name": name, "shows": shows, "space": space, "reader": reader}
    # The limit waits: the transaction begins afterwards, so that a wait holds no connection.
    async with limits.attempt(*code_limits(address_of(request))) as attempt, begin() as transaction:
        try:
            _, facts = await workflow.pair(transaction.conn, transaction.principal, transaction.now, **fields)
        except DomainError as error:
            await transaction.roll_back()
            if error.kind is SCREEN_CODE_UNKNOWN:
                attempt.fail()
            errors = mistake(error, formatter_for(request))
            return await _list(request, transaction.conn, settings, errors=errors, given=fields)
        await transaction.commit(facts)
    return see_other("/screens?done=paired")


@pages.get("/{screen_id}")
async def show_screen(request: Request, conn: ReadConnection, screen_id: UUID) -> Response:
    """Show the form of one screen."""
    screen = await actions.get_screen(conn, screen_id, formatter_for(request).now)
    fields = {
        "name": screen.name,
        "shows": str(screen.shows),
        "space": screen.space_id or "",
        "reader": f"{screen.device_id}/{screen.reader}" if screen.device_id else "",
    }
    return await _form(request, conn, screen_id, fields)


@pages.post("/{screen_id}")
async def change(
    request: Request,
    transaction: Transaction,
    screen_id: UUID,
    name: FormText = "",
    shows: FormText = "",
    space: FormText = "",
    reader: FormText = "",
) -> Response:
    """Rename a screen, or let it show something else."""
    fields = {"name": name, "shows": shows, "space": space, "reader": reader}
    conn = transaction.conn
    try:
        facts = await workflow.change(conn, transaction.principal, screen_id, **fields)
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _form(request, conn, screen_id, fields, errors=errors)
    await transaction.commit(facts)
    return see_other("/screens?done=changed")


@pages.post("/{screen_id}/revoke")
async def revoke(
    request: Request, transaction: Transaction, settings: AppSettings, screen_id: UUID
) -> Response:
    """Unpair a screen."""
    try:
        facts = await workflow.revoke(transaction.conn, transaction.principal, screen_id)
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _list(request, transaction.conn, settings, errors=errors)
    await transaction.commit(facts)
    return see_other("/screens?done=revoked")


async def _list(
    request: Request,
    conn: AsyncConnection[Any],
    settings: Settings,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    shown: dict[str, Any] = {"errors": {}, "done": "", "given": _EMPTY} | values
    screens = await actions.list_screens(conn, words.now)
    return view(
        request,
        "screens/screens.html",
        status=422 if shown["errors"] else 200,
        words=words,
        page="screens",
        here="/screens",
        screens=text.lines(screens, words),
        address=f"{str(settings.public_url or request.base_url).rstrip('/')}/screen",
        **await _choices(conn, words),
        **shown,
    )


async def _form(
    request: Request,
    conn: AsyncConnection[Any],
    screen_id: UUID,
    given: dict[str, str],
    errors: dict[str, str] | None = None,
) -> Response:
    words = formatter_for(request)
    screen = await actions.get_screen(conn, screen_id, words.now)
    return view(
        request,
        "screens/screen.html",
        status=422 if errors else 200,
        words=words,
        page="screens",
        here=f"/screens/{screen_id}",
        screen=screen,
        line=text.lines([screen], words)[0],
        given=given,
        errors=errors or {},
        **await _choices(conn, words),
    )


async def _choices(conn: AsyncConnection[Any], words: Formatter) -> dict[str, Any]:
    spaces = [space for space in await register.list_registered(conn) if space.archived_at is None]
    return {
        "contents": text.content_choices(words),
        "spaces": [(space.id, space.settings.name) for space in spaces],
        "readers": text.reader_choices(await actions.readers(conn), words),
        "longest": LONGEST_NAME,
    }
