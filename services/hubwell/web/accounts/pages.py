"""Accounts, for administrators: add, roles, password, disable, erase."""

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.access import accounts, kiosks, sessions
from hubwell.access.errors import ACCOUNT_UNKNOWN
from hubwell.access.password_policy import plain_login
from hubwell.access.passwords import generate_password
from hubwell.errors import DomainError, refusal_of
from hubwell.http.dependencies import (
    CurrentPrincipal,
    NewTransaction,
    OpenTransaction,
    PasswordHasher,
    ReadConnection,
    Transaction,
)
from hubwell.http.guard import principal_of, require_role
from hubwell.vocabulary import Role
from hubwell.web.accounts.text import kiosk_refusals, role_names, short_role_names
from hubwell.web.kit.forms import FormRoles, FormText, known_roles, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import accounts as workflow
from hubwell.workflows.erasure import erase_other_account

pages = APIRouter(include_in_schema=False, prefix="/accounts", dependencies=[require_role(Role.ADMIN)])


async def _list(request: Request, conn: AsyncConnection[Any], **values: Any) -> Response:  # noqa: ANN401 (for the template)
    words = formatter_for(request)
    shown = {"errors": {}, "login": "", "name": "", "chosen": [], "done": ""} | values
    return view(
        request,
        "accounts/accounts.html",
        status=422 if shown["errors"] else 200,
        page="accounts",
        accounts=await accounts.list_accounts(conn),
        misused=[
            (item, kiosk_refusals(words)[item.outcome]) for item in await kiosks.misused(conn, words.now)
        ],
        role_names=role_names(words),
        short_names=short_role_names(words),
        **shown,
    )


