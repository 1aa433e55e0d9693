"""Link identities of an OpenID Connect provider to accounts, by issuer and subject, never by e-mail."""

import hashlib
import re
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from hubwell.access import accounts, sessions
from hubwell.access.errors import LOGIN_TAKEN
from hubwell.access.oidc.claims import Identity
from hubwell.access.oidc.errors import OidcError
from hubwell.access.password_policy import plain_login
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries
from hubwell.vocabulary import Role

_SQL: Final = Queries("hubwell.access")
_PREFIX: Final = "sso/"
"""Prefix of logins that come from a provider, so that they cannot be confused with local ones."""


async def account_of(conn: AsyncConnection[Any], identity: Identity) -> UUID | None:
    """Return the account of an identity, its roles updated from the groups; create it at the first login.

    Returns None if the identity has no role here: the sessions of an existing account are ended then, and no
    account is created for a new identity. Where the provider withheld the groups, no role is taken and no
    session ended. Raises OidcError if the account is disabled, if the last administrator would lose that
    role, and if nothing gives a role and the groups are not known.
    """
    values = {"issuer": identity.issuer, "subject": identity.subject}
    await conn.execute(_SQL["lock_identity"], values)
    row = await (await conn.execute(_SQL["account_of_identity"], values)).fetchone()
    if row is None and not identity.roles:
        if identity.groups_known:
            return None
        raise OidcError("groups-overage")
    if row is not None and row[1]:
        raise OidcError("disabled")
    account_id: UUID = row[0] if row else await _add(conn, identity)
    if identity.name:
        await accounts.set_name(conn, account_id, identity.name)
    return await _with_roles(conn, account_id, identity)


async def _with_roles(conn: AsyncConnection[Any], account_id: UUID, identity: Identity) -> UUID | None:
    """Update the account's roles from the groups; return it, or None if no role is left. Raises OidcError."""
    roles = identity.roles
    if not identity.groups_known:
        account = await accounts.get_account(conn, account_id)
        roles |= {Role(role) for role in account.provider_roles}
    try:
        await accounts.roles_from_provider(conn, account_id, roles)
    except DomainError as error:
        raise OidcError("last-admin") from error
    if await accounts.roles_of(conn, account_id):
        return account_id
    if not identity.groups_known:
        raise OidcError("groups-overage")
    await sessions.end_all(conn, account_id)
    return None


async def has_identity(conn: AsyncConnection[Any], account_id: UUID) -> bool:
    """Return whether an account belongs to an identity of a provider."""
    return (await accounts.get_account(conn, account_id)).has_identity


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
