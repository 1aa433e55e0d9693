"""Evacuation: start, tick off people on the muster, close, reports, and names in a drill.

For officers (role osh); a request for names may also be agreed to by an administrator, who sees no names.
Everything is a plain form; the script only sends it without leaving the page and keeps the list fresh.
"""

from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from hubwell.api.dependencies import NameViews
from hubwell.api.evacuation_view import EvacuationView, view_of
from hubwell.errors import NAME_TOO_LONG, SPACE_UNKNOWN, DomainError
from hubwell.evacuation import break_glass, read_model
from hubwell.evacuation.announcement import Kind
from hubwell.evacuation.errors import BY_CODE
from hubwell.evacuation.rules import State
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.people.errors import NAME_NOT_PRINTABLE
from hubwell.people.persons import LONGEST_NAME
from hubwell.vocabulary import Role
from hubwell.web.evacuation import text
from hubwell.web.evacuation.chosen import NO_ZONE, ChosenFilter, Filter, filter_of, remember_zone
from hubwell.web.evacuation.marks import marks, new_key
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.respond import formatter_for, fragment, see_other, view
from hubwell.workflows import evacuation as workflow

_PROBLEMS: Final = BY_CODE | {kind.code: kind for kind in (SPACE_UNKNOWN, NAME_TOO_LONG, NAME_NOT_PRINTABLE)}
_UNCHANGED: Final = 204
_GONE: Final = 410

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


async def _evacuation(transaction: Transaction, views: NameViews) -> EvacuationView | None:
    return await view_of(transaction, views)


OpenEvacuation = Annotated[EvacuationView | None, Depends(_evacuation, scope="function")]
"""The open evacuation as the principal may see it; seeing its names is in the audit log by then."""


def _values(evacuation: EvacuationView, words: Formatter, chosen: Filter) -> dict[str, Any]:
    """Return what the list's templates show, for the part that was chosen."""
    sheet = text.sheet(evacuation, words, zone=chosen.wanted, left=chosen.left, search=chosen.search)
    choices = [(zone or NO_ZONE, name) for zone, name in sheet.choices]
    return {"sheet": sheet, "filter": chosen, "choices": choices, "muster": evacuation.muster}


def _unstored(answer: Response) -> Response:
    """Let no browser keep a page that may hold names: the phone may have another user tomorrow."""
    answer.headers["Cache-Control"] = "no-store"
    return answer


@osh.get("")
async def show_muster(
    request: Request, evacuation: OpenEvacuation, chosen: ChosenFilter, problem: str = ""
) -> Response:
    """Show the list of the open muster, or how to start one."""
    words = formatter_for(request)
    problem_text = _problem_text(problem, words)
    if evacuation is None:
        return view(request, "evacuation/start.html", page="muster", words=words, problem=problem_text)
    chosen = chosen.within(evacuation)
    answer = _open(request, evacuation, words, chosen, problem=problem_text)
    if "zone" in request.query_params:
        remember_zone(request, answer, chosen)
    return answer


def _open(
    request: Request,
    evacuation: EvacuationView,
    words: Formatter,
    chosen: Filter,
    *,
    problem: str | None = None,
) -> Response:
    values = _values(evacuation, words, chosen) | {"problem": problem, "key": new_key()}
    values["spaces"] = text.spaces_to_choose(evacuation, chosen.wanted)
    return _unstored(view(request, "evacuation/open.html", page="muster", words=words, **values))


@osh.post("/find")
async def find(
    request: Request,
    evacuation: OpenEvacuation,
    zone: FormText = "",
    left: FormText = "",
    q: FormText = "",
) -> Response:
    """Show the part of the list that was chosen. A form that is posted, so that addresses hold no names."""
    chosen = filter_of(zone, left, q)
    if evacuation is None or not chosen.search:
        answer: Response = see_other(chosen.address())
    else:
        answer = _open(request, evacuation, formatter_for(request), chosen)
    remember_zone(request, answer, chosen)
    return answer


@osh.get("/find")
async def show_all() -> Response:
    """Show the whole list: the address of a search leads here, as after another language was chosen."""
    return see_other("/muster")


def _problem_text(code: str, words: Formatter) -> str | None:
    """Return the sentence for the refusal that a form's redirect names."""
    kind = _PROBLEMS.get(code)
    return words.translations.gettext(kind.text).format(most=LONGEST_NAME) if kind else None


@osh.post("")
async def start_muster(transaction: Transaction, kind: Annotated[Kind, Form()]) -> Response:
    """Open a muster; where one is open already, go to its list."""
    try:
        opened = await workflow.begin(transaction.conn, transaction.principal, kind, transaction.now)
        await transaction.commit(opened.facts)
    except DomainError as error:
        return see_other(f"/muster?problem={error.code}" if kind == "drill" else "/muster")
    return see_other("/muster")


