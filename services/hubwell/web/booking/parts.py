"""The parts of a space that can be booked alone, and the minutes between bookings, for facilities."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.booking import errors as refusals
from hubwell.booking import rules, spaces
from hubwell.booking.door.settings import DoorSettings, door_settings, release_in
from hubwell.booking.spaces import PartInput
from hubwell.errors import DomainError
from hubwell.http.dependencies import ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.web.booking.text import name_of
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import bookings as workflow

pages = APIRouter(
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(*workflow.MANAGERS)],
)
_LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class DoorForm:
    """What was entered about the door; `walk_ins` is empty for no."""

    walk_ins: str
    release: str


@pages.get("/spaces/{space_id}/parts")
async def show_parts(request: Request, conn: ReadConnection, space_id: str, done: str = "") -> Response:
    """Show the parts of a space, one a line."""
    space = await spaces.get_space(conn, space_id)
    lines = "\n".join(part.name for part in space.parts if part.name)
    turnaround = str(int(space.turnaround.total_seconds() // 60))
    door = await door_settings(conn, space_id)
    form = DoorForm("yes" if door.walk_ins else "", str(door.release or ""))
    return await _page(request, conn, space_id, lines, turnaround, form, done=done)


@pages.post("/spaces/{space_id}/parts")
async def set_parts(
    request: Request,
    transaction: Transaction,
    space_id: str,
    parts: FormText = "",
    turnaround: FormText = "",
    walk_ins: FormText = "",
    release: FormText = "",
) -> Response:
    """Give a space these parts; without any it is booked whole only. Capacities stay with their names."""
    conn = transaction.conn
    try:
        before = {part.name: part.capacity for part in (await spaces.get_space(conn, space_id)).parts}
        names = [" ".join(line.split()) for line in parts[:_LONGEST_TEXT].splitlines() if line.strip()]
        entered = [PartInput(name, before.get(name)) for name in names] or [PartInput("")]
        door = DoorSettings(bool(walk_ins), release_in(release))
        _space, facts = await workflow.set_up(
            conn, transaction.principal, space_id, entered, _minutes(turnaround), transaction.now, door
        )
    except DomainError as error:
        await transaction.roll_back()
        if not error.field or error.field == "space":
            raise
        errors = mistake(error, formatter_for(request))
        form = DoorForm(walk_ins, release)
        return await _page(request, conn, space_id, parts, turnaround, form, errors=errors)
    await transaction.commit(facts)
    return see_other(f"/spaces/{space_id}/parts?done=saved")


def _minutes(text: str) -> int:
    most = int(rules.LONGEST_TURNAROUND.total_seconds() // 60)
    digits = text.strip() or "0"
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(most)):
        raise DomainError(refusals.TURNAROUND_UNREADABLE, most=most)
    return int(digits)


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    space_id: str,
    parts: str,
    turnaround: str,
    door: DoorForm,
    *,
    errors: dict[str, str] | None = None,
    done: str = "",
) -> Response:
    words = formatter_for(request)
    space = await spaces.get_space(conn, space_id)
    return view(
        request,
        "booking/parts.html",
        status=422 if errors else 200,
        words=words,
        page="spaces",
        here=f"/spaces/{space_id}/parts",
        space=space,
        name=name_of(space, words),
        parts=parts,
        turnaround=turnaround,
        door=door,
        errors=errors or {},
        done=done,
    )
