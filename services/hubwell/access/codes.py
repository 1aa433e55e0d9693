"""One-time codes: a kiosk shows one after a tap; it gives access to a person's own visits without an account.

A code has 8 characters of an alphabet of 32 (2^40 possibilities), expires after ten minutes and works once; a
new code replaces the person's previous one. Only its SHA-256 is stored. The rate limits of the page that
accepts codes prevent guessing.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries
from hubwell.vocabulary import CODE_ALPHABET

LIFETIME: Final = timedelta(minutes=10)
NEW_BADGE: Final = timedelta(days=1)
"""For this time a badge opens its own visits only, where its person had been there before it."""
_LENGTH: Final = 8
_DOMAIN: Final = b"hubwell visit code 1|"
_SQL: Final = Queries("hubwell.access", "codes.sql")


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code opens: the person, and the badge that it was shown for, as far as that is known."""

    person_id: UUID
    credential_id: int | None


async def issue(conn: AsyncConnection[Any], person_id: UUID, credential_id: int | None = None) -> str:
    """Return a new code for a person, in the form ``XXXX-XXXX``; the previous one is deleted.

    `credential_id` is the badge that was held to the kiosk.
    Raises psycopg.errors.ForeignKeyViolation if the person was erased in the meantime.
    """
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(_LENGTH))
    values: dict[str, Any] = {"hash": _hash(code), "person": person_id, "credential": credential_id}
    values["until"] = datetime.now(UTC) + LIFETIME
    await conn.execute(_SQL["forget_codes"], values)
    await conn.execute(_SQL["add_code"], values)
    return f"{code[:4]}-{code[4:]}"


async def redeem(conn: AsyncConnection[Any], code: str) -> UUID | None:
    """Delete a code and return the person it belongs to; None if the code is wrong, used or expired.

    Spaces, hyphens and the case of letters are ignored.
    """
    redeemed = await redeem_of_badge(conn, code)
    return None if redeemed is None else redeemed.person_id


async def redeem_of_badge(conn: AsyncConnection[Any], code: str) -> Redeemed | None:
    """Return the same with the badge that the code was shown for."""
    typed = re.sub(r"[\s-]", "", code[:60]).upper()
    row = await (await conn.execute(_SQL["use_code"], {"hash": _hash(typed)})).fetchone()
    if row is None:
        return None
    person, expires_at, credential = row
    return Redeemed(person, credential) if expires_at > datetime.now(UTC) else None


async def is_new_badge(conn: AsyncConnection[Any], redeemed: Redeemed, now: datetime) -> bool:
    """Return whether a badge was given to a person who was there before, less than a day ago.

    Staff who give a badge out hold it first: for that day it opens its own visits only.
    """
    values = {"credential": redeemed.credential_id, "since": now - NEW_BADGE}
    row = await (await conn.execute(_SQL["is_new_badge"], values)).fetchone()
    return bool(row and row[0])


def _hash(code: str) -> bytes:
    return hashlib.sha256(_DOMAIN + code.encode()).digest()
