"""One's own account: password, language, where it is signed in."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from hubwell.access import accounts, codes, sessions
from hubwell.access.accounts import AccountError
from hubwell.access.errors import NotAllowedError
from hubwell.access.passwords import Passwords
from hubwell.audit import log
from hubwell.http.database import Database
from hubwell.http.guard import principal_of, require_role
from hubwell.http.rate_limits import (
    CODE_FROM_ADDRESS,
    CODE_FROM_ANYWHERE,
    SIGN_IN_OF_LOGIN,
    address_of,
    limits_of,
)
from hubwell.http.session_cookie import end_session, session_token_of, start_session
from hubwell.vocabulary import LANGUAGES, Role
from hubwell.web.accounts.text import account_mistake, short_role_names
from hubwell.web.kit.respond import formatter_for, see_other, view

Field = Annotated[str, Form()]

account = APIRouter(include_in_schema=False, prefix="/account", dependencies=[require_role(*Role)])


def _own(request: Request) -> UUID:
    """Return the principal's account. Raises NotAllowedError for programs and for those with a code."""
    account_id = principal_of(request).account_id
    if account_id is None:
        raise NotAllowedError
    return account_id


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _page(request: Request, *, done: str = "", errors: dict[str, str] | None = None) -> Response:
    own, now = _own(request), datetime.now(UTC)
    async with _database(request).connection() as conn:
        found = await accounts.get_account(conn, own)
        signed_in = await sessions.all_of(conn, own, session_token_of(request), now)
    values: dict[str, Any] = {
        "account": found,
        "sign_ins": signed_in,
        "role_names": short_role_names(formatter_for(request)),
        "done": done,
        "errors": errors or {},
    }
    return view(request, "accounts/own.html", status=422 if errors else 200, page="account", **values)


@account.get("")
async def show_account(request: Request, done: str = "") -> Response:
    """Show one's own account."""
    return await _page(request, done=done)


@account.post("/password")
async def change_password(request: Request, current: Field = "", password: Field = "") -> Response:
    """Change one's own password; every other browser is signed out, and this one gets a new token."""
    own = _own(request)
    keeper: Passwords = request.app.state.passwords
    async with _database(request).connection() as conn:
        found = await accounts.credentials(conn, account_id=own)
    if found is None or found.usable is None:
        raise NotAllowedError
    await limits_of(request).count(SIGN_IN_OF_LOGIN, found.login)
    words = formatter_for(request)
    if not await keeper.fits(found.usable, current):
        wrong = words.translations.gettext("This is not your password of now.")
        return await _page(request, errors={"current": wrong})
    try:
        accounts.check_password(password, found.login)
    except AccountError as error:
        return await _page(request, errors=account_mistake(words, error))
    hashed = await keeper.hashed(password)
    answer = see_other("/account?done=password")
    async with _database(request).connection() as conn, conn.transaction():
        await accounts.set_password(conn, own, hashed)
        await sessions.end_all(conn, own)
        await start_session(request, answer, conn, account_id=own)
        await _note(conn, request, "account.password-changed")
    return answer


@account.post("/language")
async def change_language(request: Request, language: Field = "") -> Response:
    """Choose one's own language; none of ours: that of the browser."""
    own = _own(request)
    async with _database(request).connection() as conn, conn.transaction():
        await accounts.set_language(conn, own, language if language in LANGUAGES else None)
    return see_other("/account?done=language")


@account.post("/person")
async def link_person(request: Request, code: Field = "") -> Response:
    """Say with a code from the kiosk whose account this is: from then on it shows their visits."""
    own = _own(request)
    limits, address = limits_of(request), address_of(request)
    await limits.count(CODE_FROM_ADDRESS, address)  # first: one address alone must not use up everybody's
    await limits.count(CODE_FROM_ANYWHERE)
    async with _database(request).connection() as conn, conn.transaction():
        person = await codes.redeem(conn, code)
        if person:
            await accounts.link(conn, own, person)
            await _note(conn, request, "account.linked")
    if person is None:
        wrong = formatter_for(request).translations.gettext(
            "This code is wrong, used or older than ten minutes."
        )
        return await _page(request, errors={"code": wrong})
    await limits.forget(CODE_FROM_ADDRESS, address)
    return see_other("/account?done=linked")


@account.post("/person/forget")
async def unlink_person(request: Request) -> Response:
    """Let this account be nobody's in particular; the person stays."""
    own = _own(request)
    async with _database(request).connection() as conn, conn.transaction():
        await accounts.link(conn, own, None)
        await _note(conn, request, "account.unlinked")
    return see_other("/account?done=unlinked")


@account.post("/sign-out-everywhere")
async def sign_out_everywhere(request: Request) -> Response:
    """Sign out in every browser, this one as well."""
    own = _own(request)
    answer = see_other("/sign-in")
    async with _database(request).connection() as conn, conn.transaction():
        await sessions.end_all(conn, own)
        await end_session(request, answer, conn)
    return answer


async def _note(conn: Any, request: Request, action: str) -> None:  # noqa: ANN401 (a connection of any row type)
    principal = principal_of(request)
    await log.record(conn, actor=principal.actor, action=action, subject=principal.actor)
