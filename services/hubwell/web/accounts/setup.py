"""The first start: the first administrator and the hub itself, with a code, while there is none."""

import hashlib
import hmac
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hubwell.access import accounts
from hubwell.errors import DomainError, refusal_of, refuse_all
from hubwell.http.dependencies import (
    AppSettings,
    NewTransaction,
    PasswordHasher,
    ReadConnection,
    SharedSettings,
)
from hubwell.http.guard import PUBLIC
from hubwell.http.session_cookie import start_session
from hubwell.hub_profile import rules
from hubwell.keys import Keys
from hubwell.settings import Settings
from hubwell.web.hub.forms import shown_fields, typed_fields
from hubwell.web.hub.text import OWN_ROLES, own_roles
from hubwell.web.kit.forms import FormRoles, FormText, known_roles, mistake
from hubwell.web.kit.language import language_of
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import hub as workflow
from hubwell.workflows.accounts import own_account

setup = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@setup.get("/setup")
async def show_setup(
    request: Request, settings: AppSettings, hub: SharedSettings, conn: ReadConnection, code: str = ""
) -> Response:
    """Show the form, where the code is right and there is no administrator.

    Without a limit, so that nobody can keep the operator out: the code has 144 bits.
    """
    if not _is_right(code, settings) or await accounts.has_admin(conn):
        return _closed(request)
    asked = {"language": language_of(request)}
    return _form(request, code, **shown_fields(settings, hub.installation, asked))


@setup.post("/setup")
async def set_up(
    request: Request,
    settings: AppSettings,
    hub: SharedSettings,
    passwords: PasswordHasher,
    begin: NewTransaction,
    code: FormText = "",
    login: FormText = "",
    name: FormText = "",
    password: FormText = "",
    roles: FormRoles = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """Make the first administrator, set the hub's fields, and sign them in."""
    if not _is_right(code, settings) or await _has_admin(begin):
        return _closed(request)
    typed = typed_fields(await request.form())
    chosen = [role for role in known_roles(roles) if role in OWN_ROLES]
    hub_name = typed.get("hub_name", settings.hub_name)
    try:
        refuse_all(
            (
                refusal_of(
                    lambda: accounts.check_new(login=login, name=name, password=password, hub_name=hub_name)
                ),
                refusal_of(lambda: rules.checked(typed, hub.installation)),
            )
        )
        hashed = await passwords.hashed(password)
        async with begin() as transaction:
            answer, conn = see_other("/start"), transaction.conn
            admin, facts = await workflow.set_up(
                conn,
                login=login,
                name=name,
                password_hash=hashed,
                roles=chosen,
                values=typed,
                installation=hub.installation,
            )
            await start_session(request, answer, conn, account_id=own_account(admin))
            await transaction.commit(facts)
            await hub.read(conn)
            return answer
    except DomainError as error:
        shown = shown_fields(settings, hub.installation, typed)
        errors = mistake(error, formatter_for(request))
        return _form(request, code, status=422, login=login, name=name, chosen=chosen, errors=errors, **shown)


async def _has_admin(begin: NewTransaction) -> bool:
    async with begin() as transaction:
        return await accounts.has_admin(transaction.conn)


def _form(request: Request, code: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 (for the template)
    shown: dict[str, Any] = {"login": "", "name": "", "chosen": [], "errors": {}} | values
    own = own_roles(formatter_for(request))
    answer = view(
        request, "accounts/setup.html", status=status, page="sign-in", code=code, own_roles=own, **shown
    )
    answer.headers["Cache-Control"] = "no-store"  # the code is in it
    return answer


def _closed(request: Request) -> Response:
    answer = view(request, "accounts/setup_closed.html", status=403, page="sign-in")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_right(code: str, settings: Settings) -> bool:
    """Compare with the code of `hubwell up`, which is in the settings, and that of `hubwell account link`."""
    digest = hashlib.sha256(code.encode()).hexdigest()
    kept = {settings.setup_hash, Keys(settings.keys_dir).setup_hash()} - {""}
    return any(hmac.compare_digest(digest, right) for right in kept)
