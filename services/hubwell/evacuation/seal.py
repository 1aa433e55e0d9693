"""Who is inside, sealed for the edge: only the two officers' parts together open it, no device and no server.

X25519 with XSalsa20-Poly1305 as a NaCl sealed box. The private half is never stored: it is split into two
parts of which each alone is random.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from nacl.public import PrivateKey, PublicKey, SealedBox
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.storage.queries import Queries
from hubwell_wire.commands import Muster, MusterEntry, MusterSnapshot

_SQL: Final = Queries("hubwell.evacuation")
NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands for no time: of who is not inside. A constant, so that a list without news stays the same."""


class KeyParts(NamedTuple):
    """A new pair of keys: the public half, and the private one as two parts of 32 bytes (A xor B)."""

    public: bytes
    a: bytes
    b: bytes


def make_key_parts() -> KeyParts:
    """Make a pair of keys; whoever has one part knows nothing of the private half."""
    private = PrivateKey.generate()
    a = secrets.token_bytes(PrivateKey.SIZE)
    b = bytes(left ^ right for left, right in zip(bytes(private), a, strict=True))
    return KeyParts(bytes(private.public_key), a, b)


async def snapshot(
    conn: AsyncConnection[Any], epochs: Sequence[int], unnamed: str, now: datetime
) -> MusterSnapshot:
    """Return everybody inside, and everybody enrolled who is not.

    `epochs` are those whose keys are in use; pseudonyms of others no reader can make. `unnamed` says
    who has no name, with a number for ``{n}``. Who is not inside has an empty space.
    """
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["inside_now"], {"now": now, "epochs": list(epochs)})
        rows = await cursor.fetchall()
    inside, people, without_name = [], [], 0
    for row in rows:
        name = row["name"] or row["label"]
        if not name:
            without_name += 1
            name = unnamed.format(n=without_name)
        entry = MusterEntry(
            name=name,
            space=row["space_id"] or "",
            zone=row["zone"] or "",
            since=row["since"] or NEVER,
            badges=tuple(row["badges"] or ()),
        )
        if row["space_id"] is not None:
            inside.append(entry)
        elif entry.badges:
            people.append(entry)
    return MusterSnapshot(at=now, inside=tuple(inside), people=tuple(people))


def seal(public: bytes, content: MusterSnapshot) -> Muster:
    """Seal a snapshot; nobody can open it again but with the private half of this key."""
    sealed = SealedBox(PublicKey(public)).encrypt(content.encode())
    return Muster(v=1, type="muster", at=content.at, sealed=base64.b64encode(sealed).decode())
