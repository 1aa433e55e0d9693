"""The muster's pages: start, list and tick off, close, reports, and names in a drill.

For officers (role osh); a request for names may also be agreed to by an administrator, who sees no names.
Everything is a plain form; the script only sends it without leaving the page and keeps the list fresh.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection
from starlette.exceptions import HTTPException

from hubwell.api.evacuation_view import begin, note, view_of
from hubwell.api.routes import evacuation as api
from hubwell.evacuation import actions, break_glass, read_model
from hubwell.evacuation.actions import Kind, MusterError
from hubwell.evacuation.rules import State
from hubwell.http.guard import principal_of, require_role
from hubwell.vocabulary import Role
from hubwell.web.evacuation import text
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.respond import formatter_for, fragment, see_other, view

_NO_ZONE: Final = "-"
"""Stands in addresses for the spaces that are in no zone; nothing there means all zones."""
_UNCHANGED: Final = 204
_GONE: Final = 410
_CONFLICT: Final = 409

osh = APIRouter(
    prefix="/muster",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.OSH)],
)
agreeing = APIRouter(
    prefix="/muster/names",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.OSH, Role.ADMIN)],
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of the list is shown."""

    zone: str = ""
    left: bool = False

    @property
    def wanted(self) -> str | None:
        """The zone as the database knows it; None for all."""
        return "" if self.zone == _NO_ZONE else self.zone or None

    def address(self, path: str = "/muster", anchor: str = "") -> str:
        """Return an address that keeps this filter."""
        chosen = {key: value for key, value in (("zone", self.zone), ("left", "1" * self.left)) if value}
        return path + (f"?{urlencode(chosen)}" if chosen else "") + anchor


def _filter(zone: str = "", left: str = "") -> Filter:
    return Filter(zone[:200], bool(left))


@asynccontextmanager
async def _transaction(request: Request) -> AsyncIterator[AsyncConnection[Any]]:
    async with request.app.state.database.connection() as conn, conn.transaction():
        yield conn


def _values(shown: text.Sheet, chosen: Filter) -> dict[str, Any]:
    choices = [(zone or _NO_ZONE, name) for zone, name in shown.choices]
    return {"sheet": shown, "filter": chosen, "choices": choices}


def _unstored(answer: Response) -> Response:
    """Let no browser keep a page that may hold names: the phone may be anybody's tomorrow."""
    answer.headers["Cache-Control"] = "no-store"
    return answer


@osh.get("")
async def show_muster(request: Request, zone: str = "", left: str = "", problem: str = "") -> Response:
    """Show the list of the open muster, or how to start one."""
    words, chosen = formatter_for(request), _filter(zone, left)
    seen = await view_of(request)
    said = _said(problem, request)
    if seen is None:
        return view(request, "evacuation/start.html", page="muster", words=words, said=said)
    shown = text.sheet(seen, words, zone=chosen.wanted, left=chosen.left)
    values = _values(shown, chosen) | {"muster": seen.muster, "said": said}
    return _unstored(view(request, "evacuation/open.html", page="muster", words=words, **values))


def _said(problem: str, request: Request) -> str | None:
    """Return the sentence of a problem that a form came back with."""
    known: dict[str, actions.Why] = {why: why for why in actions.PROBLEMS}
    return text.problem(MusterError(known[problem]), formatter_for(request)) if problem in known else None


@osh.post("")
async def start_muster(request: Request, kind: Annotated[Kind, Form()]) -> Response:
    """Open a muster; where one is open already its list is what was wanted."""
    try:
        await begin(request, kind)
    except MusterError as error:
        return see_other(f"/muster?problem={error.why}" if kind == "drill" else "/muster")
    return see_other("/muster")


@osh.get("/list")
async def show_list(request: Request, zone: str = "", left: str = "", version: str = "") -> Response:
    """Send the list anew where it changed: 204 where it did not, 410 where the muster is closed."""
    seen = await view_of(request)
    if seen is None:
        return Response(status_code=_GONE)
    words, chosen = formatter_for(request, language_of_page(request)), _filter(zone, left)
    shown = text.sheet(seen, words, zone=chosen.wanted, left=chosen.left)
    if shown.version == version:
        return Response(status_code=_UNCHANGED)
    values = _values(shown, chosen) | {"muster": seen.muster}
    return _unstored(HTMLResponse(fragment(request, "evacuation/list.html", words, **values)))


@osh.get("/sheet")
async def show_sheet(request: Request, zone: str = "") -> Response:
    """Show the list to be printed: one table a zone, with room for a tick."""
    seen = await view_of(request)
    if seen is None:
        return see_other("/muster")
    words, chosen = formatter_for(request), _filter(zone)
    shown = text.sheet(seen, words, zone=chosen.wanted)
    values = _values(shown, chosen)
    return _unstored(view(request, "evacuation/sheet.html", page="muster", words=words, **values))


