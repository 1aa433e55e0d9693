"""Turns the number of a badge into a pseudonym, in the reader, before anything is stored, sent or logged.

A plain hash of a badge number is undone by trying all numbers; a keyed one is not, as long as the key is
kept apart from the data. Destroying the key of an epoch erases the link to persons for that whole epoch.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

DOMAIN: Final = b"badge:v1|"
"""Keeps these pseudonyms apart from any other use of the same key."""
PSEUDONYM_BYTES: Final = 16
KEY_BYTES: Final = 32
UID_BYTES: Final = (4, 7, 10)
"""Lengths of a card's number by ISO/IEC 14443-3: single, double, triple."""


@dataclass(frozen=True, slots=True)
class EpochKey:
    """The secret of one epoch. `key` has at least 32 bytes and does not show in `repr`.

    Raises ValueError for a shorter key or a negative epoch.
    """

    epoch: int
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < KEY_BYTES:
            raise ValueError(f"the key of epoch {self.epoch} has {len(self.key)} bytes; it needs {KEY_BYTES}")
        if self.epoch < 0:
            raise ValueError(f"an epoch is counted from 0, got {self.epoch}")


def pseudonym(uid: bytes, epoch_key: EpochKey) -> str:
    """Return the 32 hex digits that stand for a badge in one epoch.

    First 128 bits of HMAC-SHA256(key, ``badge:v1|`` + uid), where `uid` are the raw bytes of the card's
    number (4, 7 or 10), not its hex text. Raises ValueError for another length, without repeating the number.
    """
    if len(uid) not in UID_BYTES:
        raise ValueError(
            f"a badge number has 4, 7 or 10 bytes, got {len(uid)}; give the raw bytes, not their hex text"
        )
    return hmac.digest(epoch_key.key, DOMAIN + uid, "sha256")[:PSEUDONYM_BYTES].hex()
