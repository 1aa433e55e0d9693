"""Sign-ins that were begun at a provider and did not come back yet: each is taken out once."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from hubwell.access.oidc.errors import OidcError

_LIFETIME_S: Final = 600
_MOST: Final = 5000
"""So many at once are no class that signs in, but a flood: the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class LoginState:
    """What this sign-in must come back with, and where it leads afterwards."""

    next: str
    began: float
    """Seconds of a clock that only goes forward."""
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """The verifier's digest as PKCE sends it ahead (RFC 7636, S256)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class LoginStateStore:
    """The begun sign-ins of one application, by what their browser holds in a cookie."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._begun: dict[str, LoginState] = {}

    def begin(self, next_address: str) -> tuple[str, LoginState]:
        """Begin a sign-in; return what the browser is to hold, and the sign-in."""
        now = self._clock()
        late = [ticket for ticket, begun in self._begun.items() if now - begun.began > _LIFETIME_S]
        for ticket in (*late, *list(self._begun)[: max(0, len(self._begun) - len(late) - _MOST + 1)]):
            self._begun.pop(ticket, None)
        ticket = secrets.token_urlsafe(32)
        self._begun[ticket] = LoginState(next_address, now)
        return ticket, self._begun[ticket]

    def take(self, ticket: str | None, state: str) -> LoginState:
        """Return the sign-in that this answer belongs to, and forget it. Raises OidcError."""
        begun = self._begun.pop(ticket or "", None)
        if begun is None or self._clock() - begun.began > _LIFETIME_S:
            raise OidcError("state")
        if not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise OidcError("state")
        return begun
