"""Log in through the provider, and log out there."""

import logging
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hubwell.access.oidc.account_linking import account_of
from hubwell.access.oidc.client import REDIRECT_PATH, Provider, ScopeGuessedError, SignedIn
from hubwell.access.oidc.errors import OTHER_ACCOUNT, OidcError
from hubwell.access.oidc.login_state import CHECK_PREFIX
from hubwell.access.redirects import local_address
from hubwell.errors import error_text
from hubwell.http.database import DatabaseAwayError
from hubwell.http.dependencies import CurrentPrincipal, NewTransaction, OidcProvider
from hubwell.http.guard import PUBLIC, principal_of
from hubwell.http.session_cookie import start_session
from hubwell.web.accounts.login import login_page
from hubwell.web.accounts.provider_cookies import (
    ask_next_time,
    forget_login,
    forget_prompt,
    keep_login,
    prompt_of,
)
from hubwell.web.kit.respond import formatter_for, see_other, view

_log = logging.getLogger(__name__)
_TRIES: Final = 4

provider_signin = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@provider_signin.get("/sign-in/provider")
async def begin_at_provider(
    request: Request,
    provider: OidcProvider,
    next: str = "/",  # noqa: A002 (the name in the address)
) -> Response:
    """Send the browser to the provider."""
    if provider is None:
        return see_other("/sign-in")
    try:
        begun = await provider.begin(local_address(next), prompt_of(request))
    except OidcError as error:
        return await _refused(request, provider, error)
    answer = see_other(begun.address)
    keep_login(request, answer, begun, provider.logins.surplus(request.cookies))
    return answer


@provider_signin.get(REDIRECT_PATH)
async def back_from_provider(
    request: Request, provider: OidcProvider, principal: CurrentPrincipal, begin: NewTransaction
) -> Response:
    """Sign in the account of the provider's answer; without an answer it is the way back from signing out."""
    query = request.query_params
    state = query.get("state", "")
    if provider is None:
        return see_other("/sign-in")
    if "code" not in query and "error" not in query:
        return see_other("/sign-out")
    if state.startswith(CHECK_PREFIX):
        return view(request, "accounts/check_answer.html", page="sign-in")
    try:
        signed_in = await provider.finish(request.cookies, query)
        answer = see_other(signed_in.next)
        await _start_patiently(request, answer, begin, signed_in, principal.account_id)
    except ScopeGuessedError as error:
        answer = await begin_at_provider(request, provider, error.next)
    except OidcError as error:
        if error.failure == "state" and principal.signed_in:
            return see_other(provider.logins.next_of_used(state))
        answer = await _refused(request, provider, error)
    else:
        forget_prompt(request, answer)
    if provider.logins.was_used(state):
        forget_login(request, answer, provider.logins.cookie_name(state))
    return answer


async def _start_patiently(
    request: Request, answer: Response, begin: NewTransaction, signed_in: SignedIn, current: UUID | None
) -> None:
    """Start the session also where the database is busy: the provider's answer is spent, and comes once only.

    Raises OidcError; DatabaseAwayError after several tries, each of which waited for a connection.
    """
    for _ in range(_TRIES - 1):
        try:
            await _start(request, answer, begin, signed_in, current)
        except DatabaseAwayError:
            continue
        return
    await _start(request, answer, begin, signed_in, current)


async def _start(
    request: Request, answer: Response, begin: NewTransaction, signed_in: SignedIn, current: UUID | None
) -> None:
    """Start the session of an identity's account. Raises OidcError."""
    async with begin() as transaction:
        account_id = await account_of(transaction.conn, signed_in.identity)
        # A second tab of the same account keeps the session: ending it would void requests of the first tab.
        if account_id and account_id != current:
            await start_session(request, answer, transaction.conn, account_id=account_id)
        await transaction.commit()
    if account_id is None:
        raise OidcError("no-role")  # after the commit: roles that were lost are lost
    if not signed_in.identity.groups_known:
        _log.warning(
            "the provider withheld a person's groups: their roles stay as they were",
            extra={"action": "groups-withheld", "why": "groups-overage"},
        )


@provider_signin.get("/sign-out")
async def show_signed_out(request: Request, provider: OidcProvider) -> Response:
    """Show that this browser is signed out, and offer to sign out at the provider."""
    offered = provider is not None and await provider.sign_out_address() is not None
    name = provider.name if provider else None
    return view(request, "accounts/signed_out.html", page="sign-in", provider=name, can_leave=offered)


@provider_signin.get("/sign-out/provider")
async def sign_out_at_provider(provider: OidcProvider) -> Response:
    """Send the browser to where it signs out at the provider."""
    address = await provider.sign_out_address() if provider else None
    return see_other(address or "/sign-out")


async def _refused(request: Request, provider: Provider, error: OidcError) -> Response:
    _log.warning(
        "a sign-in through the provider was refused: %s%s",
        error.why,
        f" ({error.detail})" if error.detail else "",
        extra={"action": "sign-in-refused", "why": error.why},
    )
    is_of_account = error.failure in OTHER_ACCOUNT
    answer = login_page(
        request,
        status=error.kind.status,
        wrong=error_text(error, formatter_for(request).translations),
        can_leave_provider=is_of_account and await provider.sign_out_address() is not None,
    )
    if is_of_account and not principal_of(request).signed_in:
        ask_next_time(request, answer, "select_account")
    return answer
