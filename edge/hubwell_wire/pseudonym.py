"""Turns the number of a badge into a pseudonym, in the reader, before it is stored, sent or logged.

A plain hash of a badge number can be reversed by trying all numbers; a keyed one cannot, as long as the key
is stored apart from the data. Destroying the key of an epoch erases the link to persons for that whole epoch.
"""

import hmac
import re
from dataclasses import dataclass, field
from typing import Final

DOMAIN: Final = b"badge:v1|"
"""Separates these pseudonyms from any other use of the same key."""
TOKEN_DOMAIN: Final = b"qr:v1|"
"""The same for the QR codes that people carry on their phones: a code cannot pass for a card."""
PROOF_DOMAIN: Final = b"kiosk:v1|"
"""The same for what a kiosk proves a card or code with; no list of badges holds it."""
PSEUDONYM_BYTES: Final = 16
KEY_BYTES: Final = 32
TOKEN_PREFIX: Final = "HW1:"  # noqa: S105 - printed on every code
"""Prefix of the text of a QR code, by which a scanner recognises it."""
_TOKEN: Final = re.compile(r"[A-Z2-7]{24,64}")
"""Base 32 (RFC 4648): 24 letters are 120 bits; shorter tokens could be guessed."""
UID_BYTES: Final = (4, 7, 10)
"""Lengths of a card's number by ISO/IEC 14443-3: single, double, triple."""


@dataclass(frozen=True, slots=True)
class EpochKey:
    """The secret key of one epoch. `key` has at least 32 bytes and is not shown by `repr`.

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
    """Return the pseudonym of a badge in one epoch, 32 hex digits.

    First 128 bits of HMAC-SHA256(key, ``badge:v1|`` + uid), where `uid` are the raw bytes of the card's
    number (4, 7 or 10), not its hex text. Raises ValueError for another length, without repeating the number.
    """
    return _keyed(_badge_message(uid), epoch_key)


def proof(uid: bytes, epoch_key: EpochKey) -> str:
    """Return what shows in one epoch that a reader had the card itself and not its pseudonym, 32 hex digits.

    First 128 bits of HMAC-SHA256(key, ``kiosk:v1|badge:v1|`` + uid). Raises ValueError as `pseudonym` does.
    """
    return _keyed(PROOF_DOMAIN + _badge_message(uid), epoch_key)


def token_proof(token: str, epoch_key: EpochKey) -> str:
    """Return the same for a person's QR code. Raises ValueError as `token_pseudonym` does."""
    return _keyed(PROOF_DOMAIN + _token_message(token), epoch_key)


def token_pseudonym(token: str, epoch_key: EpochKey) -> str:
    """Return the pseudonym of a person's QR code in one epoch, 32 hex digits.

    First 128 bits of HMAC-SHA256(key, ``qr:v1|`` + token), where `token` is the code's 24 to 64 letters of
    base 32, in upper case and without the prefix ``HW1:``; lower case and the prefix are accepted. Raises
    ValueError for anything else, without repeating it.
    """
    return _keyed(_token_message(token), epoch_key)


def _badge_message(uid: bytes) -> bytes:
    if len(uid) not in UID_BYTES:
        raise ValueError(
            f"a badge number has 4, 7 or 10 bytes, got {len(uid)}; give the raw bytes, not their hex text"
        )
    return DOMAIN + uid


def _token_message(token: str) -> bytes:
    letters = token.strip().upper().removeprefix(TOKEN_PREFIX)
    if not _TOKEN.fullmatch(letters):
        raise ValueError("not a code of this hub: it has 24 to 64 letters of base 32 (A to Z, 2 to 7)")
    return TOKEN_DOMAIN + letters.encode("ascii")


def _keyed(message: bytes, epoch_key: EpochKey) -> str:
    return hmac.digest(epoch_key.key, message, "sha256")[:PSEUDONYM_BYTES].hex()
