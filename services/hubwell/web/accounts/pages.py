"""The accounts of others, for administrators: add, roles, password, close, erase."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.access import accounts, sessions
from hubwell.access.accounts import AccountError
from hubwell.access.passwords import Passwords, generate_password
from hubwell.audit import log
from hubwell.http.database import Database
from hubwell.http.guard import principal_of, require_role
from hubwell.vocabulary import Role
from hubwell.web.accounts.text import account_mistake, role_names, short_role_names
from hubwell.web.kit.respond import formatter_for, see_other, view

Field = Annotated[str, Form()]
Roles = Annotated[list[str], Form()]
_KNOWN: Final = frozenset(Role)

pages = APIRouter(include_in_schema=False, prefix="/accounts", dependencies=[require_role(Role.ADMIN)])


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _keeper(request: Request) -> Passwords:
    keeper: Passwords = request.app.state.passwords
    return keeper


def _roles(given: list[str]) -> list[Role]:
    return [Role(role) for role in given if role in _KNOWN]


async def _note(
    conn: AsyncConnection[Any], request: Request, action: str, account_id: UUID, **detail: log.Value
) -> None:
    actor = principal_of(request).actor
    await log.record(conn, actor=actor, action=action, subject=f"account:{account_id}", detail=detail)


async def _all(request: Request, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    async with _database(request).connection() as conn:
        every = await accounts.list_accounts(conn)
    words = formatter_for(request)
    shown = {"errors": {}, "login": "", "name": "", "chosen": [], "done": ""} | values
    return view(
        request,
        "accounts/all.html",
        status=422 if shown["errors"] else 200,
        page="accounts",
        accounts=every,
        role_names=role_names(words),
        short_names=short_role_names(words),
        **shown,
    )


async def _one(request: Request, account_id: UUID, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    async with _database(request).connection() as conn:
        found = await accounts.get_account(conn, account_id)
        signed_in = await sessions.all_of(conn, account_id, None, datetime.now(UTC))
    words = formatter_for(request)
    shown = {"errors": {}, "done": "", "invented": ""} | values
    return view(
        request,
        "accounts/one.html",
        status=422 if shown["errors"] else 200,
        page="accounts",
        account=found,
        sign_ins=signed_in,
        is_own=principal_of(request).account_id == account_id,
        role_names=role_names(words),
        short_names=short_role_names(words),
        **shown,
    )


@pages.get("")
async def show_accounts(request: Request, done: str = "") -> Response:
    """Show every account, and the form for another one."""
    return await _all(request, done=done)


@pages.post("")
async def add_account(request: Request, login: Field = "", name: Field = "", roles: Roles = []) -> Response:  # noqa: B006 (FastAPI copies it)
    """Add an account with an invented password, which is shown once."""
    words, chosen = formatter_for(request), _roles(roles)
    typed = {"login": login, "name": name, "chosen": chosen}
    if not chosen:
        wrong = {"roles": words.translations.gettext("Choose at least one role.")}
        return await _all(request, errors=wrong, **typed)
    password = generate_password()
    hashed = await _keeper(request).hashed(password)
    try:
        async with _database(request).connection() as conn, conn.transaction():
            added = await accounts.add(conn, login=login, name=name, password_hash=hashed, roles=chosen)
            await _note(conn, request, "account.added", added, roles=chosen)
    except AccountError as error:
        return await _all(request, errors=account_mistake(words, error), **typed)
    return await _one(request, added, done="added", invented=password)


@pages.get("/{account_id}")
async def show_account(request: Request, account_id: UUID, done: str = "") -> Response:
    """Show an account and what can be done with it."""
    try:
        return await _one(request, account_id, done=done)
    except AccountError as error:
        return await _all(request, errors=account_mistake(formatter_for(request), error))


@pages.post("/{account_id}/roles")
async def change_roles(request: Request, account_id: UUID, roles: Roles = []) -> Response:  # noqa: B006 (FastAPI copies it)
    """Give an account other roles."""
    chosen = _roles(roles)

    async def work(conn: AsyncConnection[Any]) -> None:
        await accounts.set_roles(conn, account_id, chosen)
        await _note(conn, request, "account.roles-changed", account_id, roles=chosen)

    return await _changed(request, account_id, "roles", work)


@pages.post("/{account_id}/password")
async def reset_password(request: Request, account_id: UUID) -> Response:
    """Give an account an invented password, shown once, and sign it out everywhere."""
    password = generate_password()
    hashed = await _keeper(request).hashed(password)
    try:
        async with _database(request).connection() as conn, conn.transaction():
            await accounts.set_password(conn, account_id, hashed)
            await sessions.end_all(conn, account_id)
            await _note(conn, request, "account.password-reset", account_id)
    except AccountError as error:
        return await _all(request, errors=account_mistake(formatter_for(request), error))
    return await _one(request, account_id, done="password", invented=password)


@pages.post("/{account_id}/disable")
async def disable(request: Request, account_id: UUID) -> Response:
    """Close an account; where it is signed in, that ends at once."""

    async def work(conn: AsyncConnection[Any]) -> None:
        await accounts.disable(conn, account_id, datetime.now(UTC))
        await _note(conn, request, "account.disabled", account_id)

    return await _changed(request, account_id, "disabled", work)


@pages.post("/{account_id}/enable")
async def enable(request: Request, account_id: UUID) -> Response:
    """Open an account again."""

    async def work(conn: AsyncConnection[Any]) -> None:
        await accounts.enable(conn, account_id)
        await _note(conn, request, "account.enabled", account_id)

    return await _changed(request, account_id, "enabled", work)


async def _changed(request: Request, account_id: UUID, done: str, work: Any) -> Response:  # noqa: ANN401 (see above)
    try:
        async with _database(request).connection() as conn, conn.transaction():
            await work(conn)
    except AccountError as error:
        wrong = account_mistake(formatter_for(request), error)
        show = (
            _all(request, errors=wrong)
            if error.reason == "account-unknown"
            else _one(request, account_id, errors=wrong)
        )
        return await show
    return see_other(f"/accounts/{account_id}?done={done}")
