"""The principal's own account: password, language, where it is signed in, whose visits it shows."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.access import accounts, sessions
from hubwell.access.errors import CURRENT_PASSWORD_WRONG, NOT_ALLOWED, PASSKEY_NEEDS_PASSWORD
from hubwell.access.passkeys import stored as passkeys
from hubwell.access.passkeys.relying_party import relying_party
from hubwell.errors import DomainError, error_text, refusal_of
from hubwell.http.dependencies import (
    AppSettings,
    CurrentPrincipal,
    NewTransaction,
    PasswordHasher,
    RateLimits,
    ReadConnection,
    Transaction,
)
from hubwell.http.guard import require_role
from hubwell.http.parts import parts_of
from hubwell.http.rate_limits import PASSWORD_OF_LOGIN_FROM_ADDRESS, address_of, code_limits
from hubwell.http.session_cookie import end_session, session_token_of, start_session
from hubwell.vocabulary import LANGUAGES, Role
from hubwell.web.accounts.text import short_role_names
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import accounts as workflow

account = APIRouter(include_in_schema=False, prefix="/account", dependencies=[require_role(*Role)])


async def _own_account(principal: CurrentPrincipal) -> UUID:
    return workflow.own_account(principal)


OwnAccount = Annotated[UUID, Depends(_own_account)]
"""The principal's account; programs and people with a code are refused."""
NEEDS_ACCOUNT: Final = Depends(_own_account)
"""Refuses them for every route of a router, which does not need the account itself."""


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    account_id: UUID,
    *,
    done: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    words = formatter_for(request)
    return view(
        request,
        "accounts/own.html",
        status=422 if errors else 200,
        page="account",
        account=await accounts.get_account(conn, account_id),
        passkeys=await passkeys.of_account(conn, account_id),
        party=relying_party(parts_of(request).settings),
        no_password=error_text(DomainError(PASSKEY_NEEDS_PASSWORD), words.translations),
        sessions=await sessions.all_of(conn, account_id, session_token_of(request), words.now),
        role_names=short_role_names(words),
        done=done,
        errors=errors or {},
    )


@account.get("")
async def show_account(request: Request, own: OwnAccount, conn: ReadConnection, done: str = "") -> Response:
    """Show the principal's account."""
    return await _page(request, conn, own, done=done)


@account.post("/password")
async def change_password(
    request: Request,
    own: OwnAccount,
    settings: AppSettings,
    begin: NewTransaction,
    passwords: PasswordHasher,
    limits: RateLimits,
    current: FormText = "",
    password: FormText = "",
) -> Response:
    """Change the password; every other browser is signed out, and this one gets a new token."""
    async with begin() as transaction:
        credentials = await accounts.credentials(transaction.conn, account_id=own)
        known = (settings.hub_name, (await accounts.get_account(transaction.conn, own)).name)
    if credentials is None or credentials.usable is None:
        raise DomainError(NOT_ALLOWED)
    words, errors = formatter_for(request), {}
    # Its own key: whoever tries passwords of this login elsewhere does not slow this down.
    async with limits.attempt((PASSWORD_OF_LOGIN_FROM_ADDRESS, str(own))) as attempt:
        is_valid = await passwords.verify(credentials.usable, current)
        (attempt.succeed if is_valid else attempt.fail)()
    if not is_valid:
        errors = mistake(DomainError(CURRENT_PASSWORD_WRONG), words)
    if wrong := refusal_of(lambda: accounts.check_password(password, credentials.login, known)):
        errors |= mistake(wrong, words)
    hashed = "" if errors else await passwords.hashed(password)
    async with begin() as transaction:
        if errors:
            return await _page(request, transaction.conn, own, errors=errors)
        answer = see_other("/account?done=password")
        await workflow.change_password(transaction.conn, transaction.principal, hashed)
        await start_session(request, answer, transaction.conn, account_id=own)
        await transaction.commit()
        return answer


@account.post("/language")
async def change_language(own: OwnAccount, transaction: Transaction, language: FormText = "") -> Response:
    """Choose the language of the account; any other value means that of the browser."""
    await accounts.set_language(transaction.conn, own, language if language in LANGUAGES else None)
    await transaction.commit()
    return see_other("/account?done=language")


@account.post("/person")
async def link_person(
    request: Request, own: OwnAccount, limits: RateLimits, begin: NewTransaction, code: FormText = ""
) -> Response:
    """Link the account to the person of a code from the kiosk: from then on it shows their visits."""
    words = formatter_for(request)
    errors = {"code": words.translations.gettext("This code is wrong, used or older than ten minutes.")}
    # The limit waits: the transaction begins afterwards, so that a wait holds no connection.
    async with limits.attempt(*code_limits(address_of(request))) as attempt, begin() as transaction:
        try:
            is_valid = await workflow.link_person(transaction.conn, transaction.principal, code)
        except DomainError as error:
            is_valid, errors = False, mistake(error, words)
        await transaction.commit()  # also of a code that has expired: it is used up
        if not is_valid:
            attempt.fail()
            return await _page(request, transaction.conn, own, errors=errors)
    return see_other("/account?done=linked")


@account.post("/person/forget")
async def unlink_person(transaction: Transaction) -> Response:
    """Unlink the account from its person, who stays."""
    await workflow.unlink_person(transaction.conn, transaction.principal)
    await transaction.commit()
    return see_other("/account?done=unlinked")


@account.post("/sign-out-everywhere")
async def sign_out_everywhere(request: Request, own: OwnAccount, transaction: Transaction) -> Response:
    """Sign out in every browser, this one as well."""
    answer = see_other("/sign-in")
    await sessions.end_all(transaction.conn, own)
    await end_session(request, answer, transaction.conn)
    await transaction.commit()
    return answer
