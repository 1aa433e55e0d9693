"""Connect a device: the file with its settings, shown once to an administrator."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.settings import Settings
from hubwell.spaces import archive
from hubwell.spaces.device_file import PARTS, BrokerForDevices, broker_for_devices
from hubwell.vocabulary import Role
from hubwell.web.devices.device_text import of_fields
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, view
from hubwell.workflows.register import devices as workflow

connect = APIRouter(
    include_in_schema=False,
    prefix="/register/devices/connect",
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.ADMIN)],
)
FormParts = Annotated[list[str], Form()]
_ONCE: Final = {"Cache-Control": "no-store"}
"""The settings may hold a password."""


@connect.get("")
async def show_form(
    request: Request, conn: ReadConnection, settings: AppSettings, space: str = ""
) -> Response:
    """Ask what the device is called, and what is connected to it."""
    device = await _free_id(conn, space)
    return _form(request, settings, device=device, parts=[PARTS[0]])


@connect.post("")
async def show_settings(
    request: Request,
    transaction: Transaction,
    settings: AppSettings,
    device: FormText = "",
    parts: FormParts = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """Show the settings of the device, once."""
    device, broker = device.strip(), _broker(settings)
    try:
        text = await workflow.settings_of_new_device(
            transaction.conn, transaction.principal, device, parts, site=settings.site, broker=broker
        )
    except DomainError as error:
        await transaction.roll_back()
        errors = of_fields(mistake(error, formatter_for(request)), {"id": "device", "parts": "parts"})
        return _form(request, settings, device=device, parts=parts, errors=errors)
    await transaction.commit()
    answer = view(
        request,
        "devices/settings.html",
        page="device",
        device=device,
        parts=parts,
        broker=broker,
        text=text,
        site=settings.site,
    )
    answer.headers.update(_ONCE)
    return answer


@connect.post("/file")
async def download_settings(
    transaction: Transaction,
    settings: AppSettings,
    device: FormText = "",
    parts: FormParts = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """Send the settings as a file."""
    text = await workflow.settings_of_new_device(
        transaction.conn,
        transaction.principal,
        device.strip(),
        parts,
        site=settings.site,
        broker=_broker(settings),
    )
    await transaction.commit()
    named = {"Content-Disposition": f'attachment; filename="{device.strip()}.toml"'}
    return Response(text, media_type="application/toml", headers=_ONCE | named)


def _broker(settings: Settings) -> BrokerForDevices:
    url = settings.device_broker_url
    return broker_for_devices(None if url is None else url.get_secret_value(), settings.public_host)


def _form(
    request: Request,
    settings: Settings,
    *,
    errors: dict[str, str] | None = None,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    return view(
        request,
        "devices/connect.html",
        status=422 if errors else 200,
        words=words,
        page="device",
        broker=_broker(settings),
        offered=_parts(words),
        errors=errors or {},
        **values,
    )


def _parts(words: Formatter) -> list[tuple[str, str]]:
    _ = words.translations.gettext
    names = {
        "scd4x": _("CO₂, temperature and humidity (SCD40 or SCD41)"),
        "bme280": _("Temperature, humidity and air pressure (BME280)"),
        "pir": _("Whether people are there (PIR motion sensor)"),
    }
    return [(part, names[part]) for part in PARTS]


async def _free_id(conn: AsyncConnection[Any], space: str) -> str:
    """Return an id that is not taken yet, after a space: the only one, if none is chosen."""
    places = await archive.register(conn)
    spaces = [item.id for item in places.spaces if item.archived_at is None]
    if space not in spaces:
        space = spaces[0] if len(spaces) == 1 else ""
    used_ids = {item.id for item in places.devices}
    numbers = range(1, len(used_ids) + 2)
    return next(f"{space[:60]}-{n}" for n in numbers if f"{space[:60]}-{n}" not in used_ids) if space else ""
