"""Seal bytes with a passphrase: what a backup holds of the hub's secrets.

The key is made of the passphrase by Argon2id, the bytes are encrypted and authenticated by XSalsa20-Poly1305
(libsodium's secretbox): whoever has neither can read nor change them.
"""

from typing import Final

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random

_MARK: Final = b"hubwell-sealed-1\n"
_LEAST_PASSPHRASE: Final = 12
"""Characters; below that, Argon2id does not hold up a patient guesser."""


class SealError(Exception):
    """The passphrase or the file is not right; the text is a sentence."""


def seal(content: bytes, passphrase: str) -> bytes:
    """Return the sealed content. Raises SealError for a passphrase of less than 12 characters."""
    if len(passphrase) < _LEAST_PASSPHRASE:
        raise SealError(f"The passphrase needs at least {_LEAST_PASSPHRASE} characters.")
    salt = random(argon2id.SALTBYTES)
    return _MARK + salt + SecretBox(_key(passphrase, salt)).encrypt(content)


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """Return the content. Raises SealError for another passphrase, or damaged or other bytes."""
    if not sealed.startswith(_MARK):
        raise SealError("This is not the sealed part of a Hubwell backup.")
    body = sealed[len(_MARK) :]
    salt, encrypted = body[: argon2id.SALTBYTES], body[argon2id.SALTBYTES :]
    try:
        return SecretBox(_key(passphrase, salt)).decrypt(encrypted)
    except (CryptoError, ValueError) as error:
        raise SealError("The passphrase is another one, or the file is damaged.") from error


def _key(passphrase: str, salt: bytes) -> bytes:
    return argon2id.kdf(
        SecretBox.KEY_SIZE,
        passphrase.encode(),
        salt,
        opslimit=argon2id.OPSLIMIT_MODERATE,
        memlimit=argon2id.MEMLIMIT_MODERATE,
    )
