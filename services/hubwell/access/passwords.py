"""Passwords: hashed with Argon2id and the library's parameters, hashed anew when those change."""

import asyncio
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from hubwell.access.rules import plain_password

_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = 2
"""Each takes 64 MiB and a core for a moment: many at once shall not stop the server."""
_WORDS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for each other."""


def hashed(password: str, hasher: PasswordHasher = _HASHER) -> str:
    """Return what is stored of a password."""
    return hasher.hash(plain_password(password))


def verify_password(stored: str | None, password: str, hasher: PasswordHasher = _HASHER) -> bool:
    """Tell whether a password is the stored one.

    Without a stored one (nobody has this login, or no password) the same work is done, so that the time of
    the answer tells nothing.
    """
    decoy = _decoy(hasher)
    try:
        hasher.verify(stored or decoy, plain_password(password))
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str, hasher: PasswordHasher = _HASHER) -> bool:
    """Tell whether the library hashes with other parameters by now."""
    return hasher.check_needs_rehash(stored)


def generate_password() -> str:
    """Return a password for somebody else to type once: 20 characters, 98 bits."""
    return "-".join("".join(secrets.choice(_WORDS) for _ in range(5)) for _ in range(4))


@cache
def _decoy(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_urlsafe())


class Passwords:
    """The same beside the event loop, two at a time; `hasher` has the library's parameters unless given."""

    def __init__(self, hasher: PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def hashed(self, password: str) -> str:
        """Return what is stored of a password."""
        async with self._room:
            return await asyncio.to_thread(hashed, password, self._hasher)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Tell whether a password is the stored one; see `fits`."""
        async with self._room:
            return await asyncio.to_thread(verify_password, stored, password, self._hasher)

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a stored password has other parameters than new ones get."""
        return is_outdated(stored, self._hasher)
