"""Place spaces on a floor plan: by typed coordinates, by a click on the picture, or by dragging.

Every way works by one form. The click needs no script: a browser sends where in a picture of a form it was.
"""

import re
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.http.dependencies import OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.spaces import register
from hubwell.spaces.plans import actions
from hubwell.spaces.plans.actions import Plan
from hubwell.vocabulary import Role
from hubwell.web.board.floor_plan import sheet_address
from hubwell.web.kit.forms import mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.web.register.plans import PlanId
from hubwell.workflows.register import plans as workflow

place_pages = APIRouter(
    include_in_schema=False,
    prefix="/register/plans/{plan_id}",
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
_PICTURE_WIDTH: Final = 720
"""Pixels of the picture on the page, which has one size: of a click a browser sends pixels."""
_PIXELS: Final = re.compile(r"-?[0-9]{1,6}")


@place_pages.get("")
async def show_places(
    request: Request, conn: ReadConnection, plan_id: PlanId, done: str = "", space: str = ""
) -> Response:
    """Show a plan with the spaces on it, and a form for the place of each space."""
    return await _page(request, conn, plan_id, done=done, space=space)


@place_pages.post("/places")
async def place_space(request: Request, transaction: Transaction, plan_id: PlanId) -> Response:
    """Place a space, or take it off the plan."""
    form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    space_id = form.get("space", "")
    conn, actor = transaction.conn, transaction.principal
    plan = await actions.get_plan(conn, plan_id)
    x, y = _entered(form, plan)
    try:
        if "off" in form:
            await workflow.take_space_off(conn, actor, plan_id, space_id)
        else:
            await workflow.place_space(conn, actor, plan_id, space_id, x, y)
    except DomainError as error:
        return await _refused(request, transaction, plan_id, error, space=space_id, typed=(x, y))
    await transaction.commit()
    outcome = "off" if "off" in form else "placed"
    return see_other(f"/register/plans/{plan_id}?done={outcome}&space={space_id}")


def _entered(form: dict[str, str], plan: Plan) -> tuple[str, str]:
    """Return what was typed, or where the picture was clicked; a button without a place means the middle."""
    across, down = form.get("at.x", ""), form.get("at.y", "")
    if _PIXELS.fullmatch(across) and _PIXELS.fullmatch(down):
        return _share(int(across), _PICTURE_WIDTH), _share(int(down), _height(plan))
    return form.get("x", "50"), form.get("y", "50")


def _share(pixel: int, of: int) -> str:
    return f"{min(max(pixel / of * 100, 0.0), 100.0):.2f}"


def _height(plan: Plan) -> int:
    return round(_PICTURE_WIDTH * plan.height / plan.width)


async def _refused(
    request: Request,
    transaction: OpenTransaction,
    plan_id: int,
    error: DomainError,
    *,
    space: str,
    typed: tuple[str, str],
) -> Response:
    await transaction.roll_back()
    # Each space has a form of its own: the mistake belongs to the fields of this one.
    errors = {
        f"{field}-{space}" if field in {"x", "y"} else "space": sentence
        for field, sentence in mistake(error, formatter_for(request)).items()
    }
    return await _page(request, transaction.conn, plan_id, errors=errors, space=space, typed=typed)


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    plan_id: int,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    shown = {"errors": {}, "done": "", "space": "", "typed": None} | values
    plans = await actions.list_plans(conn)
    places = await actions.list_places(conn)
    spaces = [space for space in await register.list_registered(conn) if space.archived_at is None]
    plan = await actions.get_plan(conn, plan_id)
    return view(
        request,
        "register/places.html",
        status=422 if shown["errors"] else 200,
        page="spaces",
        plan=plan,
        width=_PICTURE_WIDTH,
        height=_height(plan),
        sheet=sheet_address(places),
        spaces=spaces,
        places={place.space_id: place for place in places},
        floors={item.id: item.name for item in plans},
        **shown,
    )
