"""Log in with a password, and log out."""

import logging
from math import ceil
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hubwell.access import accounts
from hubwell.access.errors import TooManyTriesError
from hubwell.access.oidc.account_linking import has_identity
from hubwell.access.passkeys.relying_party import relying_party
from hubwell.access.password_policy import plain_login
from hubwell.access.redirects import host_of, local_address
from hubwell.errors import error_text
from hubwell.http.dependencies import (
    CurrentPrincipal,
    NewTransaction,
    OidcProvider,
    PasswordHasher,
    RateLimits,
    Transaction,
)
from hubwell.http.guard import PUBLIC
from hubwell.http.parts import parts_of
from hubwell.http.rate_limits import address_of, password_limits
from hubwell.http.session_cookie import end_session, start_session
from hubwell.web.accounts.provider_cookies import ask_next_time
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.respond import formatter_for, see_other, view

_log = logging.getLogger(__name__)

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


def login_page(
    request: Request,
    *,
    status: int = 200,
    login: str = "",
    next_: str = "/",
    wrong: str = "",
    can_leave_provider: bool = False,
) -> Response:
    """Render the form, with a link to the provider where there is one, and one to sign out there."""
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
        can_leave_provider=can_leave_provider,
        party=relying_party(parts_of(request).settings),
    )


@signin.get("/sign-in")
async def show_sign_in(request: Request, principal: CurrentPrincipal, next: str = "/") -> Response:  # noqa: A002 (the name in the address)
    """Show the form; redirect a browser that is signed in already."""
    if principal.account_id:
        return see_other(local_address(next))
    return login_page(request, next_=next)


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
    keys = password_limits(plain_login(login), address_of(request))
    try:
        async with limits.attempt(*keys) as attempt:
            async with begin() as transaction:
                credentials = await accounts.credentials(transaction.conn, login=login)
            stored = credentials.usable if credentials else None
            is_valid = await passwords.verify(stored, password)
            if not (is_valid and credentials and stored):
                attempt.fail()
                _log.info("a sign-in was refused", extra={"action": "sign-in-refused", "why": "password"})
                return _refused(request, login=login, next_=next, is_held_up=attempt.is_held_up)
            attempt.succeed()
    except TooManyTriesError as error:
        wrong = error_text(error, words.translations)
        answer = login_page(request, status=429, login=login, next_=next, wrong=wrong)
        answer.headers["Retry-After"] = str(ceil(error.wait.total_seconds()))
        return answer
    newer = await passwords.hashed(password) if passwords.is_outdated(stored) else None
    answer = see_other(local_address(next))
    async with begin() as transaction:
        if newer:
            await accounts.set_password(transaction.conn, credentials.id, newer)
        await start_session(request, answer, transaction.conn, account_id=credentials.id)
        await transaction.commit()
    return answer


def _refused(request: Request, *, login: str, next_: str, is_held_up: bool) -> Response:
    _ = formatter_for(request).translations.gettext
    if not is_held_up:
        wrong = _("The login or the password is wrong.")
        return login_page(request, status=422, login=login, next_=next_, wrong=wrong)
    wrong = _("The login or the password is wrong. There were many attempts, so each takes a moment longer.")
    answer = login_page(request, status=429, login=login, next_=next_, wrong=wrong)
    answer.headers["Retry-After"] = "2"
    return answer


@signin.post("/sign-out")
async def sign_out(request: Request, transaction: Transaction, provider: OidcProvider) -> Response:
    """Sign this browser out; who came from a provider is asked whether to sign out there too."""
    account_id = transaction.principal.account_id
    came_from_there = (
        provider is not None and account_id is not None and await has_identity(transaction.conn, account_id)
    )
    answer = see_other("/sign-out" if came_from_there else "/")
    await end_session(request, answer, transaction.conn)
    await transaction.commit()
    if came_from_there:
        ask_next_time(request, answer, "login")
    return answer
