"""The staff's desk: badges held to its reader, enrolment, search for people, suspicions about badges."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from psycopg import AsyncConnection

from hubwell.api.dependencies import STREAM_PLACE, LiveFeed
from hubwell.api.live.stream import while_valid
from hubwell.api.live.updates import Feed, Subscription
from hubwell.errors import PERSON_GONE, DomainError, error_text
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.http.dependencies import AppSettings, DatabasePool, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.people import desk_taps, errors, persons
from hubwell.people.credentials import NewPerson
from hubwell.presence import suspicions
from hubwell.vocabulary import Role
from hubwell.web.dependencies import DeskTaps
from hubwell.web.desk.last_space import spaces_to_choose
from hubwell.web.kit.forms import FormText, language_choices, mistake
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.notifier import Notifier
from hubwell.web.kit.respond import formatter_for, fragment, see_other, view
from hubwell.workflows import people

_LOOK_S: Final = 5
"""How often the page is checked without a notification: taps vanish after two minutes."""
_STREAM_S: Final = 600.0
"""A stream ends after this time and the browser reconnects, so that an expired session ends it too."""
_RETRY_MS: Final = 2000

desk = APIRouter(
    prefix="/desk",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.STAFF)],
)


@desk.get("")
async def show_desk(request: Request, conn: ReadConnection, done: str = "", person: str = "") -> Response:
    """Show the badges at the desk's reader, the search, and suspicions to ask about."""
    return await _desk(request, conn, done=done, moved=await _moved(conn, done, person))


async def _moved(conn: AsyncConnection[Any], done: str, person: str) -> persons.Person | None:
    """Return the person who was just checked in or out here."""
    if done not in {"in", "out", "not-in"}:
        return None
    with suppress(ValueError, DomainError):
        return await persons.person(conn, UUID(person))
    return None


async def _desk(
    request: Request,
    conn: AsyncConnection[Any],
    status: int = 200,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    shown: dict[str, Any] = {"matches": None, "search": "", "errors": {}, "done": "", "here": "/desk"}
    shown |= {"moved": None} | values
    return view(
        request,
        "desk/home.html",
        status=status,
        page="desk",
        words=words,
        taps=await desk_taps.taps(conn, words.now),
        questions=await suspicions.open_suspicions(conn),
        spaces=await spaces_to_choose(request, conn) if shown["matches"] else [],
        languages_to_choose=language_choices(words),
        **shown,
    )


@desk.get("/live", dependencies=[STREAM_PLACE], response_class=EventSourceResponse)
async def watch(
    request: Request, feed: LiveFeed, notifier: DeskTaps, database: DatabasePool
) -> AsyncIterator[ServerSentEvent]:
    """Send the badges at the desk's reader whenever they change, for as long as staff is signed in."""
    async for event in while_valid(request, _changes(request, feed, notifier, database)):
        yield event


async def _changes(
    request: Request, feed: Feed, notifier: Notifier, database: Database
) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    ends, shown = loop.time() + _STREAM_S, ""
    with feed.subscribe() as watching:  # it says when the server stops
        async with notifier.subscribe() as notified:
            yield ServerSentEvent(comment="hubwell", retry=_RETRY_MS)
            while not watching.closed and loop.time() < ends:
                notified.clear()
                html = await _taps(request, database)
                if html is None:
                    return
                event = "beat" if html == shown else "taps"
                yield ServerSentEvent(event=event, data={} if html == shown else {"html": html})
                shown = html
                await _until_notified(notified, watching)


async def _taps(request: Request, database: Database) -> str | None:
    """Render the list; None while the database is away."""
    words = formatter_for(request, language_of_page(request))
    with suppress(DatabaseAwayError, SchemaMissingError):
        async with database.connection() as conn:
            taps = await desk_taps.taps(conn, datetime.now(UTC))
        return fragment(request, "desk/taps.html", words, taps=taps)
    return None


async def _until_notified(notified: asyncio.Event, watching: Subscription) -> None:
    for _ in range(_LOOK_S):
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await notified.wait()
                return
        if watching.closed:
            return


@desk.post("/find")
async def find(request: Request, transaction: Transaction, q: FormText = "") -> Response:
    """Find people by name. A form that is posted, so that addresses hold no names."""
    matches = await people.find(transaction.conn, transaction.principal, q)
    await transaction.commit()
    return await _desk(request, transaction.conn, matches=matches, search=q)


@desk.get("/taps/{tap_id}")
async def show_tap(request: Request, conn: ReadConnection, tap_id: int) -> Response:
    """Show the form that enrols a badge."""
    return await _tap(request, conn, tap_id)


@desk.post("/taps/{tap_id}/find")
async def find_for_tap(request: Request, transaction: Transaction, tap_id: int, q: FormText = "") -> Response:
    """Find the person that a badge is for."""
    matches = await people.find(transaction.conn, transaction.principal, q)
    await transaction.commit()
    return await _tap(request, transaction.conn, tap_id, matches=matches, search=q)


@desk.post("/taps/{tap_id}")
async def enrol(
    request: Request,
    transaction: Transaction,
    settings: AppSettings,
    tap_id: int,
    owner: FormText = "",
    name: FormText = "",
    language: FormText = "",
    label: FormText = "",
) -> Response:
    """Enrol a badge for a new person, for one in the register, or without a name."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    try:
        enrolled = await people.enrol(
            conn, actor, settings, tap_id, _owner(owner, name, language), now, label
        )
    except DomainError as error:
        await transaction.roll_back()
        values = {"name": name, "language": language, "label": label}
        return await _tap(request, conn, tap_id, status=422, error=error, **values)
    await transaction.commit(enrolled.facts)
    return see_other(f"/desk/people/{enrolled.person_id}?done=enrolled&badge={enrolled.credential_id}")


def _owner(owner: str, name: str, language: str) -> NewPerson | UUID:
    """Return the person that a badge is for: the form sends a person's id, ``new`` or ``nameless``."""
    if owner == "new" and not name.strip():
        raise DomainError(errors.NAME_MISSING)
    if owner in {"new", "nameless"}:
        return NewPerson(name if owner == "new" else "", language or None)
    try:
        return UUID(owner)
    except ValueError:
        raise DomainError(PERSON_GONE) from None


async def _tap(
    request: Request,
    conn: AsyncConnection[Any],
    tap_id: int,
    status: int = 200,
    error: DomainError | None = None,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    try:
        tap = await desk_taps.tap(conn, tap_id, words.now)
    except DomainError as gone:
        return await _desk(request, conn, status=404, errors={"": error_text(gone, words.translations)})
    shown = dict.fromkeys(("name", "language", "label", "search"), "") | {"matches": None} | values
    return view(
        request,
        "desk/enrol.html",
        status=status,
        page="desk",
        here=f"/desk/taps/{tap_id}",
        tap=tap,
        errors=mistake(error, words) if error else {},
        languages_to_choose=language_choices(words),
        **shown,
    )


@desk.post("/questions/{question}/settle")
async def resolve_suspicion(transaction: Transaction, question: int) -> Response:
    """Close a suspicion that staff asked about and that is explained."""
    await people.resolve_suspicion(transaction.conn, transaction.principal, question, transaction.now)
    await transaction.commit()
    return see_other("/desk?done=settled")
