"""Log in with a password or through a provider, and log out."""

import logging
from math import ceil
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hubwell.access import accounts
from hubwell.access.errors import TooManyTriesError
from hubwell.access.oidc.account_linking import account_of
from hubwell.access.oidc.client import REDIRECT_PATH
from hubwell.access.oidc.errors import OidcError
from hubwell.access.password_policy import plain_login
from hubwell.access.redirects import host_of, local_address
from hubwell.errors import error_text
from hubwell.http.dependencies import (
    AppSettings,
    CurrentPrincipal,
    NewTransaction,
    OidcProvider,
    PasswordHasher,
    RateLimits,
    Transaction,
)
from hubwell.http.guard import PUBLIC
from hubwell.http.parts import parts_of
from hubwell.http.rate_limits import SIGN_IN_FROM_ADDRESS, SIGN_IN_OF_LOGIN, address_of
from hubwell.http.session_cookie import end_session, start_session
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.respond import formatter_for, see_other, view

_log = logging.getLogger(__name__)
_TICKET: Final = "hubwell-provider"
_TICKET_LIVES_S: Final = 600

signin = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


def first(request: Request) -> Response:
    """Send a browser to sign in and back here afterwards; from a form, back to the form's page."""
    return see_other("/sign-in?next=" + quote(_where(request), safe="/"))


def _where(request: Request) -> str:
    if request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        return request.url.path + query
    referer = request.headers.get("referer", "")
    here = host_of(referer) == request.headers.get("host", "").lower()
    return (urlsplit(referer).path if here else "") or "/"


def _page(
    request: Request, *, status: int = 200, login: str = "", next_: str = "/", wrong: str = ""
) -> Response:
    provider = parts_of(request).provider
    return view(
        request,
        "accounts/login.html",
        status=status,
        page="sign-in",
        login=login,
        next=local_address(next_),
        errors={"": wrong} if wrong else {},
        provider=provider.name if provider else None,
    )


@signin.get("/sign-in")
async def show_sign_in(request: Request, principal: CurrentPrincipal, next: str = "/") -> Response:  # noqa: A002 (the name in the address)
    """Show the form; redirect a browser that is signed in already."""
    if principal.account_id:
        return see_other(local_address(next))
    return _page(request, next_=next)


@signin.post("/sign-in")
async def sign_in(
    request: Request,
    limits: RateLimits,
    passwords: PasswordHasher,
    begin: NewTransaction,
    login: FormText = "",
    password: FormText = "",
    next: FormText = "/",  # noqa: A002 (the field's name)
) -> Response:
    """Sign in with a password. An unknown login and a wrong password look the same and take as long."""
    words = formatter_for(request)
    try:
        await limits.count(SIGN_IN_FROM_ADDRESS, address_of(request))
        await limits.count(SIGN_IN_OF_LOGIN, plain_login(login))
    except TooManyTriesError as error:
        wrong = error_text(error, words.translations)
        answer = _page(request, status=429, login=login, next_=next, wrong=wrong)
        answer.headers["Retry-After"] = str(ceil(error.wait.total_seconds()))
        return answer
    async with begin() as transaction:
        credentials = await accounts.credentials(transaction.conn, login=login)
    stored = credentials.usable if credentials else None
    is_valid = await passwords.verify(stored, password)
    if not (is_valid and credentials and stored):
        _log.info("a sign-in was refused", extra={"action": "sign-in-refused"})
        _ = words.translations.gettext
        wrong = _("The login or the password is wrong.")
        return _page(request, status=422, login=login, next_=next, wrong=wrong)
    newer = await passwords.hashed(password) if passwords.is_outdated(stored) else None
    answer = see_other(local_address(next))
    async with begin() as transaction:
        if newer:
            await accounts.set_password(transaction.conn, credentials.id, newer)
        await start_session(request, answer, transaction.conn, account_id=credentials.id)
        await transaction.commit()
    await limits.forget(SIGN_IN_OF_LOGIN, plain_login(login))
    return answer


@signin.post("/sign-out")
async def sign_out(request: Request, transaction: Transaction) -> Response:
    """Sign this browser out."""
    answer = see_other("/")
    await end_session(request, answer, transaction.conn)
    await transaction.commit()
    return answer


@signin.get("/sign-in/provider")
async def begin_at_provider(
    request: Request,
    provider: OidcProvider,
    limits: RateLimits,
    settings: AppSettings,
    next: str = "/",  # noqa: A002 (the name in the address)
) -> Response:
    """Send the browser to the provider."""
    if provider is None:
        return see_other("/sign-in")
    await limits.count(SIGN_IN_FROM_ADDRESS, address_of(request))
    try:
        ticket, address = await provider.begin(local_address(next))
    except OidcError as error:
        return _provider_refused(request, error)
    answer = see_other(address)
    answer.set_cookie(
        _TICKET,
        ticket,
        max_age=_TICKET_LIVES_S,
        path="/sign-in",
        secure=settings.is_https,
        httponly=True,
        samesite="lax",
    )
    return answer


@signin.get(REDIRECT_PATH)
async def back_from_provider(request: Request, provider: OidcProvider, begin: NewTransaction) -> Response:
    """Sign in the account of the provider's answer."""
    if provider is None:
        return see_other("/sign-in")
    try:
        identity, next_address = await provider.finish(request.cookies.get(_TICKET), request.query_params)
        answer = see_other(next_address)
        async with begin() as transaction:
            account_id = await account_of(transaction.conn, identity)
            if account_id:
                await start_session(request, answer, transaction.conn, account_id=account_id)
            await transaction.commit()
        if account_id is None:
            raise OidcError("no-role")  # noqa: TRY301 (after the commit: roles that were lost are lost)
    except OidcError as error:
        return _provider_refused(request, error)
    answer.delete_cookie(_TICKET, path="/sign-in")
    return answer


def _provider_refused(request: Request, error: OidcError) -> Response:
    _log.warning(
        "a sign-in through the provider was refused: %s",
        error.failure,
        extra={"action": "sign-in-refused", "why": error.failure},
    )
    answer = _page(
        request,
        status=502 if error.failure == "away" else 403,
        wrong=error_text(error, formatter_for(request).translations),
    )
    answer.delete_cookie(_TICKET, path="/sign-in")
    return answer
