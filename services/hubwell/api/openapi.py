"""The OpenAPI document: what FastAPI derives, with errors in the media type that they really have."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from hubwell.http.errors import MEDIA_TYPE

URL: Final = "/api/v1/openapi.json"
_TAGS: Final = [
    {"name": "Spaces", "description": "Where one can be, and how it is there."},
    {
        "name": "Register",
        "description": "What the hub enters of its spaces; for the roles facilities and admin.",
    },
    {
        "name": "Screens",
        "description": "Televisions and tablets that are paired; for the roles facilities and admin.",
    },
    {
        "name": "Defects",
        "description": "What is broken, until it is done: every account reports, facilities and admin close.",
    },
    {
        "name": "Bookings",
        "description": "Spaces are booked, whole or in parts; for staff, facilities, admin.",
    },
    {"name": "People", "description": "Figures of groups, of fixed windows of five minutes."},
    {"name": "Devices", "description": "What measures, and whether it is heard."},
    {"name": "Alerts", "description": "Rules that hold, with clause and evidence."},
    {"name": "Persons", "description": "People's entries in the register; for the role staff."},
    {"name": "Badges", "description": "Enrolled, revoked and restored; for the role staff."},
    {"name": "Sessions", "description": "Course sessions and their rolls; for the account that owns them."},
    {"name": "Accounts", "description": "Who may log in, and in which roles; for the role admin."},
    {"name": "Tokens", "description": "What programs may do; for the role admin."},
    {"name": "Musters", "description": "Who is inside when the hub has to be left; for the role osh."},
    {"name": "Operation", "description": "For those who run Hubwell."},
]
_TEXT: Final = """State of a learning hub's spaces, air and devices.

Numbers of people are shown for groups of five or more only, rounded down, of closed windows of five minutes:
one person's coming or going changes none. Names are for staff at the desk, for the owner of a course session,
and for officers while a muster is open; visits of a person are nowhere here.
Programs send a token (`Authorization: Bearer`); a browser's session also sends the anti-forgery token of its
pages as `X-CSRF-Token` with everything that changes something.
Errors are problem details (RFC 9457) with `errors` that name the value and what to do."""


def install(app: FastAPI) -> None:
    """Give the application this document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # the documented way to change it


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary="What is free, how the air is, which device is silent.",
        description=_TEXT,
        routes=app.routes,
        tags=_TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    _as_problem(response)
    return document


def _as_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    for media_type in [name for name in content if name != MEDIA_TYPE]:
        content[MEDIA_TYPE] = content.pop(media_type)