@osh.get("/list")
async def show_list(
    request: Request, evacuation: OpenEvacuation, chosen: ChosenFilter, version: str = ""
) -> Response:
    """Send the list again where it changed: 204 where it did not, 410 where the muster is closed."""
    if evacuation is None:
        return Response(status_code=_GONE)
    words = formatter_for(request, language_of_page(request))
    values = _values(evacuation, words, chosen.within(evacuation))
    if values["sheet"].version == version:
        return Response(status_code=_UNCHANGED)
    return _unstored(HTMLResponse(fragment(request, "evacuation/list.html", words, **values)))


@osh.get("/sheet")
async def show_sheet(request: Request, evacuation: OpenEvacuation, chosen: ChosenFilter) -> Response:
    """Show the list to be printed: one table per zone, with room for a tick."""
    if evacuation is None:
        return see_other("/muster")
    words = formatter_for(request)
    values = _values(evacuation, words, replace(chosen.within(evacuation), left=False))
    return _unstored(view(request, "evacuation/sheet.html", page="muster", words=words, **values))


@osh.get("/close")
async def show_close(request: Request, evacuation: OpenEvacuation) -> Response:
    """Show what closing deletes before it is done."""
    if evacuation is None:
        return see_other("/muster")
    words = formatter_for(request)
    return view(
        request,
        "evacuation/close.html",
        page="muster",
        words=words,
        muster=evacuation.muster,
        not_safe=sum(item.state is not State.SAFE for item in evacuation.people),
        sheet=text.sheet(evacuation, words),
    )


@osh.post("/{muster}/close")
async def close(transaction: Transaction, muster: UUID) -> Response:
    """Close a muster: the report stays, the list is deleted."""
    try:
        closed = await workflow.close(transaction.conn, transaction.principal, muster, transaction.now)
        await transaction.commit(closed.facts)
    except DomainError as error:
        return see_other(f"/muster?problem={error.code}")
    return see_other(f"/muster/reports/{muster}")


@osh.get("/reports")
async def show_reports(request: Request, conn: ReadConnection) -> Response:
    """Show earlier musters."""
    reports = await read_model.reports(conn)
    return view(request, "evacuation/reports.html", page="muster", reports=reports, text=text)


@osh.get("/reports/{muster}")
async def show_report(request: Request, conn: ReadConnection, muster: UUID) -> Response:
    """Show one earlier muster: counts and times, no names."""
    closed = await read_model.report(conn, muster)
    if closed is None:
        raise HTTPException(404)
    requests = await break_glass.requests(conn, muster)
    return view(
        request,
        "evacuation/report.html",
        page="muster",
        closed=closed,
        total=closed.report.total,
        approved=[item for item in requests if item.approved_at is not None],
        text=text,
    )


@agreeing.get("")
async def show_names(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, problem: str = ""
) -> Response:
    """Show the requests for names of the drill; no list and no counts, as administrators see this page."""
    words = formatter_for(request)
    muster = await read_model.open_muster(conn)
    requests = [] if muster is None else await break_glass.requests(conn, muster.id)
    until = None if muster is None else await break_glass.names_until(conn, muster, words.now)
    problem_text = _problem_text(problem, words)
    return view(
        request,
        "evacuation/names.html",
        page="muster-names",
        words=words,
        muster=muster,
        until=until,
        waiting=[item for item in requests if item.waits(words.now)],
        own=principal.account_id,
        officer=principal.may(Role.OSH),
        longest=break_glass.MOST_OF_REASON,
        problem=problem_text,
        errors={"reason": problem_text} if problem == "no-reason" else {},
    )


@agreeing.post("/{muster}")
async def ask_for_names(transaction: Transaction, muster: UUID, reason: FormText = "") -> Response:
    """Ask to see the names of a drill, with a reason."""
    principal, now = transaction.principal, transaction.now
    try:
        await workflow.ask_for_names(transaction.conn, principal, muster, reason, now)
        await transaction.commit()
    except DomainError as error:
        return see_other(f"/muster/names?problem={error.code}")
    return see_other("/muster/names")


@agreeing.post("/{request_id}/agree")
async def agree(transaction: Transaction, request_id: UUID) -> Response:
    """Agree to the request of another account; the database refuses one's own."""
    principal, now = transaction.principal, transaction.now
    try:
        await workflow.give_names(transaction.conn, principal, request_id, now)
        await transaction.commit()
    except DomainError as error:
        return see_other(f"/muster/names?problem={error.code}")
    return see_other("/muster/names" if not principal.may(Role.OSH) else "/muster")


ROUTERS: Final = (agreeing, marks, osh)
"""`agreeing` comes first: its addresses are below those of the other."""
