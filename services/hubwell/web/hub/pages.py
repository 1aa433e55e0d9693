"""What the hub is called and how it looks, and its own colours as a style sheet."""

import re
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, SharedSettings, Transaction
from hubwell.http.guard import FOR_SCREENS_NO_LOOKUP, require_role
from hubwell.hub_profile.colours import for_dark_pages, nearest_legible
from hubwell.vocabulary import Role
from hubwell.web.hub.forms import shown_fields, typed_fields
from hubwell.web.kit.forms import mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import hub as workflow

pages = APIRouter(include_in_schema=False)
_DIGITS: Final = re.compile(r"[0-9a-f]{6}")
_ADMIN: Final = require_role(Role.ADMIN)
_FOR_GOOD: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
"""The address of the sheet names its colour."""


@pages.get("/hub", dependencies=[_ADMIN])
async def show_hub(request: Request, settings: AppSettings, hub: SharedSettings, done: str = "") -> Response:
    """Show the hub's fields."""
    return _page(request, done=done, **shown_fields(settings, hub.installation))


@pages.post("/hub", dependencies=[_ADMIN])
async def change_hub(
    request: Request, transaction: Transaction, settings: AppSettings, hub: SharedSettings
) -> Response:
    """Change them; every page is different from the next view on."""
    typed = typed_fields(await request.form())
    conn = transaction.conn
    try:
        facts = await workflow.change(conn, transaction.principal, typed, hub.installation)
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return _page(request, errors=errors, **shown_fields(settings, hub.installation, typed))
    await transaction.commit(facts)
    await hub.read(conn)
    return see_other("/hub?done=saved")


@pages.get("/hub.css", dependencies=[FOR_SCREENS_NO_LOOKUP])
async def show_colours(v: str = "") -> Response:
    """Return the style sheet of a colour, for light pages and for dark ones.

    By the address alone: browsers keep it, also what a process says that has not heard of a change yet.
    """
    if _DIGITS.fullmatch(v) is None:
        raise HTTPException(404)
    return Response(_sheet(f"#{v}"), media_type="text/css", headers=_FOR_GOOD)


def _sheet(colour: str) -> str:
    light, dark = nearest_legible(colour), for_dark_pages(colour)
    return (
        f":root{{--link:{light};--on-link:#ffffff}}.mark{{color:var(--link)}}\n"
        f"@media(prefers-color-scheme:dark){{:root{{--link:{dark};--on-link:#10202b}}}}\n"
    )


def _page(request: Request, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    shown = {"errors": {}, "done": ""} | values
    return view(request, "hub/hub.html", status=422 if shown["errors"] else 200, page="hub", **shown)
