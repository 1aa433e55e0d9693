"""Tokens of programs, for administrators."""

from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.access import tokens
from hubwell.errors import DomainError
from hubwell.http.dependencies import ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.vocabulary import Role
from hubwell.web.accounts.text import role_names, short_role_names
from hubwell.web.kit.forms import FormRoles, FormText, known_roles, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import accounts as workflow

_DAYS: Final = ("30", "90", "365", "")
"""How long a token may be valid; empty: until it is revoked."""

pages = APIRouter(include_in_schema=False, prefix="/tokens", dependencies=[require_role(Role.ADMIN)])


async def _page(request: Request, conn: AsyncConnection[Any], **values: Any) -> Response:  # noqa: ANN401 (for the template)
    words = formatter_for(request)
    shown = {"errors": {}, "name": "", "chosen": [], "days": "365", "new_token": "", "done": ""} | values
    return view(
        request,
        "accounts/tokens.html",
        status=422 if shown["errors"] else 200,
        page="tokens",
        tokens=await tokens.list_tokens(conn),
        role_names=role_names(words),
        short_names=short_role_names(words),
        **shown,
    )


@pages.get("")
async def show_tokens(request: Request, conn: ReadConnection, done: str = "") -> Response:
    """Show every token, and the form for another one."""
    return await _page(request, conn, done=done)


@pages.post("")
async def add_token(
    request: Request,
    transaction: Transaction,
    name: FormText = "",
    roles: FormRoles = [],  # noqa: B006 (FastAPI copies it)
    days: FormText = "365",
) -> Response:
    """Make a token, which is shown once."""
    chosen = known_roles(roles)
    days = days if days in _DAYS else "365"
    until = transaction.now + timedelta(days=int(days)) if days else None
    conn = transaction.conn
    try:
        _, token = await workflow.add_token(
            conn, transaction.principal, name=name, roles=chosen, expires_at=until
        )
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _page(request, conn, errors=errors, name=name, chosen=chosen, days=days)
    await transaction.commit()
    return await _page(request, conn, new_token=token)


@pages.post("/revoke")
async def revoke_token(request: Request, transaction: Transaction, name: FormText = "") -> Response:
    """Revoke a token; requests with it are refused from now on."""
    try:
        await workflow.revoke_token(transaction.conn, transaction.principal, name, transaction.now)
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _page(request, transaction.conn, errors=errors)
    await transaction.commit()
    return see_other("/tokens?done=revoked")
