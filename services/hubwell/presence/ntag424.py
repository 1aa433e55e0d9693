"""Read what an NTAG 424 DNA card signs at each tap (Secure Unique NFC, SUN) and check that it is genuine.

The steps and their vector are those of NXP AN12196, with encrypted PICCData, one key for both purposes and no
mirrored file data.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

PICC_BYTES: Final = 16
MAC_BYTES: Final = 8
_BLOCK: Final = 16
_TAG: Final = 0xC7
"""PICCDataTag: the card's number (7 bytes) and the counter are both there."""
_UID: Final = slice(1, 8)
_COUNTER: Final = slice(8, 11)
_SV2: Final = bytes.fromhex("3cc300010080")
"""Beginning of the session vector from which the MAC key is made (AN12196)."""


class ForgedError(Exception):
    """The message was not made by a card that holds this key.

    `uid` is what it claims to be, where that can be read at all; nothing proves it.
    """

    def __init__(self, uid: bytes | None) -> None:
        super().__init__("the card's signature does not fit its message")
        self.uid = uid


@dataclass(frozen=True, slots=True)
class SunRead:
    """A genuine message: the card's number, which is never stored or logged, and the counter of its taps."""

    uid: bytes = field(repr=False)
    counter: int


def read_sun(picc: bytes, mac: bytes, key: bytes) -> SunRead:
    """Decrypt and verify a card's message. Raises ForgedError, also for bytes that are not such a message.

    A genuine message may still be a copy: its counter has to be higher than every one before.
    """
    if len(picc) != PICC_BYTES or len(mac) != MAC_BYTES:
        raise ForgedError(None)
    plain = _decrypted(picc, key)
    if plain[0] != _TAG:
        raise ForgedError(None)
    session = _cmac(key, (_SV2 + plain[_UID] + plain[_COUNTER]).ljust(_BLOCK, b"\0"))
    if not hmac.compare_digest(_cmac(session, b"")[1::2], mac):
        raise ForgedError(plain[_UID])
    return SunRead(plain[_UID], int.from_bytes(plain[_COUNTER], "little"))


def _decrypted(block: bytes, key: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK))).decryptor()
    return decryptor.update(block) + decryptor.finalize()


def _cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()
