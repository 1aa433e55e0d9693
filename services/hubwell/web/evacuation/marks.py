"""The forms of the muster's list: tick off one person or a whole space, enter a visitor; and its stream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from hubwell.api.dependencies import STREAM_PLACE, LiveFeed
from hubwell.api.live.stream import while_valid
from hubwell.api.live.updates import Feed
from hubwell.errors import DomainError
from hubwell.evacuation.rules import State
from hubwell.events import Facts
from hubwell.http.dependencies import OpenTransaction, Transaction
from hubwell.http.guard import require_role
from hubwell.vocabulary import Role
from hubwell.web.dependencies import MusterMarks
from hubwell.web.evacuation.chosen import Filter, filter_of
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.notifier import Notifier
from hubwell.web.kit.respond import see_other
from hubwell.workflows import evacuation as workflow

_CONFLICT: Final = 409
_STREAM_S: Final = 600.0
"""A stream ends after this time and the browser reconnects."""
_BEAT_S: Final = 15
_RETRY_MS: Final = 2000

marks = APIRouter(
    prefix="/muster",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.OSH)],
)


@marks.get("/live", dependencies=[STREAM_PLACE], response_class=EventSourceResponse)
async def watch(request: Request, feed: LiveFeed, notifier: MusterMarks) -> AsyncIterator[ServerSentEvent]:
    """Send `changed` whenever an officer marked the list, without what; the page asks for the list itself."""
    async for event in while_valid(request, _changes(feed, notifier)):
        yield event


async def _changes(feed: Feed, notifier: Notifier) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + _STREAM_S
    with feed.subscribe() as watching:  # it is closed when the server stops
        async with notifier.subscribe() as notified:
            yield ServerSentEvent(comment="hubwell", retry=_RETRY_MS)
            while not watching.closed and loop.time() < ends:
                event = "beat"
                for _ in range(_BEAT_S):
                    with suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            await notified.wait()
                        event = "changed"
                    if event == "changed" or watching.closed:
                        break
                notified.clear()
                yield ServerSentEvent(event=event, data={})


@marks.post("/{muster}/tick")
async def tick(
    request: Request,
    transaction: Transaction,
    muster: UUID,
    tick: Annotated[str, Form(pattern=r"^\d{1,18}:(expected|safe|missing)$")],
    zone: FormText = "",
    left: FormText = "",
) -> Response:
    """Set the state of one person; back to the same place on the list."""
    number, _, state = tick.partition(":")
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    target = filter_of(zone, left).address(anchor=f"#person-{number}")

    async def work() -> Facts:
        return await workflow.tick(conn, actor, muster, int(number), State(state), now)

    return await _marked(request, transaction, work, target)


@marks.post("/{muster}/together")
async def mark_space(
    request: Request,
    transaction: Transaction,
    muster: UUID,
    together: Annotated[str, Form(pattern=r"^[a-z0-9][a-z0-9-]{0,62}:(safe|undo:[0-9T:.+-]{19,40})$")],
    zone: FormText = "",
    left: FormText = "",
) -> Response:
    """Mark everybody in a space who is not ticked off yet as safe, or take this back."""
    space, _, what = together.partition(":")
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    target = filter_of(zone, left).address(anchor=f"#space-{space}")

    async def work() -> Facts:
        if what == "safe":
            return (await workflow.mark_space_safe(conn, actor, muster, space, now))[1]
        at = _moment(what.removeprefix("undo:"))
        return () if at is None else (await workflow.undo_space_safe(conn, actor, muster, space, at, now))[1]

    return await _marked(request, transaction, work, target)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


@marks.post("/{muster}/visitors")
async def add_visitor(
    request: Request,
    transaction: Transaction,
    muster: UUID,
    name: FormText = "",
    space: FormText = "",
    state: Annotated[str, Form(pattern="^(expected|safe)$")] = State.EXPECTED,
    key: FormText = "",
    zone: FormText = "",
    left: FormText = "",
) -> Response:
    """Enter a visitor; the same form sent twice enters one."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    chosen: Filter = filter_of(zone, left)
    person = 0

    async def work() -> Facts:
        nonlocal person
        person, facts = await workflow.add_visitor(
            conn, actor, muster, name=name, space=space, state=State(state), key=_key(key), now=now
        )
        return facts

    answer = await _marked(request, transaction, work, "")
    return see_other(chosen.address(anchor=f"#person-{person}")) if person else answer


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()


@marks.post("/{muster}/visitors/{person}/remove")
async def remove_visitor(
    request: Request,
    transaction: Transaction,
    muster: UUID,
    person: int,
    zone: FormText = "",
    left: FormText = "",
) -> Response:
    """Remove a visitor who was entered by mistake."""
    conn, actor = transaction.conn, transaction.principal

    async def work() -> Facts:
        return await workflow.remove_visitor(conn, actor, muster, person)

    return await _marked(request, transaction, work, filter_of(zone, left).address())


async def _marked(
    request: Request, transaction: OpenTransaction, work: Callable[[], Awaitable[Facts]], target: str
) -> Response:
    """Commit and go back to the list; a refusal is shown there, and sent to the script as it is."""
    try:
        await transaction.commit(await work())
    except DomainError as error:
        if "text/html" not in request.headers.get("accept", ""):
            return Response(status_code=_CONFLICT)
        return see_other(f"/muster?problem={error.code}")
    return see_other(target)


def new_key() -> str:
    """Return the key of the next visitor's form."""
    return str(uuid4())
