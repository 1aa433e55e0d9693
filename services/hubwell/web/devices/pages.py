"""Devices: what they measure, and for facilities and administrators what is wrong and not registered."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.api import live_state
from hubwell.api.visibility import sees_exact
from hubwell.errors import DomainError
from hubwell.http.dependencies import CurrentPrincipal, OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import PUBLIC, require_role
from hubwell.ingest import audit
from hubwell.spaces import device_register, register, unregistered
from hubwell.spaces.register import Registered
from hubwell.spaces.unregistered import UnregisteredDevice, likely_space
from hubwell.vocabulary import MOST_UNREGISTERED, Role
from hubwell.web.devices.device_text import of_fields, purposes
from hubwell.web.devices.problems import sort_devices
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows.register import devices as workflow
from hubwell.workflows.register.devices import LOSSES_WITHIN

pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
KEEPERS: Final = require_role(Role.FACILITIES, Role.ADMIN)
_PURPOSE: Final = "purpose_"
_MOST_FORMS: Final = 10
"""Devices that are not registered, each with its form, on one page."""


@pages.get("/devices", dependencies=[PUBLIC])
async def show_devices(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, done: str = "", device: str = ""
) -> Response:
    """Show which device is heard, which is not, and what it measures."""
    if principal.may(Role.FACILITIES, Role.ADMIN):
        return await _page(request, conn, done=done, device=device)
    exact = sees_exact(principal)
    devices = await live_state.devices(conn, exact=exact)
    return view(request, "devices/devices.html", page="devices", devices=devices, exact=exact)


@pages.post("/register/devices", dependencies=[KEEPERS])
async def register_device(
    request: Request, transaction: Transaction, device: FormText = "", space: FormText = ""
) -> Response:
    """Register a device that is heard, in a space: what waits on it is stored then."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    form = await request.form()
    chosen = {
        name.removeprefix(_PURPOSE): str(value)
        for name, value in form.multi_items()
        if name.startswith(_PURPOSE)
    }
    try:
        facts = await workflow.register_device(conn, actor, device, space, now, purposes=chosen)
    except DomainError as error:
        await transaction.roll_back()
        errors = of_fields(mistake(error, formatter_for(request)), {"space": "space"})
        return await _page(request, conn, errors=errors, device=device, chosen=space)
    await transaction.commit(facts)
    return see_other(f"/devices/{device}?done=registered")


@pages.post("/register/devices/{device_id}/ignore", dependencies=[KEEPERS])
async def ignore(request: Request, transaction: Transaction, device_id: str) -> Response:
    """Ignore a device for good: it is not of this hub."""
    return await _set_ignored(request, transaction, device_id, on=True)


@pages.post("/register/devices/{device_id}/list-again", dependencies=[KEEPERS])
async def list_again(request: Request, transaction: Transaction, device_id: str) -> Response:
    """List an ignored device again."""
    return await _set_ignored(request, transaction, device_id, on=False)


async def _set_ignored(
    request: Request, transaction: OpenTransaction, device_id: str, *, on: bool
) -> Response:
    try:
        await workflow.ignore_device(transaction.conn, transaction.principal, device_id, on=on)
    except DomainError as error:
        await transaction.roll_back()
        return await _page(request, transaction.conn, errors=mistake(error, formatter_for(request)))
    await transaction.commit()
    return see_other("/devices?done=" + ("ignored" if on else "listed"))


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    shown = {"errors": {}, "done": "", "device": "", "chosen": ""} | values
    words = formatter_for(request)
    devices = await live_state.devices(conn, exact=True)
    losses = await audit.losses(conn, words.now - LOSSES_WITHIN)
    spaces = [space for space in await register.list_registered(conn) if space.archived_at is None]
    waiting = await unregistered.list_unregistered(conn)
    open_ones = [item for item in waiting if item.ignored_at is None]
    return view(
        request,
        "devices/facilities.html",
        status=422 if shown["errors"] else 200,
        words=words,
        page="devices",
        devices=devices,
        lines=sort_devices(devices, await device_register.reports(conn), losses, words),
        unregistered=_in_front(open_ones, shown["device"])[:_MOST_FORMS],
        further=max(len(open_ones) - _MOST_FORMS, 0),
        full=len(open_ones) >= MOST_UNREGISTERED,
        ignored=[item for item in waiting if item.ignored_at is not None],
        spaces=spaces,
        likely=_likely(open_ones, spaces),
        purposes=purposes(words),
        **shown,
    )


def _in_front(devices: list[UnregisteredDevice], chosen: str) -> list[UnregisteredDevice]:
    """Return the devices with the one first whose form had a mistake."""
    return sorted(devices, key=lambda item: item.id != chosen)


def _likely(devices: list[UnregisteredDevice], spaces: list[Registered]) -> dict[str, str]:
    places = [(space.id, space.settings.name) for space in spaces]
    return {device.id: likely_space(device, places) for device in devices}
