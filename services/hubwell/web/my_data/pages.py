"""My visits: a person sees, takes along, corrects and erases what is stored of them, without an account.

Who comes with a one-time code from a kiosk, or with an account that is linked to them, sees their own data
here and nobody else's: every query takes the principal's own person, never one from the address.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.access import accounts, codes
from hubwell.access.principal import ANONYMOUS
from hubwell.http import session_cookie
from hubwell.http.guard import PUBLIC, principal_of
from hubwell.http.rate_limits import CODE_FROM_ADDRESS, CODE_FROM_ANYWHERE, address_of, limits_of
from hubwell.people.errors import PeopleError
from hubwell.presence.errors import VisitError, sentence
from hubwell.privacy import erasure, export, personal_data
from hubwell.settings import Settings
from hubwell.vocabulary import LANGUAGES, Role
from hubwell.web.kit.forms import commit
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.web.my_data.on_site_role import me_shown
from hubwell.web.my_data.text import as_days
from hubwell.workflows import visits
from hubwell.workflows.erasure import erase_account, erase_person

_HOME: Final = "/me"
_LOCAL: Final = "%Y-%m-%dT%H:%M"
me = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, dependencies=[PUBLIC])


class NobodyHereError(Exception):
    """The principal is nobody's own, or not any more."""


def _connection(request: Request) -> Any:  # noqa: ANN401 - the pool's own context manager
    return request.app.state.database.connection()


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


def _own(request: Request) -> UUID:
    """Return whose data this principal may see. Raises NobodyHereError."""
    person = principal_of(request).person_id
    if person is None:
        raise NobodyHereError
    return person


