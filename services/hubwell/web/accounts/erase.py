"""Erase an account, for good; on wish with the person it belongs to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from hubwell.access import accounts
from hubwell.access.accounts import AccountError
from hubwell.access.rules import plain_login
from hubwell.audit import log
from hubwell.http.database import Database
from hubwell.http.guard import principal_of, require_role
from hubwell.privacy.erasure import erase_person
from hubwell.vocabulary import Role
from hubwell.web.kit.respond import formatter_for, see_other, view

Field = Annotated[str, Form()]

pages = APIRouter(include_in_schema=False, prefix="/accounts", dependencies=[require_role(Role.ADMIN)])


async def _page(request: Request, account_id: UUID, errors: dict[str, str]) -> Response:
    database: Database = request.app.state.database
    try:
        async with database.connection() as conn:
            found = await accounts.get_account(conn, account_id)
    except AccountError:
        return see_other("/accounts")
    status = 422 if errors else 200
    return view(request, "accounts/erase.html", status=status, page="accounts", account=found, errors=errors)


@pages.get("/{account_id}/erase")
async def ask_to_erase(request: Request, account_id: UUID) -> Response:
    """Say what will be lost, and ask."""
    return await _page(request, account_id, {})


@pages.post("/{account_id}/erase")
async def erase(request: Request, account_id: UUID, login: Field = "", person: Field = "") -> Response:
    """Erase the account once its login was typed."""
    _ = formatter_for(request).translations.gettext
    principal = principal_of(request)
    if principal.account_id == account_id:
        return await _page(request, account_id, {"": _("Another administrator can erase your account.")})
    database: Database = request.app.state.database
    try:
        async with database.connection() as conn, conn.transaction():
            found = await accounts.get_account(conn, account_id)
            if plain_login(login) != found.login:
                wrong = _("Type the login as it stands above, to confirm.")
                return await _page(request, account_id, {"login": wrong})
            person_id = await accounts.erase(conn, account_id)
            subject = f"account:{account_id}"
            await log.record(conn, actor=principal.actor, action="account.erased", subject=subject)
            if person_id and person == "yes":
                await erase_person(conn, person_id, actor=principal.actor)
    except AccountError as error:
        if error.reason == "account-unknown":
            return see_other("/accounts?done=erased")
        return await _page(
            request, account_id, {"": _("This is the last administrator. Make another one first.")}
        )
    return see_other("/accounts?done=erased")
