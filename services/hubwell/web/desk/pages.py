"""Staff's desk: badges held to the desk's reader, enrolment, finding people, questions about badges."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from hubwell.api.dependencies import LiveFeed
from hubwell.api.live_updates import Subscription
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.http.dependencies import DatabasePool
from hubwell.http.guard import principal_of, require_role
from hubwell.http.parts import parts_of
from hubwell.people import desk_taps as people_desk
from hubwell.people.credentials import NewPerson
from hubwell.people.errors import PeopleError
from hubwell.vocabulary import Role
from hubwell.web.dependencies import DeskTaps
from hubwell.web.kit.forms import commit, language_choices, mistake, sentence, transaction
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.respond import formatter_for, fragment, see_other, view
from hubwell.workflows import people

_LOOK_S: Final = 5
"""How often the page is checked without a ring: taps vanish after two minutes."""
_STREAM_S: Final = 600.0
"""A stream ends after this time and the browser asks anew, so that a sign-in that is over ends it too."""
_RETRY_MS: Final = 2000

Text = Annotated[str, Form()]
desk = APIRouter(
    prefix="/desk",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.STAFF)],
)


@desk.get("")
async def show_desk(request: Request, done: str = "") -> Response:
    """Show the badges at the desk's reader, the search, and what to ask about."""
    return await _desk(request, done=done)


async def _desk(request: Request, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    async with transaction(request) as conn:
        known = {
            "taps": await people_desk.taps(conn, datetime.now(UTC)),
            "questions": await people_desk.open_suspicions(conn),
            "languages_to_choose": language_choices(formatter_for(request)),
            "found": None,
            "errors": {},
            "done": "",
            "searched": "",
            "here": "/desk",
        }
    return view(request, "desk/home.html", status=status, page="desk", **{**known, **values})


@desk.get("/live", response_class=EventSourceResponse)
async def watch(
    request: Request, feed: LiveFeed, desk_taps: DeskTaps, database: DatabasePool
) -> AsyncIterator[ServerSentEvent]:
    """Send the badges at the desk's reader whenever they change."""
    loop = asyncio.get_running_loop()
    ends, shown = loop.time() + _STREAM_S, ""
    with feed.subscribe() as watching:  # it says when the server stops
        async with desk_taps.subscribe() as rung:
            yield ServerSentEvent(comment="hubwell", retry=_RETRY_MS)
            while not watching.closed and loop.time() < ends:
                rung.clear()
                html = await _taps(request, database)
                if html is None:
                    return
                event = "beat" if html == shown else "taps"
                yield ServerSentEvent(event=event, data={} if html == shown else {"html": html})
                shown = html
                await _until_rung(rung, watching)


async def _taps(request: Request, database: Database) -> str | None:
    """Render the list; None while the database is away."""
    words = formatter_for(request, language_of_page(request))
    with suppress(DatabaseAwayError, SchemaMissingError):
        async with database.connection() as conn:
            taps = await people_desk.taps(conn, datetime.now(UTC))
        return fragment(request, "desk/taps.html", words, taps=taps)
    return None


async def _until_rung(rung: asyncio.Event, watching: Subscription) -> None:
    for _ in range(_LOOK_S):
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await rung.wait()
                return
        if watching.closed:
            return


@desk.post("/find")
async def find(request: Request, q: Text = "") -> Response:
    """Find people by name. A form that is posted, so that no name stands in an address."""
    async with transaction(request) as conn:
        found = await people.find(conn, principal_of(request), q)
    return await _desk(request, found=found, searched=q)


@desk.get("/taps/{tap_id}")
async def show_tap(request: Request, tap_id: int) -> Response:
    """Show the form that enrols a badge."""
    return await _tap(request, tap_id)


@desk.post("/taps/{tap_id}/find")
async def find_for_tap(request: Request, tap_id: int, q: Text = "") -> Response:
    """Find the person that a badge is for."""
    async with transaction(request) as conn:
        found = await people.find(conn, principal_of(request), q)
    return await _tap(request, tap_id, found=found, searched=q)


@desk.post("/taps/{tap_id}")
async def enrol(
    request: Request, tap_id: int, owner: Text = "", name: Text = "", language: Text = "", label: Text = ""
) -> Response:
    """Enrol a badge for somebody new, for somebody known, or without a name."""
    now = datetime.now(UTC)
    try:
        async with transaction(request) as conn:
            actor, settings = principal_of(request), parts_of(request).settings
            who = _owner(owner, name, language)
            made = await people.enrol(conn, actor, settings, tap_id, who, now, label)
            await commit(conn, request, made.facts)
    except PeopleError as error:
        values = {"name": name, "language": language, "label": label}
        return await _tap(request, tap_id, status=422, error=error, **values)
    return see_other(f"/desk/people/{made.person_id}?done=enrolled&badge={made.credential_id}")


def _owner(owner: str, name: str, language: str) -> NewPerson | UUID:
    """Return whom a badge is for: the form's choice is a person's id, ``new`` or ``nameless``."""
    if owner == "new" and not name.strip():
        raise PeopleError("name-missing")
    if owner in {"new", "nameless"}:
        return NewPerson(name if owner == "new" else "", language or None)
    try:
        return UUID(owner)
    except ValueError:
        raise PeopleError("person-gone") from None


async def _tap(
    request: Request,
    tap_id: int,
    status: int = 200,
    error: PeopleError | None = None,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    try:
        async with transaction(request) as conn:
            tap = await people_desk.tap(conn, tap_id, datetime.now(UTC))
    except PeopleError as gone:
        return await _desk(request, status=404, errors={"": sentence(gone, words)})
    known = {
        "tap": tap,
        "errors": mistake(error, words) if error else {},
        "languages_to_choose": language_choices(words),
        **dict.fromkeys(("name", "language", "label", "searched"), ""),
        "found": None,
        "here": f"/desk/taps/{tap_id}",
    }
    return view(request, "desk/enrol.html", status=status, page="desk", **{**known, **values})


@desk.post("/questions/{question}/settle")
async def resolve_suspicion(request: Request, question: int) -> Response:
    """Put a question away: somebody asked, and it is explained."""
    async with transaction(request) as conn:
        await people.resolve_suspicion(conn, principal_of(request), question, datetime.now(UTC))
    return see_other("/desk?done=settled")