def _page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 (for templates)
    """Answer with a page that no browser keeps: the next one at the same screen must not find it."""
    answer = view(request, template, status=status, page="me", **values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def to_the_code(request: Request, error: Exception) -> Response:
    """Answer where somebody's time with a code is over: the page that asks for a new one."""
    del error
    return _ask(request) if request.method == "GET" and request.url.path == _HOME else see_other(_HOME)


@me.get("/me")
async def show_me(request: Request, done: str = "") -> Response:
    """Show the principal's own visits, badges and choices; ask for a code where nobody is signed in."""
    person = _own(request)
    async with _connection(request) as conn:
        found = await personal_data.everything(conn, person, datetime.now(UTC))
    if found is None:
        raise NobodyHereError
    return _page(
        request,
        "my_data/visits.html",
        found=found,
        days=as_days(formatter_for(request), found.visits),
        may_choose=_may_choose(request, found),
        done=done,
        known_languages=LANGUAGES,
    )


def _may_choose(request: Request, found: personal_data.PersonalData) -> bool:
    """Tell whether to offer being shown as on site: to staff, and to who was named mentor or ambassador."""
    enrolled = found.person.kind == "enrolled" and found.person.name != ""
    return enrolled and (found.person.shown_as != "" or principal_of(request).may(Role.STAFF))


def _ask(request: Request, mistake: str = "", status: int = 200) -> Response:
    errors = {"code": mistake} if mistake else {}
    return _page(request, "my_data/code.html", status=status, errors=errors)


@me.post("/me/code")
async def enter_code(request: Request, code: Annotated[str, Form()] = "") -> Response:
    """Take a one-time code; the browser is then signed in for half an hour."""
    _ = formatter_for(request).translations.gettext
    if not code.strip():
        return _ask(request, _("Type the code that the kiosk showed after your tap."), 422)
    limits, address = limits_of(request), address_of(request)
    await limits.count(CODE_FROM_ADDRESS, address)  # first: one address alone must not use up everybody's
    await limits.count(CODE_FROM_ANYWHERE)
    async with _connection(request) as conn, conn.transaction():
        person = await codes.redeem(conn, code)
        if person is not None:
            answer = see_other(_HOME)
            await session_cookie.start_session(request, answer, conn, person_id=person)
            await limits.forget(CODE_FROM_ADDRESS, address)
            return answer
    return _ask(request, _("This code is not known, was used, or is older than ten minutes. Tap again."), 422)


@me.post("/me/leave")
async def leave(request: Request) -> Response:
    """Sign this browser out."""
    answer = see_other(_HOME)
    async with _connection(request) as conn, conn.transaction():
        await session_cookie.end_session(request, answer, conn)
    return answer


@me.get("/me/export.json")
async def export_json(request: Request) -> Response:
    """Hand over everything as JSON."""
    found = await _everything(request)
    text = export.as_json(found, datetime.now(UTC), ZoneInfo(_settings(request).zone))
    return _file(text, "application/json", "json")


@me.get("/me/export.csv")
async def export_csv(request: Request) -> Response:
    """Hand over everything as a table."""
    text = export.as_csv(await _everything(request), ZoneInfo(_settings(request).zone))
    return _file(text, "text/csv; charset=utf-8", "csv")


async def _everything(request: Request) -> personal_data.PersonalData:
    person = _own(request)
    async with _connection(request) as conn:
        found = await personal_data.everything(conn, person, datetime.now(UTC))
    if found is None:
        raise NobodyHereError
    return found


def _file(text: str, media_type: str, ending: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="my-visits.{ending}"',
        "Cache-Control": "no-store",
    }
    return Response(text, media_type=media_type, headers=headers)


@me.post("/me/language")
async def choose_language(request: Request, language: Annotated[str, Form()] = "") -> Response:
    """Keep the language in which readers and pages speak to this person."""
    person = _own(request)
    async with _connection(request) as conn, conn.transaction():
        await personal_data.set_language(conn, person, language)
    return see_other(f"{_HOME}?done=language")


@me.post("/me/shown")
async def choose_shown(request: Request, shown_as: Annotated[str, Form()] = "") -> Response:
    """Keep whether a mentor or ambassador is shown as on site while they are in."""
    found = await _everything(request)
    if not _may_choose(request, found):
        return see_other(_HOME)
    async with _connection(request) as conn, conn.transaction():
        if shown_as in {"mentor", "ambassador"} and principal_of(request).may(Role.STAFF):
            await personal_data.set_shown_as(
                conn, found.person.id, "mentor" if shown_as == "mentor" else "ambassador"
            )
        await personal_data.set_shown(
            conn, found.person.id, shown=shown_as in {"mentor", "ambassador", "yes"}
        )
    return see_other(f"{_HOME}?done=shown")


@me.get("/me/visits/{visit_id}/end")
async def ask_end(request: Request, visit_id: int) -> Response:
    """Ask when the person left."""
    return await _about_visit(request, visit_id, "my_data/end.html")


@me.post("/me/visits/{visit_id}/end")
async def correct_end(request: Request, visit_id: int, left: Annotated[str, Form()] = "") -> Response:
    """Let a visit end when the person says they left."""
    person, words = _own(request), formatter_for(request)
    _ = words.translations.gettext
    left_at = _moment(left, ZoneInfo(_settings(request).zone))
    if left_at is None:
        mistake = _("Write the day and the time at which you left.")
        return await _about_visit(request, visit_id, "my_data/end.html", left, mistake)
    try:
        async with _connection(request) as conn, conn.transaction():
            actor, settings = principal_of(request), _settings(request)
            facts = await visits.correct_end(conn, actor, settings, person, visit_id, left_at)
            await commit(conn, request, facts)
    except VisitError as error:
        return await _about_visit(
            request, visit_id, "my_data/end.html", left, sentence(error.why, words.translations)
        )
    return see_other(f"{_HOME}?done=corrected")


@me.get("/me/visits/{visit_id}/remove")
async def ask_remove(request: Request, visit_id: int) -> Response:
    """Say what is lost when a visit is removed."""
    return await _about_visit(request, visit_id, "my_data/remove.html")


@me.post("/me/visits/{visit_id}/remove")
async def remove(request: Request, visit_id: int) -> Response:
    """Remove a visit."""
    person, words = _own(request), formatter_for(request)
    try:
        async with _connection(request) as conn, conn.transaction():
            facts = await visits.remove(conn, principal_of(request), _settings(request), person, visit_id)
            await commit(conn, request, facts)
    except VisitError as error:
        return await _about_visit(
            request, visit_id, "my_data/remove.html", mistake=sentence(error.why, words.translations)
        )
    return see_other(f"{_HOME}?done=removed")


async def _about_visit(
    request: Request, visit_id: int, template: str, left: str = "", mistake: str = ""
) -> Response:
    person = _own(request)
    async with _connection(request) as conn:
        visit = await personal_data.visit(conn, person, visit_id)
    if visit is None:
        return see_other(f"{_HOME}?done=gone")
    zone = ZoneInfo(_settings(request).zone)
    now = datetime.now(UTC)
    return _page(
        request,
        template,
        status=422 if mistake else 200,
        visit=visit,
        said=as_days(formatter_for(request), [visit])[0].visits[0],
        left=left or (visit.end or now).astimezone(zone).strftime(_LOCAL),
        earliest=visit.start.astimezone(zone).strftime(_LOCAL),
        latest=now.astimezone(zone).strftime(_LOCAL),
        errors={"left": mistake} if mistake else {},
    )


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """Read a time as a browser's field sends it, in the hub's zone; of one that comes twice, the first."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@me.get("/me/erase")
async def ask_erase(request: Request) -> Response:
    """Say what erasing loses and what stays."""
    return await _before_erasing(request)


async def _before_erasing(request: Request, mistake: str = "") -> Response:
    return _page(
        request,
        "my_data/erase.html",
        status=422 if mistake else 200,
        found=await _everything(request),
        days_buried=erasure.TOMBSTONE.days,
        errors={"account": mistake} if mistake else {},
    )


@me.post("/me/erase")
async def erase(request: Request, account: Annotated[str, Form()] = "") -> Response:
    """Erase the person, sign this browser out, and show the proof."""
    person, principal = _own(request), principal_of(request)
    _ = formatter_for(request).translations.gettext
    try:
        async with _connection(request) as conn, conn.transaction():
            if account == "yes" and principal.account_id is not None:
                await erase_account(conn, principal, principal.account_id)
            erased = await erase_person(conn, principal, person)
            await commit(conn, request, erased.facts)
            await session_cookie.end_session(request, Response(), conn)
    except accounts.AccountError:
        return await _before_erasing(request, _("You are the last administrator. Make another one first."))
    except PeopleError:
        raise NobodyHereError from None
    answer = _page(request, "my_data/erased.html", proof=erased.proof, principal=ANONYMOUS)
    session_cookie.clear_cookie(answer, _settings(request))
    return answer


def install(app: FastAPI) -> None:
    """Send a browser without a person's session to the page that asks for the code."""
    app.add_exception_handler(NobodyHereError, to_the_code)


ROUTERS: Final = (me, me_shown)
