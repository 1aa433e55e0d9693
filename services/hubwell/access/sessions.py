"""Login sessions of browsers: the cookie holds a random token, the database only its SHA-256."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.access.codes import NEW_BADGE
from hubwell.access.csrf import mask_csrf, new_csrf
from hubwell.access.principal import Principal
from hubwell.storage.queries import Queries
from hubwell.vocabulary import Role

_SQL: Final = Queries("hubwell.access")
IDLE_TIMEOUT: Final = timedelta(hours=8)
"""A session expires after this time without a request."""
LONGEST_SESSION: Final = timedelta(hours=24)
"""A session of an account expires after this time in any case."""
LONGEST_CODE_SESSION: Final = timedelta(minutes=30)
"""A session that began with a code from the kiosk expires sooner: the screen may be shared."""
_LAST_SEEN_PRECISION: Final = timedelta(minutes=1)
"""The time of the last request is written at most once in this time."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One session of an account, as its owner sees it."""

    current: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def token_hash(token: str) -> bytes:
    """Return the SHA-256 of a token, as it is stored; a random token needs no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


async def begin(
    conn: AsyncConnection[Any],
    *,
    account_id: UUID | None = None,
    person_id: UUID | None = None,
    credential_id: int | None = None,
    now: datetime,
) -> str:
    """Begin a session of an account, or of a person with a code from the kiosk; return its new token.

    `credential_id` is the badge that the code was shown for.

    Expired sessions of all accounts are deleted first.
    """
    token = secrets.token_urlsafe(32)
    values = {
        "token_hash": token_hash(token),
        "account_id": account_id,
        "person_id": person_id,
        "credential_id": credential_id,
        "csrf": new_csrf(),
        "now": now,
        "expires_at": now + (LONGEST_SESSION if account_id else LONGEST_CODE_SESSION),
    }
    await conn.execute(_SQL["end_old_sign_ins"], {"now": now, "idle_since": now - IDLE_TIMEOUT})
    await conn.execute(_SQL["begin_sign_in"], values)
    if account_id:
        await conn.execute(_SQL["note_sign_in"], {"account_id": account_id, "now": now})
    return token


async def end(conn: AsyncConnection[Any], token: str) -> None:
    """End the session with this token, if there is one."""
    await conn.execute(_SQL["end_sign_in"], {"token_hash": token_hash(token)})


async def set_language(conn: AsyncConnection[Any], token: str, language: str | None) -> None:
    """Set the language of a session, which wins over the account's and the person's; None for theirs."""
    await conn.execute(_SQL["set_session_language"], {"token_hash": token_hash(token), "language": language})


async def end_all(conn: AsyncConnection[Any], account_id: UUID, *, but: str | None = None) -> int:
    """End an account's sessions, except the one with the token `but`; return how many ended."""
    values = {"account_id": account_id, "but": token_hash(but) if but else None}
    return (await conn.execute(_SQL["end_sign_ins_of_account"], values)).rowcount


async def all_of(
    conn: AsyncConnection[Any], account_id: UUID, token: str | None, now: datetime
) -> list[SignIn]:
    """Return an account's sessions, the last used first; `token` marks the current one."""
    values = {
        "account_id": account_id,
        "token_hash": token_hash(token or ""),
        "now": now,
        "idle_since": now - IDLE_TIMEOUT,
    }
    cursor = conn.cursor(row_factory=class_row(SignIn))
    return await (await cursor.execute(_SQL["sign_ins_of_account"], values)).fetchall()


async def principal_with(
    conn: AsyncConnection[Any], token: str, now: datetime, *, seen: bool = True
) -> Principal | None:
    """Return the principal of a session; None if it is unknown, has expired or its account is disabled.

    Without `seen` this is no request: it does not keep the session from expiring.
    """
    hashed = token_hash(token)
    values = {"token_hash": hashed, "now": now, "idle_since": now - IDLE_TIMEOUT}
    values["new_since"] = now - NEW_BADGE
    cursor = conn.cursor(row_factory=dict_row)
    row = await (await cursor.execute(_SQL["principal_of_session"], values)).fetchone()
    if row is None:
        return None
    if seen and now - row["last_seen_at"] >= _LAST_SEEN_PRECISION:
        await conn.execute(_SQL["seen"], values)
    account_id, person_id = row["account_id"], row["person_id"]
    own = [Role.LEARNER] if person_id else []
    return Principal(
        roles=frozenset([Role(role) for role in row["roles"]] + own),
        account_id=account_id,
        person_id=person_id,
        only_badge=row["only_badge"],
        name=row["name"],
        language=row["language"],
        csrf=mask_csrf(row["csrf"]),
        actor=f"account:{account_id}" if account_id else f"person:{person_id}",
    )