@osh.post("/{muster}/tick")
async def tick(
    request: Request,
    muster: UUID,
    tick: Annotated[str, Form(pattern=r"^\d{1,18}:(expected|safe|missing)$")],
    zone: Annotated[str, Form()] = "",
    left: Annotated[str, Form()] = "",
) -> Response:
    """Say of one person what is known; back to the same place on the list."""
    number, _, state = tick.partition(":")
    chosen = _filter(zone, left)
    try:
        async with _transaction(request) as conn:
            await actions.tick(conn, muster, int(number), State(state), datetime.now(UTC))
    except MusterError as error:
        if "text/html" not in request.headers.get("accept", ""):
            return Response(status_code=_CONFLICT)
        return see_other(f"/muster?problem={error.why}")
    return see_other(chosen.address(anchor=f"#person-{number}"))


@osh.get("/close")
async def show_close(request: Request) -> Response:
    """Say what closing deletes before it is done."""
    seen = await view_of(request)
    if seen is None:
        return see_other("/muster")
    words = formatter_for(request)
    left = sum(item.state is not State.SAFE for item in seen.people)
    shown = text.sheet(seen, words)
    return view(
        request,
        "evacuation/close.html",
        page="muster",
        words=words,
        muster=seen.muster,
        left=left,
        sheet=shown,
    )


@osh.post("/{muster}/close")
async def close(request: Request, muster: UUID) -> Response:
    """Close a muster: the report stays, the list is deleted."""
    try:
        async with _transaction(request) as conn:
            report = await actions.close(conn, muster, datetime.now(UTC))
            people = report.total.people if report.total else 0
            await note(conn, principal_of(request), "muster.closed", muster, people=people)
    except MusterError as error:
        return see_other(f"/muster?problem={error.why}")
    return see_other(f"/muster/reports/{muster}")


@osh.get("/reports")
async def show_reports(request: Request) -> Response:
    """Show earlier musters."""
    words = formatter_for(request)
    async with _transaction(request) as conn:
        found = await read_model.reports(conn)
    return view(request, "evacuation/reports.html", page="muster", words=words, reports=found, said=text)


@osh.get("/reports/{muster}")
async def show_report(request: Request, muster: UUID) -> Response:
    """Show one earlier muster: counts and times, no names."""
    async with _transaction(request) as conn:
        found = await read_model.report(conn, muster)
        requests = await break_glass.requests(conn, muster)
    if found is None:
        raise HTTPException(404)
    words = formatter_for(request)
    given = [item for item in requests if item.approved_at is not None]
    return view(
        request,
        "evacuation/report.html",
        page="muster",
        words=words,
        closed=found,
        total=found.report.total,
        given=given,
        said=text,
    )


@agreeing.get("")
async def show_names(request: Request, problem: str = "") -> Response:
    """Show who asks for the names of the drill; no list and no counts, for an administrator may look here."""
    words, principal = formatter_for(request), principal_of(request)
    async with _transaction(request) as conn:
        muster = await read_model.open_muster(conn)
        found = [] if muster is None else await break_glass.requests(conn, muster.id)
        until = None if muster is None else await break_glass.names_until(conn, muster, words.now)
    return view(
        request,
        "evacuation/names.html",
        page="muster-names",
        words=words,
        muster=muster,
        until=until,
        waiting=[item for item in found if item.waits(words.now)],
        own=principal.account_id,
        officer=principal.may(Role.OSH),
        longest=break_glass.MOST_OF_REASON,
        said=_said(problem, request),
        errors={"reason": _said(problem, request)} if problem == "no-reason" else {},
    )


@agreeing.post("/{muster}")
async def ask_for_names(request: Request, muster: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Ask to see the names of a drill, with a reason."""
    principal = principal_of(request)
    try:
        async with _transaction(request) as conn:
            await break_glass.ask(conn, muster, by=principal.account_id, reason=reason, now=datetime.now(UTC))
            await note(conn, principal, "muster.names-asked", muster)
    except MusterError as error:
        return see_other(f"/muster/names?problem={error.why}")
    return see_other("/muster/names")


@agreeing.post("/{asked}/agree")
async def agree(request: Request, asked: UUID) -> Response:
    """Agree to somebody else's request; the database refuses one's own."""
    principal = principal_of(request)
    try:
        async with _transaction(request) as conn:
            muster = await break_glass.agree(conn, asked, by=principal.account_id, now=datetime.now(UTC))
            await note(conn, principal, "muster.names-given", muster, request=str(asked))
    except MusterError as error:
        return see_other(f"/muster/names?problem={error.why}")
    return see_other("/muster/names" if not principal.may(Role.OSH) else "/muster")


def install(app: FastAPI) -> None:
    """Give the application what the muster's routes work with."""
    api.install(app)


ROUTERS: Final = (api.api, agreeing, osh)
"""`agreeing` comes before `osh`: its addresses are below those of the other."""
