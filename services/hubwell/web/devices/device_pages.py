"""One device: seven days, sensors, what is missing; name it, move it, replace it, archive it."""

from collections.abc import Awaitable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.api import live_state
from hubwell.errors import DomainError
from hubwell.events import Facts
from hubwell.http.dependencies import AppSettings, OpenTransaction, ReadConnection, Transaction
from hubwell.keys import Keys
from hubwell.settings import Settings
from hubwell.spaces import archive, device_register, unregistered
from hubwell.spaces.errors import DEVICE_IS_ARCHIVED, DEVICE_UNKNOWN
from hubwell.web.devices import device_text
from hubwell.web.devices.availability_strip import strip
from hubwell.web.devices.pages import KEEPERS
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows.register import archiving as register_workflow
from hubwell.workflows.register import devices as workflow

device_pages = APIRouter(
    include_in_schema=False,
    prefix="/devices",
    default_response_class=HTMLResponse,
    dependencies=[KEEPERS],
)
_FIELDS: Final = {"name": "name", "space": "space", "by": "by", "id": "by"}
"""Fields of the page by what is refused."""
_GONE: Final = (DEVICE_UNKNOWN, DEVICE_IS_ARCHIVED)
"""Refusals that are not about a form."""


@device_pages.get("/{device_id}")
async def show_device(
    request: Request, conn: ReadConnection, settings: AppSettings, device_id: str, done: str = ""
) -> Response:
    """Show what is known of a device, also of an archived one."""
    return await _page(request, conn, settings, device_id, done=done)


@device_pages.post("/{device_id}/rename")
async def rename(
    request: Request, transaction: Transaction, settings: AppSettings, device_id: str, name: FormText = ""
) -> Response:
    """Name a device."""
    change = workflow.rename_device(transaction.conn, transaction.principal, device_id, name)
    return await _change(request, transaction, settings, device_id, change, "renamed", name=name)


@device_pages.post("/{device_id}/move")
async def move(
    request: Request, transaction: Transaction, settings: AppSettings, device_id: str, space: FormText = ""
) -> Response:
    """Move a device to another space, or to none."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = workflow.move_device(conn, actor, device_id, space or None, now)
    return await _change(request, transaction, settings, device_id, change, "moved")


@device_pages.post("/{device_id}/replace")
async def replace(
    request: Request, transaction: Transaction, settings: AppSettings, device_id: str, by: FormText = ""
) -> Response:
    """Put another device in the place of this one."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = workflow.replace_device(conn, actor, device_id, by, now)
    return await _change(request, transaction, settings, device_id, change, "replaced", to=by)


@device_pages.post("/{device_id}/reader")
async def set_purpose(
    request: Request,
    transaction: Transaction,
    settings: AppSettings,
    device_id: str,
    reader: FormText = "",
    purpose: FormText = "",
) -> Response:
    """Set what a reader of the device is for."""
    change = workflow.set_reader_purpose(transaction.conn, transaction.principal, device_id, reader, purpose)
    return await _change(request, transaction, settings, device_id, change, "purpose")


@device_pages.get("/{device_id}/archive")
async def ask_to_archive(request: Request, conn: ReadConnection, device_id: str) -> Response:
    """Show what archiving a device changes, and ask."""
    device = await device_register.get_in_use(conn, device_id)
    spaces = {item.id: item.name for item in (await archive.register(conn)).spaces}
    return view(
        request,
        "devices/archive.html",
        page="device",
        device=device,
        space=spaces.get(device.space_id or "", ""),
        measures=bool(await live_state.rows(conn, "series_now", {"exact": True, "device": device_id})),
    )


@device_pages.post("/{device_id}/archive")
async def archive_device(
    request: Request, transaction: Transaction, settings: AppSettings, device_id: str
) -> Response:
    """Take a device off every page."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = register_workflow.archive_device(conn, actor, device_id, now)
    return await _change(request, transaction, settings, device_id, change, "archived")


@device_pages.post("/{device_id}/restore")
async def restore_device(
    request: Request, transaction: Transaction, settings: AppSettings, device_id: str
) -> Response:
    """Bring an archived device back."""
    change = register_workflow.restore_device(transaction.conn, transaction.principal, device_id)
    return await _change(request, transaction, settings, device_id, change, "restored")


async def _change(
    request: Request,
    transaction: OpenTransaction,
    settings: Settings,
    device_id: str,
    change: Awaitable[Facts],
    done: str,
    *,
    to: str = "",
    **typed: str,
) -> Response:
    try:
        facts = await change
    except DomainError as error:
        if error.kind in _GONE:
            raise
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _page(request, transaction.conn, settings, device_id, errors=errors, **typed)
    await transaction.commit(facts)
    return see_other(f"/devices/{to or device_id}?done={done}")


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    settings: Settings,
    device_id: str,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    details = await workflow.details(conn, device_id, words.now)
    now = await live_state.devices(conn, exact=True, device=device_id)
    places = await archive.register(conn)
    names = {item.id: item.name for item in places.spaces}
    device = details.device
    errors = values.pop("errors", {})
    shown = {"done": "", "name": device.name} | values
    return view(
        request,
        "devices/device.html",
        status=422 if errors else 200,
        words=words,
        page="device",
        here=f"/devices/{device_id}",
        device=device,
        now=now[0] if now else None,
        details=details,
        strip=strip(details.availability, words),
        sensors=device_text.sensor_rows(now[0], words) if now else [],
        missing=device_text.missing(details, words),
        clock=device_text.clock(device.clock, words),
        purposes=device_text.purposes(words),
        keys=Keys(settings.keys_dir).newest_since() if device.readers else None,
        space_name=names.get(device.space_id or "", ""),
        spaces=[item for item in places.spaces if item.archived_at is None],
        others=await _others(conn, places, device_id),
        errors=device_text.of_fields(errors, _FIELDS),
        **shown,
    )


async def _others(
    conn: AsyncConnection[Any], places: archive.Register, device_id: str
) -> list[tuple[str, str]]:
    """Return what can take a device's place: first what is heard and not registered."""
    waiting = await unregistered.list_unregistered(conn)
    strangers = [(item.id, item.id) for item in waiting if item.ignored_at is None]
    known = {item for item, _ in strangers}
    return strangers + [
        (item.id, f"{item.name} ({item.id})" if item.name else item.id)
        for item in places.devices
        if item.id != device_id and item.archived_at is None and item.id not in known
    ]
