"""Challenges of passkeys: sealed in a cookie of the browser that asked, void after five minutes, used once.

The server remembers only which of them were used, so that a flood of begun sign-ins displaces none.
"""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import time
from typing import Final, Literal
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

LIFETIME_S: Final = 300
_CHALLENGE_BYTES: Final = 32
Purpose = Literal["add", "sign-in"]


@dataclass(frozen=True, slots=True)
class Challenge:
    """What an authenticator signs, for what, and for which account where one is signed in."""

    value: str
    purpose: Purpose
    account: str
    began: float
    """Unix time in seconds."""

    @property
    def challenge(self) -> bytes:
        """The bytes that are signed."""
        return bytes.fromhex(self.value)


class Challenges:
    """Makes and opens the challenges of one process; another process cannot open them."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._box = SecretBox(secrets.token_bytes(SecretBox.KEY_SIZE))
        self._clock = clock
        self._used: dict[str, float] = {}

    def begin(self, purpose: Purpose, account: UUID | None = None) -> tuple[Challenge, str]:
        """Return a new challenge and the sealed text of its cookie."""
        value = secrets.token_hex(_CHALLENGE_BYTES)
        challenge = Challenge(value, purpose, str(account or ""), self._clock())
        sealed = self._box.encrypt(json.dumps(asdict(challenge)).encode())
        return challenge, base64.urlsafe_b64encode(sealed).decode()

    def open(self, cookie: str, purpose: Purpose, account: UUID | None = None) -> Challenge | None:
        """Return the challenge of a cookie; None for one that is forged, void, used or for something else."""
        try:
            text = self._box.decrypt(base64.urlsafe_b64decode(cookie.encode()))
        except (ValueError, CryptoError):
            return None
        opened = Challenge(**json.loads(text))
        is_void = self._clock() - opened.began > LIFETIME_S or opened.value in self._used
        is_other = opened.purpose != purpose or opened.account != str(account or "")
        return None if is_void or is_other else opened

    def use(self, challenge: Challenge) -> bool:
        """Use a challenge up; return whether it was unused."""
        since = self._clock() - LIFETIME_S
        self._used = {value: began for value, began in self._used.items() if began > since}
        if challenge.value in self._used:
            return False
        self._used[challenge.value] = challenge.began
        return True
