"""One-time codes: a kiosk shows one after a tap; it gives access to a person's own visits without an account.

A code has 8 characters of an alphabet of 32 (2^40 possibilities), expires after ten minutes and works once; a
new code replaces the person's previous one. Only its SHA-256 is stored. The rate limits of the page that
accepts codes prevent guessing.
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
"""Without 0 and O, 1 and I, which are easily confused."""
_LENGTH: Final = 8
_DOMAIN: Final = b"hubwell visit code 1|"
_SQL: Final = Queries("hubwell.access", "codes.sql")


async def issue(conn: AsyncConnection[Any], person_id: UUID) -> str:
    """Return a new code for a person, in the form ``XXXX-XXXX``; the previous one is deleted.

    Raises psycopg.errors.ForeignKeyViolation if the person was erased in the meantime.
    """
    code = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    values = {"hash": _hash(code), "person": person_id, "until": datetime.now(UTC) + LIFETIME}
    await conn.execute(_SQL["forget_codes"], values)
    await conn.execute(_SQL["add_code"], values)
    return f"{code[:4]}-{code[4:]}"


async def redeem(conn: AsyncConnection[Any], code: str) -> UUID | None:
    """Delete a code and return the person it belongs to; None if the code is wrong, used or expired.

    Spaces, hyphens and the case of letters are ignored.
    """
    typed = re.sub(r"[\s-]", "", code[:60]).upper()
    row = await (await conn.execute(_SQL["use_code"], {"hash": _hash(typed)})).fetchone()
    if row is None:
        return None
    person: UUID = row[0]
    return person if row[1] > datetime.now(UTC) else None


def _hash(code: str) -> bytes:
    return hashlib.sha256(_DOMAIN + code.encode()).digest()
