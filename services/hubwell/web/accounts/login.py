"""In and out: with a password, or through a provider."""

import logging
from math import ceil
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from hubwell.access import accounts, passwords
from hubwell.access.errors import TooManyTriesError
from hubwell.access.oidc.account_linking import account_of
from hubwell.access.oidc.client import BACK, Provider
from hubwell.access.oidc.errors import OidcError
from hubwell.access.passwords import Passwords
from hubwell.access.rules import host_of, local_address, plain_login
from hubwell.http.database import Database
from hubwell.http.guard import PUBLIC, principal_of
from hubwell.http.rate_limits import SIGN_IN_FROM_ADDRESS, SIGN_IN_OF_LOGIN, address_of, limits_of
from hubwell.http.session_cookie import end_session, start_session
from hubwell.settings import Settings
from hubwell.web.accounts.text import provider_doubt, wait
from hubwell.web.kit.respond import formatter_for, see_other, view

_log = logging.getLogger(__name__)
_TICKET: Final = "hubwell-provider"
_TICKET_LIVES_S: Final = 600
Field = Annotated[str, Form()]

signin = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


def first(request: Request) -> Response:
    """Send a browser to sign in and back here afterwards; from a form, back to the page it stood on."""
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
    provider: Provider | None = request.app.state.provider
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
async def show_sign_in(request: Request, next: str = "/") -> Response:  # noqa: A002 (the name in the address)
    """Show the form; whoever is signed in already goes on."""
    if principal_of(request).account_id:
        return see_other(local_address(next))
    return _page(request, next_=next)


@signin.post("/sign-in")
async def sign_in(
    request: Request,
    login: Field = "",
    password: Field = "",
    next: Field = "/",  # noqa: A002 (the field's name)
) -> Response:
    """Sign in with a password. An unknown login and a wrong password look the same and take as long."""
    limits = limits_of(request)
    try:
        await limits.count(SIGN_IN_FROM_ADDRESS, address_of(request))
        await limits.count(SIGN_IN_OF_LOGIN, plain_login(login))
    except TooManyTriesError as error:
        answer = _page(
            request, status=429, login=login, next_=next, wrong=wait(formatter_for(request), error.wait)
        )
        answer.headers["Retry-After"] = str(ceil(error.wait.total_seconds()))
        return answer
    database: Database = request.app.state.database
    keeper: Passwords = request.app.state.passwords
    async with database.connection() as conn:
        found = await accounts.credentials(conn, login=login)
    stored = found.usable if found else None
    fits = await keeper.fits(stored, password)
    if not (fits and found and stored):
        _log.info("a sign-in was refused", extra={"action": "sign-in-refused"})
        _ = formatter_for(request).translations.gettext
        wrong = _("This login and this password do not belong together.")
        return _page(request, status=422, login=login, next_=next, wrong=wrong)
    newer = await keeper.hashed(password) if passwords.is_outdated(stored) else None
    answer = see_other(local_address(next))
    async with database.connection() as conn, conn.transaction():
        if newer:
            await accounts.set_password(conn, found.id, newer)
        await start_session(request, answer, conn, account_id=found.id)
    await limits.forget(SIGN_IN_OF_LOGIN, plain_login(login))
    return answer


@signin.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Sign this browser out."""
    answer = see_other("/")
    database: Database = request.app.state.database
    async with database.connection() as conn:
        await end_session(request, answer, conn)
    return answer


@signin.get("/sign-in/provider")
async def begin_at_provider(request: Request, next: str = "/") -> Response:  # noqa: A002 (the name in the address)
    """Send the browser to the provider."""
    provider: Provider | None = request.app.state.provider
    if provider is None:
        return see_other("/sign-in")
    await limits_of(request).count(SIGN_IN_FROM_ADDRESS, address_of(request))
    try:
        ticket, address = await provider.begin(local_address(next))
    except OidcError as error:
        return _doubtful(request, error)
    answer = see_other(address)
    settings: Settings = request.app.state.settings
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


@signin.get(BACK)
async def back_from_provider(request: Request) -> Response:
    """Take what the provider says about who came back."""
    provider: Provider | None = request.app.state.provider
    if provider is None:
        return see_other("/sign-in")
    database: Database = request.app.state.database
    try:
        identity, next_address = await provider.finish(request.cookies.get(_TICKET), request.query_params)
        answer = see_other(next_address)
        async with database.connection() as conn, conn.transaction():
            account_id = await account_of(conn, identity)
            if account_id:
                await start_session(request, answer, conn, account_id=account_id)
        if account_id is None:
            raise OidcError("no-role")  # noqa: TRY301 (after the commit: roles that were lost are lost)
    except OidcError as error:
        return _doubtful(request, error)
    answer.delete_cookie(_TICKET, path="/sign-in")
    return answer


def _doubtful(request: Request, error: OidcError) -> Response:
    _log.warning(
        "a sign-in through the provider was refused: %s",
        error,
        extra={"action": "sign-in-refused", "why": error.why},
    )
    answer = _page(
        request,
        status=502 if error.why == "away" else 403,
        wrong=provider_doubt(formatter_for(request), error),
    )
    answer.delete_cookie(_TICKET, path="/sign-in")
    return answer
