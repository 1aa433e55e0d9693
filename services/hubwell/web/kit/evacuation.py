"""The banner of an open evacuation or drill: on every page, what to do and where to gather, no names."""

from dataclasses import dataclass
from typing import Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.evacuation import announcement
from hubwell.evacuation.announcement import Announcement
from hubwell.http.guard import PUBLIC_NO_LOOKUP
from hubwell.http.parts import parts_of
from hubwell.vocabulary import LANGUAGES
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.render import renderer_of

_NO_STORE: Final = {"Cache-Control": "no-store"}

fragment = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Banner:
    """An open evacuation or drill in words; `officer` gets the way to the list of people."""

    kind: Literal["drill", "alarm"]
    version: str
    instruction: str
    destination: str
    since: str
    officer: bool


def evacuation_of(request: Request) -> Announcement | None:
    """Return the evacuation or drill that is open, as the request's guard or the feed saw it last."""
    return parts_of(request).evacuation.current


def banner(request: Request, words: Formatter, *, officer: bool) -> Banner | None:
    """Put the open evacuation or drill into words; None without one."""
    open_now = evacuation_of(request)
    if open_now is None:
        return None
    _ = words.translations.gettext
    place = parts_of(request).settings.assembly_point
    return Banner(
        kind=open_now.kind,
        version=f"{open_now.kind} {open_now.since.isoformat()}",
        instruction=announcement.instruction(open_now.kind, words.translations),
        destination=announcement.destination(place, words.translations),
        since=_("Since {time}.").format(time=words.clock(open_now.since)),
        officer=officer,
    )


@fragment.get("/evacuation", dependencies=[PUBLIC_NO_LOOKUP])
async def show_banner(request: Request, language: str = "", officer: str = "") -> Response:
    """Return the banner for a page that is open already, empty without an evacuation.

    Answered from memory and without a look-up of the principal: each open page asks every few seconds, which
    must not keep a session alive. `officer` adds a link, which anyone may see.
    """
    words = renderer_of(request).words(language if language in LANGUAGES else None)
    shown = banner(request, words, officer=bool(officer))
    html = renderer_of(request).fragment("kit/evacuation.html", words, evacuation=shown)
    return HTMLResponse(html, headers=_NO_STORE)
