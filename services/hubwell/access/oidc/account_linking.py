"""Link identities of an OpenID Connect provider to accounts, by issuer and subject, never by e-mail."""

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
from hubwell.access.password_policy import plain_login
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.access")
_PREFIX: Final = "sso/"
"""Prefix of logins that come from a provider, so that they cannot be confused with local ones."""


async def account_of(conn: AsyncConnection[Any], identity: Identity) -> UUID | None:
    """Return the account of an identity, its roles updated from the groups; create it at the first login.

    Returns None if the identity has no role here: the sessions of an existing account are ended then, and no
    account is created for a new identity. Raises OidcError if the account is disabled, and if the last
    administrator would lose that role.
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
    """Add an account with the provider's name for the login, plus a suffix if that login is taken."""
    digest = hashlib.sha256(f"{identity.issuer} {identity.subject}".encode()).hexdigest()
    name = re.sub(r"[^\w.@+-]", "", plain_login(identity.login))[:80] or digest[:12]
    for login in (_PREFIX + name, f"{_PREFIX}{name}-{digest[:8]}", _PREFIX + digest[:40]):
        try:
            async with conn.transaction():
                return await accounts.add(conn, login=login, name="", password_hash=None, roles=[])
        except DomainError as error:
            if error.kind is not LOGIN_TAKEN:
                raise
    raise psycopg.errors.UniqueViolation("all logins for this identity are taken")
