"""Sessions of courses: staff enter one and read its roll while its purpose lasts. Only the owner sees it."""

from collections import Counter
from datetime import date, datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.errors import DomainError, error_text
from hubwell.http.dependencies import OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.http.spreadsheet import MEDIA_TYPE
from hubwell.people import course_sessions
from hubwell.people.course_sessions import KEPT_DAYS, Roll, Session
from hubwell.people.weekly import SeriesPlan
from hubwell.vocabulary import Role
from hubwell.web.accounts.own import NEEDS_ACCOUNT, OwnAccount
from hubwell.web.desk.roll_table import as_csv
from hubwell.web.desk.session_form import form_page, is_weekly, read_plan, read_weekly
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import course_sessions as workflow

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
    coming, past = _sorted(own_sessions, words.now)
    return view(
        request,
        "desk/session_list.html",
        words=words,
        page="sessions",
        coming=coming,
        past=past,
        later=Counter(session.series_id for session in own_sessions if session.end > words.now),
        done=done,
    )


def _sorted(own: list[Session], now: datetime) -> tuple[list[Session], list[Session]]:
    """Return the sessions to come, the next one first and one of each series; and the past ones."""
    shown, coming = set[UUID](), list[Session]()
    for session in reversed([session for session in own if session.end > now]):
        if session.series_id is None or session.series_id not in shown:
            coming.append(session)
        shown |= {session.series_id} if session.series_id else set()
    return coming, [session for session in own if session.end <= now]


@sessions.get("/new")
async def show_form(request: Request, conn: ReadConnection) -> Response:
    """Show the form for a session, filled in with today's date."""
    words = formatter_for(request)
    today = words.now.astimezone(words.zone).date()
    return await form_page(request, conn, {"day": today.isoformat(), "days": str(KEPT_DAYS)})


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
    until: FormText = "",
    without: FormText = "",
    step: FormText = "",
) -> Response:
    """Enter a session; one each week after its days were shown."""
    typed = {"title": title, "purpose": purpose, "space": space, "day": day}
    typed |= {"start": start, "end": end, "days": days, "until": until, "without": without}
    words, conn = formatter_for(request), transaction.conn
    if step == "change":
        return await form_page(request, conn, typed)
    if is_weekly(typed):
        return await _add_series(request, transaction, typed, step)
    plan, errors = read_plan(typed, words)
    if plan is None:
        return await form_page(request, conn, typed, errors)
    try:
        session_id = await workflow.add(conn, transaction.principal, plan, transaction.now)
    except DomainError as error:
        await transaction.roll_back()
        return await form_page(request, conn, typed, mistake(error, words))
    await transaction.commit()
    return see_other(f"/sessions/{session_id}")


async def _add_series(
    request: Request, transaction: OpenTransaction, typed: dict[str, str], step: str
) -> Response:
    """Show every day of a series, and enter it where exactly these days were shown before."""
    words = formatter_for(request)
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    weekly, errors = read_weekly(typed, words)
    if weekly is None:
        return await form_page(request, conn, typed, errors)
    try:
        planned = await workflow.plan_series(conn, actor, weekly, words.zone, now)
        if step == _fingerprint(planned):
            series, _sessions = await workflow.add_series(conn, actor, weekly, words.zone, now)
            await transaction.commit()
            return see_other(f"/sessions/series/{series}?done=added")
    except DomainError as error:
        await transaction.roll_back()
        return await form_page(request, conn, typed, mistake(error, words))
    return view(
        request,
        "desk/sessions/preview.html",
        words=words,
        page="sessions",
        planned=planned,
        typed=typed,
        fingerprint=_fingerprint(planned),
    )


def _fingerprint(planned: SeriesPlan) -> str:
    """Return a word that differs where the days of a series are others."""
    days = repr([(each.start, each.end) for each in planned.sessions])
    return sha256(days.encode()).hexdigest()[:16]


@sessions.get("/series/{series_id}")
async def show_series(
    request: Request, transaction: Transaction, series_id: UUID, done: str = ""
) -> Response:
    """Show the sessions of a series, with the form that deletes those from a day on."""
    words = formatter_for(request)
    own = await workflow.get_series(transaction.conn, transaction.principal, series_id, words.now)
    return view(
        request,
        "desk/sessions/series.html",
        words=words,
        page="sessions",
        series=series_id,
        sessions=own,
        days=[(_day_of(session, words), words.date(session.start)) for session in own],
        coming=next((_day_of(session, words) for session in own if session.end > words.now), ""),
        done=done,
    )


def _day_of(session: Session, words: Formatter) -> str:
    return session.start.astimezone(words.zone).date().isoformat()


@sessions.post("/series/{series_id}/delete")
async def delete_series(
    request: Request, transaction: Transaction, series_id: UUID, first: FormText = ""
) -> Response:
    """Delete the sessions of a series from a day on, with their lists."""
    words = formatter_for(request)
    try:
        day = date.fromisoformat(first)
    except ValueError:
        return see_other(f"/sessions/series/{series_id}")
    await workflow.delete_series(transaction.conn, transaction.principal, series_id, day, words.zone)
    await transaction.commit()
    return see_other("/sessions?done=series-deleted")


@sessions.get("/{session_id}")
async def show_roll(request: Request, transaction: Transaction, session_id: UUID) -> Response:
    """Show the names on the roll, once there is one; each view is recorded in the audit log."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    session, roll = await workflow.get(conn, actor, session_id, now), None
    refusal = session.roll_refusal(now)
    if refusal is None:
        session, roll = await _read(transaction, session_id, "roll.viewed")
    why = refusal and error_text(refusal, formatter_for(request).translations)
    return view(request, "desk/session_roll.html", page="sessions", session=session, roll=roll, why=why)


@sessions.get("/{session_id}/roll.csv")
async def download_roll(request: Request, transaction: Transaction, session_id: UUID) -> Response:
    """Return the names as a table; the copy is the owner's to delete, as the page states."""
    session, roll = await _read(transaction, session_id, "roll.exported")
    headers = {
        "Content-Disposition": 'attachment; filename="session-roll.csv"',
        "Cache-Control": "no-store",
    }
    table = as_csv(session, roll, formatter_for(request))
    return Response(table, headers=headers, media_type=MEDIA_TYPE)


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
