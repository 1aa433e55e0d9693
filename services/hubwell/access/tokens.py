"""Service tokens for programs: shown once, stored as a hash, with a fixed set of roles."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.access import errors
from hubwell.access.password_policy import plain_text
from hubwell.access.principal import Principal
from hubwell.access.sessions import token_hash
from hubwell.errors import NAME_TOO_LONG, DomainError, refuse_all
from hubwell.storage.queries import Queries
from hubwell.vocabulary import Role

_SQL: Final = Queries("hubwell.access")
PREFIX: Final = "hubwell_"
"""First characters of every token, so that a leaked one can be found by a secret scanner."""
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Token:
    """A service token without its secret."""

    id: UUID
    name: str
    roles: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def add(
    conn: AsyncConnection[Any], *, name: str, roles: Iterable[Role], expires_at: datetime | None
) -> tuple[UUID, str]:
    """Create a token; return its id and the token itself, which cannot be read again.

    Raises DomainError without a name or a role, and for a name that is too long or was used before.
    """
    name, sorted_roles = plain_text(name), sorted(set(roles))
    refuse_all(
        (
            None if name else DomainError(errors.TOKEN_UNNAMED),
            None if len(name) <= _LONGEST_NAME else DomainError(NAME_TOO_LONG, most=_LONGEST_NAME),
            None if sorted_roles else DomainError(errors.ROLES_MISSING),
        )
    )
    token = PREFIX + secrets.token_urlsafe(32)
    values = {
        "name": name,
        "token_hash": token_hash(token),
        "roles": sorted_roles,
        "expires_at": expires_at,
    }
    try:
        async with conn.transaction():
            row = await (await conn.execute(_SQL["add_token"], values)).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise DomainError(errors.TOKEN_NAME_TAKEN) from error
    assert row is not None  # noqa: S101 (INSERT … RETURNING gives a row)
    return row[0], token


async def revoke(conn: AsyncConnection[Any], name: str, now: datetime) -> UUID:
    """Revoke a token; return its id. Raises DomainError if there is none of this name."""
    row = await (await conn.execute(_SQL["revoke_token"], {"name": plain_text(name), "now": now})).fetchone()
    if row is None:
        raise DomainError(errors.TOKEN_UNKNOWN)
    token_id: UUID = row[0]
    return token_id


async def list_tokens(conn: AsyncConnection[Any]) -> list[Token]:
    """Return all tokens by name, the revoked ones last."""
    cursor = conn.cursor(row_factory=class_row(Token))
    return await (await cursor.execute(_SQL["tokens"])).fetchall()


async def principal_with(conn: AsyncConnection[Any], token: str, now: datetime) -> Principal | None:
    """Return the principal of a service token; None if it is unknown, was revoked or has expired."""
    cursor = conn.cursor(row_factory=dict_row)
    values = {"token_hash": token_hash(token), "now": now}
    row = await (await cursor.execute(_SQL["principal_of_token"], values)).fetchone()
    if row is None:
        return None
    return Principal(
        frozenset(Role(role) for role in row["roles"]), name=row["name"], actor=f"token:{row['id']}"
    )
