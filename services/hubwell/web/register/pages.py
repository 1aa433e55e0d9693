"""Spaces and devices: their list and order, archive what is not used any more, take the simulated hub out."""

from collections.abc import Awaitable
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.events import Facts
from hubwell.http.dependencies import AppSettings, OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.spaces import archive, demo, register
from hubwell.vocabulary import Role
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.web.register import text
from hubwell.workflows.register import archiving as workflow
from hubwell.workflows.register import spaces as spaces_workflow

pages = APIRouter(
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
_ADMIN: Final = require_role(Role.ADMIN)


async def _page(request: Request, conn: AsyncConnection[Any], **values: Any) -> Response:  # noqa: ANN401 (for the template)
    shown = {"errors": {}, "done": "", "space": "", "moved": "", "to": ""} | values
    words = formatter_for(request)
    spaces = await register.list_registered(conn)
    return view(
        request,
        "register/spaces.html",
        status=422 if shown["errors"] else 200,
        words=words,
        page="spaces",
        here="/spaces",
        groups=text.groups(spaces, words),
        register=await archive.register(conn),
        has_demo=await demo.is_there(conn),
        names={item.id: item.settings.name for item in spaces},
        **shown,
    )


@pages.get("/spaces")
async def show_register(
    request: Request, conn: ReadConnection, done: str = "", space: str = "", moved: str = "", to: str = ""
) -> Response:
    """Show every space in use, devices in no space, and what is archived."""
    return await _page(request, conn, done=done, space=space, moved=moved, to=to)


@pages.post("/spaces/{space_id}/move")
async def move_space(
    request: Request, transaction: Transaction, space_id: str, to: FormText = ""
) -> Response:
    """Move a space by one place within its kind; the page returns to the button that was pressed."""
    conn, actor = transaction.conn, transaction.principal
    change = spaces_workflow.move_space(conn, actor, space_id, up=to == "up")
    address = f"/spaces?moved={quote(space_id)}&to={'up' if to == 'up' else 'down'}"
    return await _change(request, transaction, change, address)


@pages.get("/spaces/{space_id}/archive")
async def ask_to_archive(
    request: Request, conn: ReadConnection, settings: AppSettings, space_id: str
) -> Response:
    """Show what goes with a space, and ask."""
    words = formatter_for(request)
    preview = await spaces_workflow.preview_archive(conn, settings, space_id, words.now)
    here = f"/spaces/{space_id}/archive"
    return view(request, "register/archive.html", words=words, page="spaces", here=here, preview=preview)


@pages.post("/spaces/{space_id}/archive")
async def archive_space(request: Request, transaction: Transaction, space_id: str) -> Response:
    """Take a space off every page, with its devices."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = workflow.archive_space(conn, actor, space_id, now)
    return await _change(request, transaction, change, "/spaces?done=archived")


@pages.post("/spaces/{space_id}/restore")
async def restore_space(request: Request, transaction: Transaction, space_id: str) -> Response:
    """Bring an archived space back."""
    change = workflow.restore_space(transaction.conn, transaction.principal, space_id)
    return await _change(request, transaction, change, "/spaces?done=restored")


@pages.post("/spaces/devices/{device_id}/archive")
async def archive_device(request: Request, transaction: Transaction, device_id: str) -> Response:
    """Take a device off every page."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = workflow.archive_device(conn, actor, device_id, now)
    return await _change(request, transaction, change, "/spaces?done=archived")


@pages.post("/spaces/devices/{device_id}/restore")
async def restore_device(request: Request, transaction: Transaction, device_id: str) -> Response:
    """Bring an archived device back."""
    change = workflow.restore_device(transaction.conn, transaction.principal, device_id)
    return await _change(request, transaction, change, "/spaces?done=restored")


async def _change(
    request: Request, transaction: OpenTransaction, change: Awaitable[Facts], address: str
) -> Response:
    try:
        facts = await change
    except DomainError as error:
        await transaction.roll_back()
        return await _page(request, transaction.conn, errors=mistake(error, formatter_for(request)))
    await transaction.commit(facts)
    return see_other(address)


@pages.get("/register/demo", dependencies=[_ADMIN])
async def ask_to_remove_demo(request: Request, conn: ReadConnection) -> Response:
    """Show what is removed and what stays, and ask."""
    if not await demo.is_there(conn):
        return see_other("/spaces")
    return view(request, "register/demo.html", page="spaces")


@pages.post("/register/demo/remove", dependencies=[_ADMIN])
async def remove_demo(request: Request, transaction: Transaction) -> Response:
    """Take the simulated hub out."""
    try:
        places = await workflow.remove_demo(transaction.conn, transaction.principal, transaction.now)
    except DomainError as error:
        await transaction.roll_back()
        return await _page(request, transaction.conn, errors=mistake(error, formatter_for(request)))
    await transaction.commit(places.facts)
    return see_other("/spaces?done=demo")
