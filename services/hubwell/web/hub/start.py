"""Getting started: what is left to set up, each step with its page, each done by itself."""

from datetime import UTC, date, datetime, time
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection
from starlette.exceptions import HTTPException

from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.hub_profile.errors import RESTORE_IN_FUTURE
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from hubwell.web.hub.text import steps
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import hub as workflow

start = APIRouter(
    include_in_schema=False,
    prefix="/start",
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.ADMIN)],
)
_PAGES: Final = ("device", "reader", "restore", "grafana")
"""Steps with a page of their own here; those of the others are pages of Hubwell."""


@start.get("")
async def show_steps(request: Request, conn: ReadConnection, settings: AppSettings) -> Response:
    """Show every step, with those that are done."""
    progress = await workflow.progress(conn, settings)
    return view(request, "hub/start.html", page="start", steps=steps(progress, formatter_for(request)))


@start.get("/{step}")
async def show_step(
    request: Request, conn: ReadConnection, settings: AppSettings, step: str, done: str = ""
) -> Response:
    """Show how a step is done."""
    if step not in _PAGES:
        raise HTTPException(404)
    return await _page(request, conn, settings, step, done=done)


@start.post("/restore")
async def note_restore(
    request: Request, transaction: Transaction, settings: AppSettings, on: FormText = ""
) -> Response:
    """Note that a backup was restored with success."""
    words, now = formatter_for(request), transaction.now
    try:
        at = _moment(on, now, words.zone)
        await workflow.note_restore(transaction.conn, transaction.principal, at, now)
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, words)
        return await _page(request, transaction.conn, settings, "restore", errors=errors, on=on)
    await transaction.commit()
    return see_other("/start/restore?done=noted")


@start.post("/grafana")
async def do_without_grafana(transaction: Transaction) -> Response:
    """Note that the hub does without Grafana on purpose."""
    return await _set_no_grafana(transaction, transaction.now)


@start.post("/grafana/open")
async def open_grafana_again(transaction: Transaction) -> Response:
    """Take that back."""
    return await _set_no_grafana(transaction, None)


async def _set_no_grafana(transaction: OpenTransaction, since: datetime | None) -> Response:
    await workflow.set_no_grafana(transaction.conn, transaction.principal, since)
    await transaction.commit()
    return see_other("/start/grafana")


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    settings: Settings,
    step: str,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    today = words.now.astimezone(words.zone).date().isoformat()
    shown = {"errors": {}, "done": "", "on": today, "today": today} | values
    return view(
        request,
        f"hub/{step}.html",
        status=422 if shown["errors"] else 200,
        page="start",
        progress=await workflow.progress(conn, settings),
        **shown,
    )


def _moment(text: str, now: datetime, zone: Any) -> datetime:  # noqa: ANN401
    """Return the moment that a day stands for: now for today, else noon of the hub. Raises DomainError."""
    try:
        day = date.fromisoformat(text.strip())
        if day == now.astimezone(zone).date():
            return now
        return datetime.combine(day, time(12), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DomainError(RESTORE_IN_FUTURE) from None
