"""Matches the tombstones of an erasure with the badges on this device.

A tombstone is SHA-256(salt + pseudonym), as in the contract's `Tombstone`: only a device that has the
pseudonym can match it, so the message itself identifies no person.
"""

import hashlib
from collections.abc import Collection, Sequence

from hubwell_wire.commands import Tombstone


def match_tombstones(badges: Collection[str], tombstones: Sequence[Tombstone]) -> set[str]:
    """Return the badges that one of the tombstones matches."""
    raw = [(badge, bytes.fromhex(badge)) for badge in badges]
    matches: set[str] = set()
    for tombstone in tombstones:
        salted, tag = hashlib.sha256(bytes.fromhex(tombstone.salt)), bytes.fromhex(tombstone.tag)
        for badge, pseudonym in raw:
            # The salt is hashed once per tombstone; each badge continues from a copy of that state.
            digest = salted.copy()
            digest.update(pseudonym)
            if digest.digest() == tag:
                matches.add(badge)
    return matches
