"""The panel at the door of a space: its state as large as it can be, what to do, and three targets.

Anyone sees it at `/panel/SPACE`; who has an account also reports there what is broken. A paired screen shows
the same at `/screen` (`web/screens/door.py`).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection
from starlette.exceptions import HTTPException

from hubwell.access.principal import Principal
from hubwell.api import live_state
from hubwell.defects.errors import DEFECT_UNDO_LATE
from hubwell.defects.rules import ReportKey
from hubwell.errors import DomainError
from hubwell.http.dependencies import (
    BeginTransaction,
    CurrentPrincipal,
    DatabasePool,
    NewTransaction,
    RateLimits,
    ReadConnection,
)
from hubwell.http.guard import PUBLIC, PUBLIC_NO_LOOKUP, require_role
from hubwell.http.rate_limits import Limits, count_report
from hubwell.screens.actions import door_readers
from hubwell.vocabulary import Role
from hubwell.web.board.panel_parts import Asked, Door, Part, PartAsked, PartName, part_of
from hubwell.web.board.panel_walk_ins import DoorTargets, targets_of
from hubwell.web.board.space_finder import Need
from hubwell.web.board.text import Card, card
from hubwell.web.booking.text import door_lines
from hubwell.web.kit.evacuation import banner, evacuation_of
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.respond import formatter_for, fragment, see_other, view
from hubwell.workflows import defects as workflow

_NO_STORE: Final = {"Cache-Control": "no-store"}
_REFRESH: Final = timedelta(seconds=30)
"""After this time a page without a script loads itself again."""
LOOKS: Final = {"every": 2.5, "limit": 2}
"""Seconds between two looks of a panel, and its patience with one: in five it says that the hub is away."""
SpaceId = Annotated[str, Path(max_length=64)]
_REPORTS: Final = require_role(*Role)
panel = APIRouter(prefix="/panel/{space_id}", include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel as it is now: the state with its targets, or a part."""

    card: Card
    door: Door
    has_reader: bool
    part: Part | None
    targets: DoorTargets

    def refresh(self, every: timedelta) -> tuple[int, str]:
        """Return after how many seconds a page without a script loads which address."""
        if self.part is None:
            return round(every.total_seconds()), self.door.home
        if self.part.remaining <= every:
            return max(1, round(self.part.remaining.total_seconds())), self.door.home
        return round(every.total_seconds()), self.part.address


async def panel_now(
    request: Request,
    conn: AsyncConnection[Any],
    words: Formatter,
    space_id: str,
    door: Door,
    asked: Asked | None = None,
) -> Panel | None:
    """Return the panel of a space of this moment; None where the space is not shown."""
    space = next(iter(await live_state.spaces(conn, words.zone, [space_id])), None)
    if space is None:
        return None
    evacuating = evacuation_of(request) is not None
    booked = [] if space.personal or evacuating else await door_lines(conn, space_id, words)
    shown = replace(card(space, Need(), words, evacuating=evacuating), booked=booked)
    readers = await door_readers(conn, space_id)
    part = None
    if asked is not None and not evacuating:
        part = await part_of(conn, words, space, readers, door, asked)
    is_for_badges = door.may_take and readers and not space.personal and not evacuating
    targets = await targets_of(conn, space_id, words) if is_for_badges else DoorTargets()
    return Panel(shown, door, bool(readers), part, targets)


@panel.get("", dependencies=[PUBLIC])
async def show_panel(
    request: Request, conn: ReadConnection, principal: CurrentPrincipal, space_id: SpaceId, asked: PartAsked
) -> Response:
    """Show one space at its door, or a part of its panel."""
    words = formatter_for(request)
    door = _door(space_id, may_report=workflow.may_report(principal))
    return _page(request, words, await panel_now(request, conn, words, space_id, door, asked))


@panel.get("/now", dependencies=[PUBLIC_NO_LOOKUP])
async def show_panel_now(
    request: Request, conn: ReadConnection, space_id: SpaceId, report: str = ""
) -> Response:
    """Show the state as a fragment; `report`: with the target that opens the part to report."""
    words = formatter_for(request, language_of_page(request))
    shown = await panel_now(request, conn, words, space_id, _door(space_id, may_report=bool(report)))
    if shown is None:
        raise HTTPException(404)
    open_now = banner(request, words, officer=False)
    html = fragment(request, "board/panel.html", words, evacuation=open_now, panel=shown)
    return HTMLResponse(html, headers=_NO_STORE)


@panel.post("/defects", dependencies=[_REPORTS])
async def report(
    request: Request,
    database: DatabasePool,
    limits: RateLimits,
    begin: NewTransaction,
    principal: CurrentPrincipal,
    space_id: SpaceId,
    kind: FormText = "",
) -> Response:
    """Report what is broken here."""
    door, words = _door(space_id, may_report=True), formatter_for(request)
    if evacuation_of(request) is not None:
        return see_other(door.home)
    try:
        return see_other(await send_report(limits, begin, principal, space_id, kind, door))
    except DomainError as error:
        async with database.connection() as conn:
            shown = await panel_now(request, conn, words, space_id, door, refusal(error))
            return _page(request, words, shown, error.kind.status)


@panel.post("/defects/undo", dependencies=[_REPORTS])
async def take_back(
    request: Request,
    database: DatabasePool,
    limits: RateLimits,
    begin: NewTransaction,
    principal: CurrentPrincipal,
    space_id: SpaceId,
    report: FormText = "",
) -> Response:
    """Take a report back."""
    door, words = _door(space_id, may_report=True), formatter_for(request)
    try:
        return see_other(await undo_report(limits, begin, principal, space_id, report, door))
    except DomainError as error:
        async with database.connection() as conn:
            shown = await panel_now(request, conn, words, space_id, door, refusal(error))
            return _page(request, words, shown, error.kind.status)


async def send_report(
    limits: Limits, begin: BeginTransaction, sender: Principal, space_id: str, kind: str, door: Door
) -> str:
    """Report what is broken; return the address of the part that says so. Raises DomainError."""
    await count_report(limits, sender.actor)
    async with begin() as transaction:
        reported = await workflow.report(transaction.conn, sender, space_id, kind, transaction.now)
        await transaction.commit()
    return door.address_of(PartName.REPORTED, report=str(reported.key))


async def undo_report(
    limits: Limits, begin: BeginTransaction, sender: Principal, space_id: str, report: str, door: Door
) -> str:
    """Take a report back; return the address of the part that says so. Raises DomainError."""
    key = ReportKey.parse(report)
    if key is None:
        raise DomainError(DEFECT_UNDO_LATE)
    await count_report(limits, sender.actor)
    async with begin() as transaction:
        await workflow.take_back(transaction.conn, sender, space_id, key, transaction.now)
        await transaction.commit()
    return door.address_of(PartName.UNDONE)


def refusal(error: DomainError) -> Asked:
    """Return the part that says why a report was refused."""
    return Asked(PartName.REFUSED, why=error.code)


def _door(space_id: str, *, may_report: bool) -> Door:
    return Door(f"/panel/{space_id}", may_report)


def _page(request: Request, words: Formatter, shown: Panel | None, status: int = 200) -> Response:
    if shown is None:
        raise HTTPException(404)
    refresh, refresh_to = shown.refresh(_REFRESH)
    return view(
        request,
        "board/screen.html",
        status=status,
        words=words,
        page="panel",
        title=shown.card.space.name,
        source=f"{shown.door.home}/now" + ("?report=1" if shown.door.may_report else ""),
        content="board/panel.html",
        panel=shown,
        home=shown.door.home,
        refresh=refresh,
        refresh_to=refresh_to,
        **LOOKS,
    )
