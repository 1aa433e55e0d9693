"""The first administrator: made in a browser with the code that `hubwell up` prints, while there is none."""

import hashlib
import hmac
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from hubwell.access import accounts
from hubwell.access.accounts import AccountError
from hubwell.access.passwords import Passwords
from hubwell.audit import log
from hubwell.http.database import Database
from hubwell.http.guard import PUBLIC
from hubwell.http.rate_limits import SIGN_IN_FROM_ADDRESS, address_of, limits_of
from hubwell.http.session_cookie import start_session
from hubwell.settings import Settings
from hubwell.web.accounts.text import account_mistake
from hubwell.web.kit.respond import formatter_for, see_other, view

Field = Annotated[str, Form()]

setup = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@setup.get("/setup")
async def show_setup(request: Request, code: str = "") -> Response:
    """Show the form, where the code is right and there is no administrator."""
    await limits_of(request).count(SIGN_IN_FROM_ADDRESS, address_of(request))
    if not await _is_open(request, code):
        return view(request, "accounts/setup_closed.html", status=403, page="sign-in")
    return view(request, "accounts/setup.html", page="sign-in", code=code, login="", name="", errors={})


@setup.post("/setup")
async def set_up(
    request: Request, code: Field = "", login: Field = "", name: Field = "", password: Field = ""
) -> Response:
    """Make the first administrator, and sign them in."""
    await limits_of(request).count(SIGN_IN_FROM_ADDRESS, address_of(request))
    if not await _is_open(request, code):
        return view(request, "accounts/setup_closed.html", status=403, page="sign-in")
    keeper: Passwords = request.app.state.passwords
    answer = see_other("/accounts")
    try:
        accounts.check_password(password, login)
        hashed = await keeper.hashed(password)
        database: Database = request.app.state.database
        async with database.connection() as conn, conn.transaction():
            account_id = await accounts.add_first_admin(conn, login=login, name=name, password_hash=hashed)
            await start_session(request, answer, conn, account_id=account_id)
            who = f"account:{account_id}"
            await log.record(
                conn, actor=who, action="account.added", subject=who, detail={"roles": ["admin"]}
            )
    except AccountError as error:
        errors = account_mistake(formatter_for(request), error)
        return view(
            request,
            "accounts/setup.html",
            status=422,
            page="sign-in",
            code=code,
            login=login,
            name=name,
            errors=errors,
        )
    return answer


async def _is_open(request: Request, code: str) -> bool:
    settings: Settings = request.app.state.settings
    given = hashlib.sha256(code.encode()).hexdigest()
    if not settings.setup_hash or not hmac.compare_digest(given, settings.setup_hash):
        return False
    database: Database = request.app.state.database
    async with database.connection() as conn:
        return not await accounts.has_admin(conn)
