"""Tokens of programs, for administrators."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from hubwell.access import tokens
from hubwell.access.tokens import TokenError
from hubwell.audit import log
from hubwell.http.database import Database
from hubwell.http.guard import principal_of, require_role
from hubwell.vocabulary import Role
from hubwell.web.accounts.text import role_names, short_role_names, token_mistake
from hubwell.web.kit.respond import formatter_for, see_other, view

Field = Annotated[str, Form()]
Roles = Annotated[list[str], Form()]
_KNOWN: Final = frozenset(Role)
_DAYS: Final = ("30", "90", "365", "")
"""How long a token may count; empty: until it is revoked."""

pages = APIRouter(include_in_schema=False, prefix="/tokens", dependencies=[require_role(Role.ADMIN)])


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _page(request: Request, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    async with _database(request).connection() as conn:
        every = await tokens.list_tokens(conn)
    words = formatter_for(request)
    shown = {"errors": {}, "name": "", "chosen": [], "days": "365", "made": "", "done": ""} | values
    return view(
        request,
        "accounts/tokens.html",
        status=422 if shown["errors"] else 200,
        page="tokens",
        tokens=every,
        role_names=role_names(words),
        short_names=short_role_names(words),
        **shown,
    )


@pages.get("")
async def show_tokens(request: Request, done: str = "") -> Response:
    """Show every token, and the form for another one."""
    return await _page(request, done=done)


@pages.post("")
async def add_token(request: Request, name: Field = "", roles: Roles = [], days: Field = "365") -> Response:  # noqa: B006 (FastAPI copies it)
    """Make a token, which is shown once."""
    chosen = [Role(role) for role in roles if role in _KNOWN]
    days = days if days in _DAYS else "365"
    until = datetime.now(UTC) + timedelta(days=int(days)) if days else None
    try:
        async with _database(request).connection() as conn, conn.transaction():
            added, token = await tokens.add(conn, name=name, roles=chosen, expires_at=until)
            await log.record(
                conn,
                actor=principal_of(request).actor,
                action="token.added",
                subject=f"token:{added}",
                detail={"roles": chosen},
            )
    except TokenError as error:
        errors = token_mistake(formatter_for(request), error)
        return await _page(request, errors=errors, name=name, chosen=chosen, days=days)
    return await _page(request, made=token)


@pages.post("/revoke")
async def revoke_token(request: Request, name: Field = "") -> Response:
    """Let a token count no longer."""
    try:
        async with _database(request).connection() as conn, conn.transaction():
            revoked = await tokens.revoke(conn, name, datetime.now(UTC))
            actor = principal_of(request).actor
            await log.record(conn, actor=actor, action="token.revoked", subject=f"token:{revoked}")
    except TokenError as error:
        return await _page(request, errors=token_mistake(formatter_for(request), error))
    return see_other("/tokens?done=revoked")
