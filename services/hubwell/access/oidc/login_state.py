"""State of logins that wait for the provider's response; each can be used once."""

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
"""Seconds until a login that the provider did not return is discarded."""
_MOST: Final = 5000
"""Pending logins. More than a class causes, so only a flood reaches it: the oldest are discarded then."""


@dataclass(frozen=True, slots=True)
class LoginState:
    """What the provider's response must match, and the address to redirect to after the login."""

    next: str
    began: float
    """Monotonic time in seconds."""
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """The PKCE code challenge: the verifier's SHA-256 in base64url (RFC 7636, S256)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class LoginStateStore:
    """The pending logins of one application, by the ticket in the browser's cookie. In memory only."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._pending: dict[str, LoginState] = {}

    def begin(self, next_address: str) -> tuple[str, LoginState]:
        """Begin a login; return the ticket for the browser's cookie, and the state."""
        now = self._clock()
        expired = [ticket for ticket, state in self._pending.items() if now - state.began > _LIFETIME_S]
        surplus = max(0, len(self._pending) - len(expired) - _MOST + 1)
        for ticket in (*expired, *list(self._pending)[:surplus]):
            self._pending.pop(ticket, None)
        ticket = secrets.token_urlsafe(32)
        self._pending[ticket] = LoginState(next_address, now)
        return ticket, self._pending[ticket]

    def take(self, ticket: str | None, state: str) -> LoginState:
        """Remove and return the login that a provider's response belongs to.

        Raises OidcError if there is none, if it has expired, or if `state` is not the one that was sent.
        """
        login = self._pending.pop(ticket or "", None)
        if login is None or self._clock() - login.began > _LIFETIME_S:
            raise OidcError("state")
        if not hmac.compare_digest(login.state.encode(), state.encode()):
            raise OidcError("state")
        return login
