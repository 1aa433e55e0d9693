"""One-time codes: a kiosk shows one after a tap; with it a person sees their own visits without an account.

A code has 8 of 32 characters (2^40 possibilities), lives ten minutes and works once; a new one replaces the
one before. Only its SHA-256 is stored. Guessing is held up by the rate limits of whoever takes codes.
"""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries

LIFETIME: Final = timedelta(minutes=10)
ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0 and O, no 1 and I: nobody has to guess which one it is."""
_LENGTH: Final = 8
_DOMAIN: Final = b"hubwell visit code 1|"
_SQL: Final = Queries("hubwell.access", "codes.sql")


async def issue(conn: AsyncConnection[Any], person_id: UUID) -> str:
    """Return a new code for this person, written as ``XXXX-XXXX``; the one before stops working.

    Raises psycopg.errors.ForeignKeyViolation where the person was erased in the meantime.
    """
    code = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    values = {"hash": _hash(code), "person": person_id, "until": datetime.now(UTC) + LIFETIME}
    await conn.execute(_SQL["forget_codes"], values)
    await conn.execute(_SQL["add_code"], values)
    return f"{code[:4]}-{code[4:]}"


async def redeem(conn: AsyncConnection[Any], code: str) -> UUID | None:
    """Use up a code and return whose it is; None for a wrong, used or expired one.

    It does not matter how the code is typed: spaces, hyphens, small letters.
    """
    typed = re.sub(r"[\s-]", "", code[:60]).upper()
    row = await (await conn.execute(_SQL["use_code"], {"hash": _hash(typed)})).fetchone()
    if row is None:
        return None
    person: UUID = row[0]
    return person if row[1] > datetime.now(UTC) else None


def _hash(code: str) -> bytes:
    return hashlib.sha256(_DOMAIN + code.encode()).digest()
