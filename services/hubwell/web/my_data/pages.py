"""My visits: a person sees, takes along, corrects and erases what is stored of them, without an account.

A browser with a one-time code from a kiosk, or with an account that is linked to a person, gets the data of
that person and of no other: every query takes the principal's own person, never one from the address.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.access import codes, links, sessions
from hubwell.access.errors import BADGE_NEW
from hubwell.access.principal import ANONYMOUS, Principal
from hubwell.errors import DomainError, error_text
from hubwell.http import session_cookie
from hubwell.http.dependencies import (
    AppSettings,
    CurrentPrincipal,
    NewTransaction,
    RateLimits,
    ReadConnection,
    Transaction,
)
from hubwell.http.guard import PUBLIC
from hubwell.http.rate_limits import address_of, code_limits
from hubwell.http.spreadsheet import MEDIA_TYPE, to_csv
from hubwell.people import persons
from hubwell.privacy import erasure, export, personal_data
from hubwell.privacy.personal_data import PersonalData
from hubwell.vocabulary import Role
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.web.my_data.text import as_days
from hubwell.workflows import visits
from hubwell.workflows.accounts import end_link as end_account_link
from hubwell.workflows.erasure import erase_account, erase_person

_HOME: Final = "/me"
_LOCAL: Final = "%Y-%m-%dT%H:%M"
me = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, dependencies=[PUBLIC])


class NoPersonError(Exception):
    """The principal has no person, or the person was erased meanwhile."""


async def _own_person(principal: CurrentPrincipal) -> UUID:
    if principal.person_id is None:
        raise NoPersonError
    return principal.person_id


OwnPerson = Annotated[UUID, Depends(_own_person)]
"""The person whose data the principal may see."""


async def _whole_person(person_id: OwnPerson, principal: CurrentPrincipal) -> UUID:
    if principal.only_badge is not None:
        raise DomainError(BADGE_NEW)
    return person_id


WholePerson = Annotated[UUID, Depends(_whole_person)]
"""The same for what concerns all data of the person; raises DomainError for a badge that is new."""


async def _own_data(person_id: OwnPerson, principal: CurrentPrincipal, conn: ReadConnection) -> PersonalData:
    data = await _data(conn, person_id)
    if principal.only_badge is None:
        return data
    return await personal_data.of_badge(conn, data, principal.only_badge)


async def _data(conn: AsyncConnection[Any], person_id: UUID) -> PersonalData:
    data = await personal_data.everything(conn, person_id, datetime.now(UTC))
    if data is None:
        raise NoPersonError
    return data


OwnData = Annotated[PersonalData, Depends(_own_data, scope="function")]


async def _own_visit(visit_id: int, principal: CurrentPrincipal, data: OwnData) -> None:
    if principal.only_badge is not None and visit_id not in {visit.id for visit in data.visits}:
        raise DomainError(BADGE_NEW)


_OF_THIS_BADGE: Final = Depends(_own_visit, scope="function")


def _page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 (for templates)
    """Answer with a page that no browser keeps: the next person at the same screen must not find it."""
    answer = view(request, template, status=status, page="me", **values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _ask_for_code(request: Request, error: Exception) -> Response:
    """Answer a browser whose session with a code has expired: the page that asks for a new one."""
    del error
    is_home = request.method == "GET" and request.url.path == _HOME
    return _code_page(request) if is_home else see_other(_HOME)


@me.get("/me")
async def show_me(
    request: Request, principal: CurrentPrincipal, data: OwnData, conn: ReadConnection, done: str = ""
) -> Response:
    """Show the principal's own visits, badges and choices; ask for a code without a session."""
    is_whole = principal.only_badge is None
    return _page(
        request,
        "my_data/visits.html",
        data=data,
        days=as_days(formatter_for(request), data.visits),
        may_choose=is_whole and _may_choose(principal, data),
        is_whole=is_whole,
        links=await links.of_person(conn, data.person.id) if is_whole else [],
        done=done,
    )


def _may_choose(principal: Principal, data: PersonalData) -> bool:
    """Return whether to offer being shown as on site: to staff, mentors and ambassadors."""
    enrolled = data.person.kind == "enrolled" and data.person.name != ""
    return enrolled and (data.person.shown_as != "" or principal.may(Role.STAFF))


def _code_page(request: Request, mistake: str = "", status: int = 200) -> Response:
    errors = {"code": mistake} if mistake else {}
    return _page(request, "my_data/code.html", status=status, errors=errors)


