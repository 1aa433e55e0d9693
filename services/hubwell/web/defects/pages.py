"""The list of defects, for those who look after the spaces, and the form on the page of a space."""

from collections.abc import Awaitable
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.defects import actions
from hubwell.defects.errors import DEFECT_UNDO_LATE
from hubwell.defects.rules import LONGEST_NOTE, ReportKey
from hubwell.errors import DomainError
from hubwell.http.dependencies import (
    CurrentPrincipal,
    NewTransaction,
    OpenTransaction,
    RateLimits,
    ReadConnection,
    Transaction,
)
from hubwell.http.guard import SEE_DEFECTS, principal_of, require_role
from hubwell.http.rate_limits import count_report
from hubwell.vocabulary import Role
from hubwell.web.defects import text
from hubwell.web.defects.of_space import UNDONE
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import defects as workflow

pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SpaceId = Annotated[str, Path(max_length=64)]
_SEES = require_role(*SEE_DEFECTS)
_CLOSES = require_role(Role.FACILITIES, Role.ADMIN)
_REPORTS = require_role(*Role)


@pages.get("/defects", dependencies=[_SEES])
async def show_defects(request: Request, conn: ReadConnection, done: str = "", defect: str = "") -> Response:
    """Show what is broken, the oldest first, and what was done in the last 30 days."""
    return await _page(request, conn, done=done, changed=defect)


@pages.post("/defects/{defect_id}/close", dependencies=[_CLOSES])
async def close(request: Request, transaction: Transaction, defect_id: UUID, note: FormText = "") -> Response:
    """Mark a defect as done."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = workflow.close(conn, actor, defect_id, note, now)
    return await _change(request, transaction, change, f"/defects?done=closed&defect={defect_id}")


@pages.post("/defects/{defect_id}/reopen", dependencies=[_CLOSES])
async def reopen(request: Request, transaction: Transaction, defect_id: UUID) -> Response:
    """Open a defect again."""
    change = workflow.reopen(transaction.conn, transaction.principal, defect_id)
    return await _change(request, transaction, change, "/defects?done=reopened")


@pages.post("/spaces/{space_id}/defects", dependencies=[_REPORTS])
async def report(
    limits: RateLimits,
    begin: NewTransaction,
    principal: CurrentPrincipal,
    space_id: SpaceId,
    kind: FormText = "",
) -> Response:
    """Report what is broken in a space."""
    async with begin() as transaction:
        await count_report(limits, principal.actor)
        reported = await workflow.report(transaction.conn, principal, space_id, kind, transaction.now)
        await transaction.commit()
    return see_other(f"/spaces/{quote(space_id)}?report={reported.key}#defects")


@pages.post("/spaces/{space_id}/defects/undo", dependencies=[_REPORTS])
async def take_back(
    limits: RateLimits,
    begin: NewTransaction,
    principal: CurrentPrincipal,
    space_id: SpaceId,
    report: FormText = "",
) -> Response:
    """Take a report back."""
    key = ReportKey.parse(report)
    if key is None:
        raise DomainError(DEFECT_UNDO_LATE)
    async with begin() as transaction:
        await count_report(limits, principal.actor)
        await workflow.take_back(transaction.conn, principal, space_id, key, transaction.now)
        await transaction.commit()
    return see_other(f"/spaces/{quote(space_id)}?report={UNDONE}#defects")


async def _change(
    request: Request, transaction: OpenTransaction, change: Awaitable[None], address: str
) -> Response:
    try:
        await change
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _page(request, transaction.conn, status=error.kind.status, errors=errors)
    await transaction.commit()
    return see_other(address)


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    *,
    status: int = 200,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    shown: dict[str, Any] = {"errors": {}, "done": "", "changed": ""} | values
    may_close = principal_of(request).may(Role.FACILITIES, Role.ADMIN)
    still_open, closed = text.lines(await actions.list_defects(conn, words.now), words, names=may_close)
    return view(
        request,
        "defects/defects.html",
        status=status,
        words=words,
        page="defects",
        here="/defects",
        still_open=still_open,
        closed=closed,
        may_close=may_close,
        longest=LONGEST_NOTE,
        **shown,
    )
