"""Who is to be forgotten: badges are found by their salted tags, so that a message names nobody.

SHA-256(salt + pseudonym), as the contract's `Tombstone` says. Whoever holds the pseudonym recognises it.
"""

import hashlib
from collections.abc import Collection, Sequence

from hubwell_wire.commands import Tombstone


def match_tombstones(badges: Collection[str], graves: Sequence[Tombstone]) -> set[str]:
    """Return those of the badges that a grave means."""
    raw = [(badge, bytes.fromhex(badge)) for badge in badges]
    found: set[str] = set()
    for grave in graves:
        salted, tag = hashlib.sha256(bytes.fromhex(grave.salt)), bytes.fromhex(grave.tag)
        for badge, pseudonym in raw:
            mix = salted.copy()
            mix.update(pseudonym)
            if mix.digest() == tag:
                found.add(badge)
    return found