@me.post("/me/code")
async def enter_code(
    request: Request, limits: RateLimits, begin: NewTransaction, code: FormText = ""
) -> Response:
    """Sign the browser in with a one-time code, for half an hour."""
    _ = formatter_for(request).translations.gettext
    if not code.strip():
        return _code_page(request, _("Type the code that the kiosk showed after your tap."), 422)
    answer = see_other(_HOME)
    # The limit waits: the transaction begins afterwards, so that a wait holds no connection.
    async with limits.attempt(*code_limits(address_of(request))) as attempt, begin() as transaction:
        opened = await codes.redeem_of_badge(transaction.conn, code)
        if opened is not None:
            await session_cookie.start_session(
                request,
                answer,
                transaction.conn,
                person_id=opened.person_id,
                credential_id=opened.credential_id,
            )
        await transaction.commit()  # also of a code that has expired: it is used up
        if opened is not None:
            return answer
        attempt.fail()
    wrong = _("This code is wrong, was used, or is older than ten minutes. Tap again.")
    return _code_page(request, wrong, 422)


@me.post("/me/leave")
async def leave(request: Request, transaction: Transaction) -> Response:
    """Sign this browser out."""
    answer = see_other(_HOME)
    await session_cookie.end_session(request, answer, transaction.conn)
    await transaction.commit()
    return answer


@me.get("/me/export.json")
async def export_json(data: OwnData, settings: AppSettings) -> Response:
    """Return everything as JSON."""
    text = export.as_json(data, datetime.now(UTC), ZoneInfo(settings.zone))
    return _file(text, "application/json", "json")


@me.get("/me/export.csv")
async def export_csv(request: Request, data: OwnData, settings: AppSettings) -> Response:
    """Return everything as a table for spreadsheets in the reader's language."""
    rows, language = export.table_rows(data), formatter_for(request).language
    table = to_csv(export.TABLE_COLUMNS, rows, language=language, zone=ZoneInfo(settings.zone))
    return _file(table, MEDIA_TYPE, "csv")


def _file(text: str | bytes, media_type: str, ending: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="my-visits.{ending}"',
        "Cache-Control": "no-store",
    }
    return Response(text, media_type=media_type, headers=headers)


@me.post("/me/language")
async def choose_language(
    request: Request, person_id: WholePerson, transaction: Transaction, language: FormText = ""
) -> Response:
    """Set the language in which readers and pages address this person."""
    facts = await persons.set_language(transaction.conn, person_id, language)
    if token := session_cookie.session_token_of(request):
        await sessions.set_language(transaction.conn, token, None)
    await transaction.commit(facts)
    return see_other(f"{_HOME}?done=language")


@me.post("/me/shown")
async def choose_shown(person_id: WholePerson, transaction: Transaction, shown_as: FormText = "") -> Response:
    """Set whether a mentor or ambassador is shown as on site while they are in."""
    conn = transaction.conn
    if not _may_choose(transaction.principal, await _data(conn, person_id)):
        return see_other(_HOME)
    if shown_as in {"mentor", "ambassador"} and transaction.principal.may(Role.STAFF):
        role: persons.ShownAs = "mentor" if shown_as == "mentor" else "ambassador"
        await persons.set_shown_as(conn, person_id, role)
    await persons.set_shown(conn, person_id, shown=shown_as in {"mentor", "ambassador", "yes"})
    await transaction.commit()
    return see_other(f"{_HOME}?done=shown")


@me.post("/me/links/{account_id}/end")
async def end_link(_: WholePerson, transaction: Transaction, account_id: UUID) -> Response:
    """End the tie of an account that shows this person's visits."""
    await end_account_link(transaction.conn, transaction.principal, account_id)
    await transaction.commit()
    return see_other(f"{_HOME}?done=unlinked")


@me.get("/me/visits/{visit_id}/end", dependencies=[_OF_THIS_BADGE])
async def ask_end(request: Request, person_id: OwnPerson, conn: ReadConnection, visit_id: int) -> Response:
    """Ask when the person left."""
    return await _visit_page(request, conn, person_id, visit_id, "my_data/end.html")


