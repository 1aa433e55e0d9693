"""Sessions: staff enter a meeting, and read who came while its purpose lasts. Only the owner, then nobody."""

import csv
import io
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.access.errors import NotAllowedError
from hubwell.http.errors import ProblemError
from hubwell.http.guard import principal_of, require_role
from hubwell.people import course_sessions as people_sessions
from hubwell.people.course_sessions import KEPT_DAYS, Plan, Roll, Session
from hubwell.people.errors import PeopleError
from hubwell.vocabulary import Role
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import mistake, note, transaction
from hubwell.web.kit.respond import formatter_for, see_other, view

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula."""
_YEARS: Final = 2

sessions = APIRouter(
    prefix="/sessions",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.STAFF)],
)
Text = Annotated[str, Form()]


@sessions.get("")
async def show_sessions(request: Request, done: str = "") -> Response:
    """List the principal's own sessions."""
    owner = _owner(request)
    async with transaction(request) as conn:
        found = await people_sessions.sessions_of(conn, owner, datetime.now(UTC))
    return view(request, "desk/session_list.html", page="sessions", sessions=found, done=done)


@sessions.get("/new")
async def show_form(request: Request) -> Response:
    """Show the form for a session: of today unless somebody changes it."""
    _owner(request)
    today = formatter_for(request).now.astimezone(_zone(request)).date()
    return await _form(request, {"day": today.isoformat(), "days": str(KEPT_DAYS)})


@sessions.post("")
async def add(
    request: Request,
    title: Text = "",
    purpose: Text = "",
    space: Text = "",
    day: Text = "",
    start: Text = "",
    end: Text = "",
    days: Text = "",
) -> Response:
    """Enter a session."""
    owner = _owner(request)
    typed = {"title": title, "purpose": purpose, "space": space, "day": day}
    typed |= {"start": start, "end": end, "days": days}
    plan, errors = _plan(typed, _zone(request), formatter_for(request))
    if plan is None:
        return await _form(request, typed, errors)
    try:
        async with transaction(request) as conn:
            made = await people_sessions.add(conn, owner, plan, datetime.now(UTC))
            await note(conn, request, "session.entered", session=made)
    except PeopleError as error:
        return await _form(request, typed, mistake(error, formatter_for(request)))
    return see_other(f"/sessions/{made}")


@sessions.get("/{session_id}")
async def show_roll(request: Request, session_id: UUID) -> Response:
    """Show who came; looking is noted in the audit log."""
    found, roll = await _read(request, session_id, "roll.viewed")
    return view(request, "desk/session_roll.html", page="sessions", session=found, roll=roll)


@sessions.get("/{session_id}/roll.csv")
async def download_roll(request: Request, session_id: UUID) -> Response:
    """Give the names as a table; the copy is the owner's to delete, and the page says so."""
    found, roll = await _read(request, session_id, "roll.exported")
    headers = {
        "Content-Disposition": 'attachment; filename="session-roll.csv"',
        "Cache-Control": "no-store",
    }
    return Response(
        _table(found, roll, formatter_for(request)), headers=headers, media_type="text/csv; charset=utf-8"
    )


@sessions.post("/{session_id}/delete")
async def delete(request: Request, session_id: UUID) -> Response:
    """Delete a session and with it the roll, before its time."""
    owner = _owner(request)
    async with transaction(request) as conn:
        if await people_sessions.delete(conn, session_id, owner):
            await note(conn, request, "session.deleted", session=session_id)
    return see_other("/sessions?done=deleted")


async def _read(request: Request, session_id: UUID, action: str) -> tuple[Session, Roll]:
    """Return a session with its roll. Raises ProblemError for another's, and once the roll has ended."""
    owner, now = _owner(request), datetime.now(UTC)
    async with transaction(request) as conn:
        found = await people_sessions.session(conn, session_id, owner, now)
        if found is not None:
            roll = await people_sessions.roll(conn, found, now)
            await note(conn, request, action, session=session_id, people=roll.people)
            return found, roll
    raise ProblemError(
        404, "not-found", "Not found", "This session is not yours, or its list has ended and was deleted."
    )


def _table(session: Session, roll: Roll, words: Formatter) -> bytes:
    _ = words.translations.gettext
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([_("Name"), _("Session"), _("Date")])
    day = session.start.astimezone(words.zone).date().isoformat()
    for name in [*roll.names, *[_("A badge without a name")] * roll.nameless]:
        table.writerow([_plain(name), _plain(session.title), day])
    # The mark at the beginning tells spreadsheets that the letters are UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


async def _form(request: Request, typed: dict[str, str], errors: dict[str, str] | None = None) -> Response:
    async with transaction(request) as conn:
        rows = await people_sessions.spaces(conn)
    spaces = [(key, f"{name}, {zone}" if zone else name) for key, name, zone in rows]
    empty = dict.fromkeys(("title", "purpose", "space", "day", "start", "end", "days"), "")
    values: dict[str, Any] = {"spaces": spaces, "typed": empty | typed, "errors": errors or {}}
    values["here"] = "/sessions/new"
    return view(request, "desk/session_new.html", status=422 if errors else 200, page="sessions", **values)


def _plan(typed: dict[str, str], zone: ZoneInfo, words: Formatter) -> tuple[Plan | None, dict[str, str]]:
    """Read the form: the plan, or what is wrong by field."""
    _ = words.translations.gettext
    errors: dict[str, str] = {}
    day = _date(typed["day"])
    start, end = _time(typed["start"]), _time(typed["end"])
    if day is None:
        errors["day"] = _("Choose the day of the session.")
    if start is None:
        errors["start"] = _("Say when it begins, as in 09:30.")
    if end is None:
        errors["end"] = _("Say when it ends, as in 11:00.")
    if not typed["days"].isdecimal():
        errors["days"] = _("Say for how many days the list is kept, from 1 to 30.")
    if day is None or start is None or end is None or errors:
        return None, errors
    begins, ends = _moment(day, start, zone), _moment(day, end, zone)
    for field, moment in (("start", begins), ("end", ends)):
        if moment is None:
            errors[field] = _("On that day the clocks skip this time. Choose another one.")
    if begins is None or ends is None:
        return None, errors
    plan = Plan(
        title=typed["title"],
        purpose=typed["purpose"],
        space_id=typed["space"],
        start=begins,
        end=ends,
        kept_days=min(int(typed["days"][:4]), 1000),
    )
    return plan, {}


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    """Return a time on the hub's clocks; the first of two, None where the clocks skip it."""
    local = datetime.combine(day, clock, zone)
    moment = local.astimezone(UTC)
    same = moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
    return moment if same else None


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # Years far away have no time zones, and no sessions.
    return found if abs(found.year - datetime.now(UTC).year) <= _YEARS else None


def _time(text: str) -> time | None:
    try:
        found = time.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else None


def _owner(request: Request) -> UUID:
    """Return the principal's account. Raises NotAllowedError for a program: a roll is for a person's eyes."""
    account = principal_of(request).account_id
    if account is None:
        raise NotAllowedError
    return account


def _zone(request: Request) -> ZoneInfo:
    return ZoneInfo(request.app.state.settings.zone)
