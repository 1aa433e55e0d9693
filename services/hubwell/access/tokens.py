"""Tokens of programs: shown once, stored as a hash, with exactly the roles they were made with."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.access.principal import Principal
from hubwell.access.rules import plain_text
from hubwell.access.sessions import token_hash
from hubwell.storage.queries import Queries
from hubwell.vocabulary import Role

_SQL: Final = Queries("hubwell.access")
PREFIX: Final = "hubwell_"
"""How every token begins, so that one that leaked into a file can be found."""


class TokenError(ValueError):
    """A token cannot be made or revoked; the sentence says why. `reason` is for translating it."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Token:
    """A program's token, without its secret."""

    id: UUID
    name: str
    roles: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def add(
    conn: AsyncConnection[Any], *, name: str, roles: Iterable[Role], expires_at: datetime | None
) -> tuple[UUID, str]:
    """Make a token; return its id and the token itself, which cannot be shown again. Raises TokenError."""
    name, wanted = plain_text(name), sorted(set(roles))
    if not name:
        raise TokenError("token-unnamed", "a token needs a name that says which program uses it")
    if not wanted:
        raise TokenError("roles-missing", "a token needs at least one role")
    token = PREFIX + secrets.token_urlsafe(32)
    values = {"name": name, "token_hash": token_hash(token), "roles": wanted, "expires_at": expires_at}
    try:
        async with conn.transaction():
            row = await (await conn.execute(_SQL["add_token"], values)).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise TokenError(
            "token-name-taken", f"there was a token {name!r} already: choose another name"
        ) from error
    assert row is not None  # noqa: S101 (INSERT … RETURNING gives a row)
    return row[0], token


async def revoke(conn: AsyncConnection[Any], name: str, now: datetime) -> UUID:
    """Let a token be valid no longer; return its id. Raises TokenError."""
    row = await (await conn.execute(_SQL["revoke_token"], {"name": plain_text(name), "now": now})).fetchone()
    if row is None:
        raise TokenError("token-unknown", f"there is no token {name!r}; `hubwell token list` shows them")
    revoked: UUID = row[0]
    return revoked


async def list_tokens(conn: AsyncConnection[Any]) -> list[Token]:
    """Return all tokens, the revoked ones last."""
    cursor = conn.cursor(row_factory=class_row(Token))
    return await (await cursor.execute(_SQL["tokens"])).fetchall()


async def principal_with(conn: AsyncConnection[Any], token: str, now: datetime) -> Principal | None:
    """Return the program that holds this token; None where it is unknown, revoked or over."""
    cursor = conn.cursor(row_factory=dict_row)
    values = {"token_hash": token_hash(token), "now": now}
    row = await (await cursor.execute(_SQL["principal_of_token"], values)).fetchone()
    if row is None:
        return None
    return Principal(
        frozenset(Role(role) for role in row["roles"]), name=row["name"], actor=f"token:{row['id']}"
    )