@me.post("/me/visits/{visit_id}/end", dependencies=[_OF_THIS_BADGE])
async def correct_end(
    request: Request,
    person_id: OwnPerson,
    transaction: Transaction,
    settings: AppSettings,
    visit_id: int,
    left: FormText = "",
) -> Response:
    """End a visit at the time that the person enters."""
    words, conn = formatter_for(request), transaction.conn
    left_at = _moment(left, words.zone)
    if left_at is None:
        mistake = words.translations.gettext("Enter the day and the time at which you left.")
        return await _visit_page(request, conn, person_id, visit_id, "my_data/end.html", left, mistake)
    try:
        facts = await visits.correct_end(conn, transaction.principal, settings, person_id, visit_id, left_at)
    except DomainError as error:
        await transaction.roll_back()
        mistake = error_text(error, words.translations)
        return await _visit_page(request, conn, person_id, visit_id, "my_data/end.html", left, mistake)
    await transaction.commit(facts)
    return see_other(f"{_HOME}?done=corrected")


@me.get("/me/visits/{visit_id}/remove", dependencies=[_OF_THIS_BADGE])
async def ask_remove(request: Request, person_id: OwnPerson, conn: ReadConnection, visit_id: int) -> Response:
    """Show what is lost when a visit is removed."""
    return await _visit_page(request, conn, person_id, visit_id, "my_data/remove.html")


@me.post("/me/visits/{visit_id}/remove", dependencies=[_OF_THIS_BADGE])
async def remove(
    request: Request, person_id: OwnPerson, transaction: Transaction, settings: AppSettings, visit_id: int
) -> Response:
    """Remove a visit."""
    conn = transaction.conn
    try:
        facts = await visits.remove(conn, transaction.principal, settings, person_id, visit_id)
    except DomainError as error:
        await transaction.roll_back()
        mistake = error_text(error, formatter_for(request).translations)
        return await _visit_page(request, conn, person_id, visit_id, "my_data/remove.html", mistake=mistake)
    await transaction.commit(facts)
    return see_other(f"{_HOME}?done=removed")


async def _visit_page(
    request: Request,
    conn: AsyncConnection[Any],
    person_id: UUID,
    visit_id: int,
    template: str,
    left: str = "",
    mistake: str = "",
) -> Response:
    visit = await personal_data.visit(conn, person_id, visit_id)
    if visit is None:
        return see_other(f"{_HOME}?done=gone")
    words = formatter_for(request)
    return _page(
        request,
        template,
        status=422 if mistake else 200,
        visit=visit,
        visit_text=as_days(words, [visit])[0].visits[0],
        left=left or (visit.end or words.now).astimezone(words.zone).strftime(_LOCAL),
        earliest=visit.start.astimezone(words.zone).strftime(_LOCAL),
        latest=words.now.astimezone(words.zone).strftime(_LOCAL),
        errors={"left": mistake} if mistake else {},
    )


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """Read a time as a browser's field sends it, in the hub's zone; of one that comes twice, the first."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@me.get("/me/erase", dependencies=[Depends(_whole_person)])
async def ask_erase(request: Request, data: OwnData) -> Response:
    """Show what erasing loses and what stays."""
    return _erase_page(request, data)


def _erase_page(request: Request, data: PersonalData, mistake: str = "") -> Response:
    return _page(
        request,
        "my_data/erase.html",
        status=422 if mistake else 200,
        data=data,
        tombstone_days=erasure.TOMBSTONE.days,
        errors={"account": mistake} if mistake else {},
    )


@me.post("/me/erase")
async def erase(
    request: Request,
    person_id: WholePerson,
    transaction: Transaction,
    settings: AppSettings,
    account: FormText = "",
) -> Response:
    """Erase the person, sign this browser out, and show the proof."""
    conn, principal = transaction.conn, transaction.principal
    try:
        if account == "yes" and principal.account_id is not None:
            await erase_account(conn, principal, principal.account_id)
        erased = await erase_person(conn, principal, person_id)
    except DomainError as error:
        await transaction.roll_back()
        mistake = error_text(error, formatter_for(request).translations)
        return _erase_page(request, await _data(conn, person_id), mistake)
    await session_cookie.end_session(request, Response(), conn)
    await transaction.commit(erased.facts)
    answer = _page(request, "my_data/erased.html", proof=erased.proof, principal=ANONYMOUS)
    session_cookie.clear_cookie(answer, settings)
    return answer


def install(app: FastAPI) -> None:
    """Send a browser without a person's session to the page that asks for the code."""
    app.add_exception_handler(NoPersonError, _ask_for_code)
