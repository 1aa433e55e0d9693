"""Hash and verify passwords with Argon2id and argon2-cffi's default parameters; generate passwords."""

import asyncio
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from hubwell.access.password_policy import plain_password

_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = 2
"""Hashes at once. Each takes 64 MiB and a core; more would slow down the other requests."""
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that are not easily confused."""


def hashed(password: str, hasher: PasswordHasher = _HASHER) -> str:
    """Return the hash of a password, as it is stored."""
    return hasher.hash(plain_password(password))


def verify_password(stored: str | None, password: str, hasher: PasswordHasher = _HASHER) -> bool:
    """Return whether a password matches the stored hash.

    Without a stored hash (the login is unknown or has no password) the password is verified against a decoy,
    so that the response time does not reveal which logins exist.
    """
    decoy = _decoy(hasher)
    try:
        hasher.verify(stored or decoy, plain_password(password))
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str, hasher: PasswordHasher = _HASHER) -> bool:
    """Return whether a stored hash has other parameters than a new one would have."""
    return hasher.check_needs_rehash(stored)


def generate_password() -> str:
    """Return a random initial password: 4 groups of 5 characters, 99 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


@cache
def _decoy(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_urlsafe())


class Passwords:
    """Async wrapper of these functions: hashes in a thread, at most two at once."""

    def __init__(self, hasher: PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def hashed(self, password: str) -> str:
        """Return the hash of a password, as it is stored."""
        async with self._room:
            return await asyncio.to_thread(hashed, password, self._hasher)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether a password matches the stored hash; see `verify_password`."""
        async with self._room:
            return await asyncio.to_thread(verify_password, stored, password, self._hasher)

    def is_outdated(self, stored: str) -> bool:
        """Return whether a stored hash has other parameters than a new one would have."""
        return is_outdated(stored, self._hasher)
