"""Whose account somebody of a provider has: by issuer and subject, never by an e-mail address."""

import hashlib
import re
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from hubwell.access import accounts, sessions
from hubwell.access.errors import LOGIN_TAKEN
from hubwell.access.oidc.client import Identity
from hubwell.access.oidc.errors import OidcError
from hubwell.access.rules import plain_login
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.access")
_MARK: Final = "sso/"
"""How logins of a provider's accounts begin: a local one cannot be taken for such a one, nor the reverse."""


async def account_of(conn: AsyncConnection[Any], identity: Identity) -> UUID | None:
    """Return the account of this identity with the roles that its groups give now; make it at the first time.

    None where it has no role here: who lost the last one is signed out everywhere, and for a stranger nothing
    is made. Raises OidcError for an account that was closed, and where the last administrator would lose that
    role.
    """
    values = {"issuer": identity.issuer, "subject": identity.subject}
    await conn.execute(_SQL["lock_identity"], values)
    row = await (await conn.execute(_SQL["account_of_identity"], values)).fetchone()
    if row is None and not identity.roles:
        return None
    if row is not None and row[1]:
        raise OidcError("disabled")
    account_id: UUID = row[0] if row else await _add(conn, identity)
    if identity.name:
        await accounts.set_name(conn, account_id, identity.name)
    try:
        await accounts.roles_from_provider(conn, account_id, identity.roles)
    except DomainError as error:
        raise OidcError("last-admin") from error
    if await accounts.roles_of(conn, account_id):
        return account_id
    await sessions.end_all(conn, account_id)
    return None


async def _add(conn: AsyncConnection[Any], identity: Identity) -> UUID:
    account_id = await _add_account(conn, identity)
    values = {"issuer": identity.issuer, "subject": identity.subject, "account_id": account_id}
    await conn.execute(_SQL["add_identity"], values)
    return account_id


async def _add_account(conn: AsyncConnection[Any], identity: Identity) -> UUID:
    """Add an account under the name that the provider uses; with a suffix where somebody else has it."""
    digest = hashlib.sha256(f"{identity.issuer} {identity.subject}".encode()).hexdigest()
    wanted = re.sub(r"[^\w.@+-]", "", plain_login(identity.login))[:80] or digest[:12]
    for login in (_MARK + wanted, f"{_MARK}{wanted}-{digest[:8]}", _MARK + digest[:40]):
        try:
            async with conn.transaction():
                return await accounts.add(conn, login=login, name="", password_hash=None, roles=[])
        except DomainError as error:
            if error.kind is not LOGIN_TAKEN:
                raise
    raise psycopg.errors.UniqueViolation("the names of this identity are taken")
