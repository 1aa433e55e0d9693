"""The passkeys of accounts, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.access import errors
from hubwell.access.passkeys.ceremonies import Registered
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.access", "passkeys.sql")
MOST: Final = 10
"""Passkeys of one account."""
LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it."""

    id: UUID
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """A passkey that signs in: that of an account that is open and has a password."""

    id: UUID
    account_id: UUID
    attested: bytes


async def of_account(conn: AsyncConnection[Any], account_id: UUID) -> list[Passkey]:
    """Return an account's passkeys, the oldest first."""
    async with conn.cursor(row_factory=class_row(Passkey)) as cursor:
        await cursor.execute(_SQL["passkeys_of"], {"account_id": account_id})
        return await cursor.fetchall()


async def credential_ids(conn: AsyncConnection[Any], account_id: UUID) -> list[bytes]:
    """Return the ids by which authenticators know the passkeys of an account."""
    rows = await (await conn.execute(_SQL["credential_ids"], {"account_id": account_id})).fetchall()
    return [bytes(row[0]) for row in rows]


def check_name(name: str) -> str:
    """Return a passkey's name as it is stored. Raises DomainError."""
    cleaned = " ".join(name.split())
    if not cleaned or not cleaned.isprintable():
        raise DomainError(errors.PASSKEY_NAME_MISSING)
    if len(cleaned) > LONGEST_NAME:
        raise DomainError(errors.PASSKEY_NAME_LONG, most=LONGEST_NAME)
    return cleaned


async def add(
    conn: AsyncConnection[Any], account_id: UUID, name: str, new: Registered, now: datetime
) -> UUID:
    """Store a passkey and return its id. Raises DomainError for a known one, and for too many."""
    await conn.execute(_SQL["lock_account"], {"account_id": account_id})
    if len(await credential_ids(conn, account_id)) >= MOST:
        raise DomainError(errors.PASSKEYS_FULL, most=MOST)
    values = {
        "account_id": account_id,
        "credential_id": new.credential_id,
        "attested": new.attested,
        "sign_count": new.sign_count,
        "name": check_name(name),
        "now": now,
    }
    row = await (await conn.execute(_SQL["add_passkey"], values)).fetchone()
    if row is None:
        raise DomainError(errors.PASSKEY_KNOWN)
    return UUID(str(row[0]))


async def remove(conn: AsyncConnection[Any], account_id: UUID, passkey_id: UUID) -> None:
    """Delete a passkey of an account. Raises DomainError where it has none with this id."""
    values = {"account_id": account_id, "passkey_id": passkey_id}
    if (await conn.execute(_SQL["remove_passkey"], values)).rowcount == 0:
        raise DomainError(errors.PASSKEY_GONE)


async def remove_all(conn: AsyncConnection[Any], account_id: UUID) -> int:
    """Delete every passkey of an account; return how many."""
    return (await conn.execute(_SQL["remove_passkeys"], {"account_id": account_id})).rowcount


async def find(conn: AsyncConnection[Any], credential_id: bytes) -> Known | None:
    """Return the passkey with this id; None for an unknown one, and for that of a closed account."""
    async with conn.cursor(row_factory=class_row(Known)) as cursor:
        await cursor.execute(_SQL["passkey"], {"credential_id": credential_id})
        return await cursor.fetchone()


async def note_use(conn: AsyncConnection[Any], passkey_id: UUID, counter: int, now: datetime) -> bool:
    """Note a sign-in; False where the counter did not grow, as with a copy of the key."""
    values = {"passkey_id": passkey_id, "counter": counter, "now": now}
    return (await conn.execute(_SQL["note_use"], values)).rowcount > 0
