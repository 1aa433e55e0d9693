"""Signed-in browsers: the token is theirs alone, what is stored is its SHA-256."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.access.principal import Principal
from hubwell.access.rules import IDLE, LONGEST, LONGEST_WITH_CODE, mask_csrf, new_csrf
from hubwell.storage.queries import Queries
from hubwell.vocabulary import Role

_SQL: Final = Queries("hubwell.access")
_NOTE_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use of a sign-in is kept."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in of an account, as its owner sees it."""

    current: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def token_hash(token: str) -> bytes:
    """Return what is stored of a token: it is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).digest()


async def begin(
    conn: AsyncConnection[Any],
    *,
    account_id: UUID | None = None,
    person_id: UUID | None = None,
    now: datetime,
) -> str:
    """Sign an account in, or a person with a code from the kiosk; return the new token.

    What is over is cleared away on this occasion.
    """
    token = secrets.token_urlsafe(32)
    values = {
        "token_hash": token_hash(token),
        "account_id": account_id,
        "person_id": person_id,
        "csrf": new_csrf(),
        "now": now,
        "expires_at": now + (LONGEST if account_id else LONGEST_WITH_CODE),
    }
    await conn.execute(_SQL["end_old_sign_ins"], {"now": now, "idle_since": now - IDLE})
    await conn.execute(_SQL["begin_sign_in"], values)
    if account_id:
        await conn.execute(_SQL["note_sign_in"], {"account_id": account_id, "now": now})
    return token


async def end(conn: AsyncConnection[Any], token: str) -> None:
    """Sign out; a token that nobody knows is no mistake."""
    await conn.execute(_SQL["end_sign_in"], {"token_hash": token_hash(token)})


async def end_all(conn: AsyncConnection[Any], account_id: UUID, *, but: str | None = None) -> int:
    """Sign an account out everywhere, `but` in the browser with this token; return how many ended."""
    kept = token_hash(but) if but else None
    done = await conn.execute(_SQL["end_sign_ins_of_account"], {"account_id": account_id, "but": kept})
    return done.rowcount


async def all_of(
    conn: AsyncConnection[Any], account_id: UUID, token: str | None, now: datetime
) -> list[SignIn]:
    """Return an account's sign-ins, the one used last first; `token` is the current browser's."""
    values = {
        "account_id": account_id,
        "token_hash": token_hash(token or ""),
        "now": now,
        "idle_since": now - IDLE,
    }
    cursor = conn.cursor(row_factory=class_row(SignIn))
    return await (await cursor.execute(_SQL["sign_ins_of_account"], values)).fetchall()


async def principal_with(conn: AsyncConnection[Any], token: str, now: datetime) -> Principal | None:
    """Return who holds this token of a sign-in; None where it is unknown, over or of a disabled account."""
    hashed = token_hash(token)
    values = {"token_hash": hashed, "now": now, "idle_since": now - IDLE}
    cursor = conn.cursor(row_factory=dict_row)
    row = await (await cursor.execute(_SQL["principal_of_session"], values)).fetchone()
    if row is None:
        return None
    if now - row["last_seen_at"] >= _NOTE_EVERY:
        await conn.execute(_SQL["seen"], values)
    account_id, person_id = row["account_id"], row["person_id"]
    own = [Role.LEARNER] if person_id else []
    return Principal(
        roles=frozenset([Role(role) for role in row["roles"]] + own),
        account_id=account_id,
        person_id=person_id,
        name=row["name"],
        language=row["language"],
        csrf=mask_csrf(row["csrf"]),
        actor=f"account:{account_id}" if account_id else f"person:{person_id}",
    )
