"""Sessions of courses: staff enter one and read its roll while its purpose lasts. Only the owner sees it."""

from datetime import UTC, date, datetime, time
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.http.dependencies import OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.people import course_sessions
from hubwell.people.course_sessions import KEPT_DAYS, Plan, Roll, Session
from hubwell.vocabulary import Role
from hubwell.web.accounts.own import NEEDS_ACCOUNT, OwnAccount
from hubwell.web.desk.roll_table import as_csv
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import course_sessions as workflow

_YEARS: Final = 2

sessions = APIRouter(
    prefix="/sessions",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.STAFF), NEEDS_ACCOUNT],
)


@sessions.get("")
async def show_sessions(
    request: Request, owner: OwnAccount, conn: ReadConnection, done: str = ""
) -> Response:
    """List the principal's own sessions."""
    words = formatter_for(request)
    own_sessions = await course_sessions.sessions_of(conn, owner, words.now)
    return view(
        request, "desk/session_list.html", words=words, page="sessions", sessions=own_sessions, done=done
    )


@sessions.get("/new")
async def show_form(request: Request, conn: ReadConnection) -> Response:
    """Show the form for a session, filled in with today's date."""
    words = formatter_for(request)
    today = words.now.astimezone(words.zone).date()
    return await _form(request, conn, {"day": today.isoformat(), "days": str(KEPT_DAYS)})


@sessions.post("")
async def add(
    request: Request,
    transaction: Transaction,
    title: FormText = "",
    purpose: FormText = "",
    space: FormText = "",
    day: FormText = "",
    start: FormText = "",
    end: FormText = "",
    days: FormText = "",
) -> Response:
    """Enter a session."""
    typed = {"title": title, "purpose": purpose, "space": space, "day": day}
    typed |= {"start": start, "end": end, "days": days}
    words, conn = formatter_for(request), transaction.conn
    plan, errors = _plan(typed, words)
    if plan is None:
        return await _form(request, conn, typed, errors)
    try:
        session_id = await workflow.add(conn, transaction.principal, plan, transaction.now)
    except DomainError as error:
        await transaction.roll_back()
        return await _form(request, conn, typed, mistake(error, words))
    await transaction.commit()
    return see_other(f"/sessions/{session_id}")


@sessions.get("/{session_id}")
async def show_roll(request: Request, transaction: Transaction, session_id: UUID) -> Response:
    """Show the names on the roll; each view is recorded in the audit log."""
    session, roll = await _read(transaction, session_id, "roll.viewed")
    return view(request, "desk/session_roll.html", page="sessions", session=session, roll=roll)


@sessions.get("/{session_id}/roll.csv")
async def download_roll(request: Request, transaction: Transaction, session_id: UUID) -> Response:
    """Return the names as a table; the copy is the owner's to delete, as the page states."""
    session, roll = await _read(transaction, session_id, "roll.exported")
    headers = {
        "Content-Disposition": 'attachment; filename="session-roll.csv"',
        "Cache-Control": "no-store",
    }
    table = as_csv(session, roll, formatter_for(request))
    return Response(table, headers=headers, media_type="text/csv; charset=utf-8")


@sessions.post("/{session_id}/delete")
async def delete(transaction: Transaction, session_id: UUID) -> Response:
    """Delete a session and its roll before its time."""
    await workflow.delete(transaction.conn, transaction.principal, session_id)
    await transaction.commit()
    return see_other("/sessions?done=deleted")


async def _read(
    transaction: OpenTransaction, session_id: UUID, action: Literal["roll.viewed", "roll.exported"]
) -> tuple[Session, Roll]:
    """Return a session with its roll. Raises DomainError for another's, and once the roll has ended."""
    conn, now = transaction.conn, transaction.now
    read = await workflow.read_roll(conn, transaction.principal, session_id, now, action)
    await transaction.commit()
    return read


async def _form(
    request: Request,
    conn: AsyncConnection[Any],
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
) -> Response:
    rows = await course_sessions.spaces(conn)
    spaces = [(key, f"{name}, {zone}" if zone else name) for key, name, zone in rows]
    empty = dict.fromkeys(("title", "purpose", "space", "day", "start", "end", "days"), "")
    values: dict[str, Any] = {"spaces": spaces, "typed": empty | typed, "errors": errors or {}}
    values["here"] = "/sessions/new"
    return view(request, "desk/session_new.html", status=422 if errors else 200, page="sessions", **values)


def _plan(typed: dict[str, str], words: Formatter) -> tuple[Plan | None, dict[str, str]]:
    """Read the form: the plan, or what is wrong by field."""
    _ = words.translations.gettext
    errors: dict[str, str] = {}
    day = _date(typed["day"])
    start, end = _time(typed["start"]), _time(typed["end"])
    if day is None:
        errors["day"] = _("Choose the day of the session.")
    if start is None:
        errors["start"] = _("Enter when it begins, for example 09:30.")
    if end is None:
        errors["end"] = _("Enter when it ends, for example 11:00.")
    if not typed["days"].isdecimal():
        errors["days"] = _("Enter for how many days the list is kept, from 1 to 30.")
    if day is None or start is None or end is None or errors:
        return None, errors
    begins, ends = _moment(day, start, words.zone), _moment(day, end, words.zone)
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
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # Years far away have no time zones, and no sessions.
    return day if abs(day.year - datetime.now(UTC).year) <= _YEARS else None


def _time(text: str) -> time | None:
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        return None
    return clock if clock.tzinfo is None else None
