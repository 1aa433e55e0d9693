"""The first administrator: made in a browser with the code that `hubwell up` prints, while there is none."""

import hashlib
import hmac
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hubwell.access import accounts
from hubwell.errors import DomainError
from hubwell.http.dependencies import (
    AppSettings,
    NewTransaction,
    OpenTransaction,
    PasswordHasher,
    RateLimits,
    ReadConnection,
)
from hubwell.http.guard import PUBLIC
from hubwell.http.rate_limits import SIGN_IN_FROM_ADDRESS, address_of
from hubwell.http.session_cookie import start_session
from hubwell.settings import Settings
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import accounts as workflow

setup = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@setup.get("/setup")
async def show_setup(
    request: Request, limits: RateLimits, settings: AppSettings, conn: ReadConnection, code: str = ""
) -> Response:
    """Show the form, where the code is right and there is no administrator."""
    await limits.count(SIGN_IN_FROM_ADDRESS, address_of(request))
    if not _is_right(code, settings) or await accounts.has_admin(conn):
        return _closed(request)
    return _form(request, code)


@setup.post("/setup")
async def set_up(
    request: Request,
    limits: RateLimits,
    settings: AppSettings,
    passwords: PasswordHasher,
    begin: NewTransaction,
    code: FormText = "",
    login: FormText = "",
    name: FormText = "",
    password: FormText = "",
) -> Response:
    """Make the first administrator, and sign them in."""
    await limits.count(SIGN_IN_FROM_ADDRESS, address_of(request))
    if not _is_right(code, settings) or await _has_admin(begin):
        return _closed(request)
    try:
        accounts.check_password(password, login)
        hashed = await passwords.hashed(password)
        async with begin() as transaction:
            return await _add(request, transaction, login=login, name=name, password_hash=hashed)
    except DomainError as error:
        errors = mistake(error, formatter_for(request))
        return _form(request, code, status=422, login=login, name=name, errors=errors)


async def _has_admin(begin: NewTransaction) -> bool:
    async with begin() as transaction:
        return await accounts.has_admin(transaction.conn)


async def _add(
    request: Request, transaction: OpenTransaction, *, login: str, name: str, password_hash: str
) -> Response:
    conn, answer = transaction.conn, see_other("/accounts")
    account_id = await workflow.add_first_admin(conn, login=login, name=name, password_hash=password_hash)
    await start_session(request, answer, conn, account_id=account_id)
    await transaction.commit()
    return answer


def _form(
    request: Request,
    code: str,
    *,
    status: int = 200,
    login: str = "",
    name: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    values: dict[str, Any] = {"code": code, "login": login, "name": name, "errors": errors or {}}
    return view(request, "accounts/setup.html", status=status, page="sign-in", **values)


def _closed(request: Request) -> Response:
    return view(request, "accounts/setup_closed.html", status=403, page="sign-in")


def _is_right(code: str, settings: Settings) -> bool:
    digest = hashlib.sha256(code.encode()).hexdigest()
    return bool(settings.setup_hash) and hmac.compare_digest(digest, settings.setup_hash)