async def _account(
    request: Request,
    conn: AsyncConnection[Any],
    account_id: UUID,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    shown = {"errors": {}, "done": "", "new_password": ""} | values
    return view(
        request,
        "accounts/account.html",
        status=422 if shown["errors"] else 200,
        page="accounts",
        account=await accounts.get_account(conn, account_id),
        sessions=await sessions.all_of(conn, account_id, None, words.now),
        is_own=principal_of(request).account_id == account_id,
        role_names=role_names(words),
        short_names=short_role_names(words),
        **shown,
    )


async def _refused(
    request: Request, transaction: OpenTransaction, account_id: UUID, error: DomainError
) -> Response:
    """Show the refusal on the account's page, or on the list where the account does not exist any more."""
    await transaction.roll_back()
    errors = mistake(error, formatter_for(request))
    if error.kind is ACCOUNT_UNKNOWN:
        return await _list(request, transaction.conn, errors=errors)
    return await _account(request, transaction.conn, account_id, errors=errors)


@pages.get("")
async def show_accounts(request: Request, conn: ReadConnection, done: str = "") -> Response:
    """Show every account, and the form for another one."""
    return await _list(request, conn, done=done)


@pages.post("")
async def add_account(
    request: Request,
    begin: NewTransaction,
    passwords: PasswordHasher,
    login: FormText = "",
    name: FormText = "",
    roles: FormRoles = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """Add an account with a generated password, which is shown once."""
    words, chosen = formatter_for(request), known_roles(roles)
    typed = {"login": login, "name": name, "chosen": chosen}
    wrong = refusal_of(lambda: accounts.check_new(login=login, name=name, roles=chosen))
    password = generate_password()
    hashed = "" if wrong else await passwords.hashed(password)
    async with begin() as transaction:
        conn = transaction.conn
        if wrong:
            return await _list(request, conn, errors=mistake(wrong, words), **typed)
        try:
            account_id = await workflow.add(
                conn, transaction.principal, login=login, name=name, password_hash=hashed, roles=chosen
            )
        except DomainError as error:
            await transaction.roll_back()
            return await _list(request, conn, errors=mistake(error, words), **typed)
        await transaction.commit()
        return await _account(request, conn, account_id, done="added", new_password=password)


@pages.get("/{account_id}")
async def show_account(request: Request, conn: ReadConnection, account_id: UUID, done: str = "") -> Response:
    """Show an account and what can be done with it."""
    try:
        return await _account(request, conn, account_id, done=done)
    except DomainError as error:
        return await _list(request, conn, errors=mistake(error, formatter_for(request)))


@pages.post("/{account_id}/password")
async def reset_password(
    request: Request, begin: NewTransaction, passwords: PasswordHasher, account_id: UUID
) -> Response:
    """Give an account a generated password, shown once, and sign it out everywhere."""
    password = generate_password()
    hashed = await passwords.hashed(password)
    async with begin() as transaction:
        try:
            await workflow.reset_password(transaction.conn, transaction.principal, account_id, hashed)
        except DomainError as error:
            return await _refused(request, transaction, account_id, error)
        await transaction.commit()
        return await _account(request, transaction.conn, account_id, done="password", new_password=password)


@pages.post("/{account_id}/roles")
async def change_roles(
    request: Request,
    transaction: Transaction,
    account_id: UUID,
    roles: FormRoles = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """Give an account other roles."""
    change = workflow.set_roles(transaction.conn, transaction.principal, account_id, known_roles(roles))
    return await _change(request, transaction, account_id, change, done="roles")


@pages.post("/{account_id}/disable")
async def disable(request: Request, transaction: Transaction, account_id: UUID) -> Response:
    """Close an account; where it is signed in, that ends at once."""
    change = workflow.disable(transaction.conn, transaction.principal, account_id, transaction.now)
    return await _change(request, transaction, account_id, change, done="disabled")


@pages.post("/{account_id}/enable")
async def enable(request: Request, transaction: Transaction, account_id: UUID) -> Response:
    """Open an account again."""
    change = workflow.enable(transaction.conn, transaction.principal, account_id)
    return await _change(request, transaction, account_id, change, done="enabled")


async def _change(
    request: Request, transaction: OpenTransaction, account_id: UUID, change: Awaitable[None], *, done: str
) -> Response:
    try:
        await change
    except DomainError as error:
        return await _refused(request, transaction, account_id, error)
    await transaction.commit()
    return see_other(f"/accounts/{account_id}?done={done}")


@pages.get("/{account_id}/erase")
async def ask_to_erase(request: Request, conn: ReadConnection, account_id: UUID) -> Response:
    """Show what will be lost, and ask."""
    try:
        return await _erase_page(request, conn, account_id)
    except DomainError:
        return see_other("/accounts")


@pages.post("/{account_id}/erase")
async def erase(
    request: Request,
    transaction: Transaction,
    principal: CurrentPrincipal,
    account_id: UUID,
    login: FormText = "",
    person: FormText = "",
) -> Response:
    """Erase the account once its login was typed; the person it belongs to as well, if chosen."""
    _ = formatter_for(request).translations.gettext
    conn, errors = transaction.conn, {}
    try:
        account = await accounts.get_account(conn, account_id)
        if plain_login(login) != account.login:
            errors = {"login": _("Type the login exactly as shown above to confirm.")}
        else:
            erased = await erase_other_account(conn, principal, account_id, with_person=person == "yes")
            await transaction.commit(erased.facts)
            return see_other("/accounts?done=erased")
    except DomainError as error:
        if error.kind is ACCOUNT_UNKNOWN:
            return see_other("/accounts?done=erased")
        errors = mistake(error, formatter_for(request))
    await transaction.roll_back()
    return await _erase_page(request, conn, account_id, errors)


async def _erase_page(
    request: Request, conn: AsyncConnection[Any], account_id: UUID, errors: dict[str, str] | None = None
) -> Response:
    account = await accounts.get_account(conn, account_id)
    status = 422 if errors else 200
    return view(
        request, "accounts/erase.html", status=status, page="accounts", account=account, errors=errors or {}
    )
