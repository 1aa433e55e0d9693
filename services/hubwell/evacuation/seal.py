"""Encrypt the list of people inside for the muster stations; only both officers' key parts decrypt it.

A NaCl sealed box (X25519, XSalsa20-Poly1305). The private key is never stored: it is derived from two random
parts of 128 bits, as strong as the curve, and one part alone reveals nothing about the other.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from mnemonic import Mnemonic
from nacl.public import PrivateKey, PublicKey, SealedBox
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.storage.queries import Queries
from hubwell_wire.commands import Muster, MusterEntry, MusterSnapshot

_SQL: Final = Queries("hubwell.evacuation")
_PART_BYTES: Final = 16
NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Placeholder for the time of a person who is not inside; constant, so that an unchanged list is the same."""


class KeyParts(NamedTuple):
    """A new key pair: the public key, and the two parts of the private key, twelve BIP-39 words each."""

    public: bytes
    a: str
    b: str


def make_key_parts() -> KeyParts:
    """Generate a key pair; one part alone reveals nothing about the private key."""
    parts = [secrets.token_bytes(_PART_BYTES) for _ in "AB"]
    private = PrivateKey.from_seed(b"".join(sorted(parts)))  # sorted: officers type them in any order
    words = Mnemonic("english")
    return KeyParts(bytes(private.public_key), *map(words.to_mnemonic, parts))


async def snapshot(
    conn: AsyncConnection[Any], epochs: Sequence[int], unnamed: str, now: datetime
) -> MusterSnapshot:
    """Return all people inside, and the enrolled people who are not.

    `epochs` are those whose keys are in use; readers cannot compute pseudonyms of others. `unnamed` is the
    name of people without one, with a number for ``{n}``. People who are not inside have an empty space.
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


async def space_names(conn: AsyncConnection[Any]) -> dict[str, str]:
    """Return the names of all spaces by id."""
    rows = await (await conn.execute(_SQL["space_names"])).fetchall()
    return dict(rows)


def seal(public: bytes, content: MusterSnapshot) -> Muster:
    """Encrypt a snapshot with the public key; only the private key decrypts it."""
    sealed = SealedBox(PublicKey(public)).encrypt(content.encode())
    return Muster(v=1, type="muster", at=content.at, sealed=base64.b64encode(sealed).decode())
