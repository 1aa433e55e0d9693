"""Floor plans: upload pictures, name and order them, replace and remove them."""

from collections.abc import Awaitable
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Path, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError, error_text
from hubwell.http.dependencies import (
    NewTransaction,
    OpenTransaction,
    ReadConnection,
    Transaction,
)
from hubwell.http.guard import require_role
from hubwell.spaces.plans import actions, formats, rules
from hubwell.spaces.plans.errors import PICTURE_TOO_LARGE
from hubwell.vocabulary import Role
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows.register import plans as workflow

plan_pages = APIRouter(
    include_in_schema=False,
    prefix="/register/plans",
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
PlanId = Annotated[int, Path(ge=1, le=2**31 - 1)]
PictureFile = Annotated[UploadFile | None, File()]
LARGEST_FORM: Final = formats.LARGEST_BYTES + 64 * 1024
"""Bytes of a form with a picture."""
_HERE: Final = "/register/plans"


@plan_pages.get("")
async def show_plans(request: Request, conn: ReadConnection, done: str = "") -> Response:
    """Show every plan, and the form for another one."""
    return await _page(request, conn, done=done)


@plan_pages.post("", max_body_size=LARGEST_FORM)
async def add_plan(
    request: Request,
    begin: NewTransaction,
    name: FormText = "",
    page: FormText = "",
    picture: PictureFile = None,
) -> Response:
    """Add a plan from a picture."""
    try:
        async with begin() as transaction:
            await actions.check_name(transaction.conn, name)
        content, named = await _content(picture)
        read = await workflow.read_picture(content, named=named, page=page)
        async with begin() as transaction:
            plan_id = await workflow.add_plan(transaction.conn, transaction.principal, name, read)
            await transaction.commit()
    except DomainError as error:
        async with begin() as transaction:
            errors = mistake(error, formatter_for(request))
            return await _page(request, transaction.conn, errors=errors, given_name=name, given_page=page)
    return see_other(f"{_HERE}/{plan_id}?done=added")


@plan_pages.post("/{plan_id}/picture", max_body_size=LARGEST_FORM)
async def replace_picture(
    request: Request,
    begin: NewTransaction,
    plan_id: PlanId,
    page: FormText = "",
    picture: PictureFile = None,
) -> Response:
    """Give a plan another picture; spaces keep their places."""
    try:
        content, named = await _content(picture)
        read = await workflow.read_picture(content, named=named, page=page)
        async with begin() as transaction:
            await workflow.replace_picture(transaction.conn, transaction.principal, plan_id, read)
            await transaction.commit()
    except DomainError as error:
        async with begin() as transaction:
            plan = await actions.get_plan(transaction.conn, plan_id)
            return _plan_page(request, plan, errors=mistake(error, formatter_for(request)), given_page=page)
    return see_other(f"{_HERE}/{plan_id}?done=changed")


@plan_pages.get("/{plan_id}/change")
async def show_plan(request: Request, conn: ReadConnection, plan_id: PlanId) -> Response:
    """Show the forms for a plan's name and picture, and for its removal."""
    return _plan_page(request, await actions.get_plan(conn, plan_id))


@plan_pages.post("/{plan_id}/change")
async def rename_plan(
    request: Request, transaction: Transaction, plan_id: PlanId, name: FormText = ""
) -> Response:
    """Rename a plan."""
    conn = transaction.conn
    plan = await actions.get_plan(conn, plan_id)
    try:
        await workflow.rename_plan(conn, transaction.principal, plan_id, name)
    except DomainError as error:
        await transaction.roll_back()
        return _plan_page(request, plan, errors=mistake(error, formatter_for(request)), given_name=name)
    await transaction.commit()
    return see_other(f"{_HERE}/{plan_id}?done=changed")


@plan_pages.post("/{plan_id}/move")
async def move_plan(transaction: Transaction, plan_id: PlanId, to: FormText = "") -> Response:
    """Move a plan by one place in the order."""
    move = workflow.move_plan(transaction.conn, transaction.principal, plan_id, up=to == "up")
    return await _change(transaction, move, _HERE)


@plan_pages.post("/{plan_id}/remove")
async def remove_plan(transaction: Transaction, plan_id: PlanId) -> Response:
    """Remove a plan with the places on it."""
    removal = workflow.remove_plan(transaction.conn, transaction.principal, plan_id)
    return await _change(transaction, removal, f"{_HERE}?done=removed")


async def _change(transaction: OpenTransaction, change: Awaitable[None], address: str) -> Response:
    await change
    await transaction.commit()
    return see_other(address)


async def _content(picture: UploadFile | None) -> tuple[bytes, str]:
    """Return the content and the name of an uploaded file; a form without one has an empty one."""
    if picture is None:
        return b"", ""
    return await picture.read(), picture.filename or ""


async def _page(request: Request, conn: AsyncConnection[Any], **values: Any) -> Response:  # noqa: ANN401 (for the template)
    placed = [place.plan_id for place in await actions.list_places(conn)]
    plans = await actions.list_plans(conn)
    return _view(request, "register/plans.html", plans=plans, placed=placed, **values)


def _plan_page(request: Request, plan: actions.Plan, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    return _view(request, "register/plan.html", plan=plan, **({"given_name": plan.name} | values))


def _view(request: Request, template: str, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    words = formatter_for(request)
    shown = {"errors": {}, "done": "", "given_name": "", "given_page": ""} | values
    too_large = DomainError(PICTURE_TOO_LARGE, most=formats.LARGEST_MB)
    return view(
        request,
        template,
        status=422 if shown["errors"] else 200,
        words=words,
        page="spaces",
        most_mb=formats.LARGEST_MB,
        longest_name=rules.LONGEST_NAME,
        too_large=error_text(too_large, words.translations),
        **shown,
    )
