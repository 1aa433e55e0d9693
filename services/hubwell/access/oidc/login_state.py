"""State of logins that wait for the provider's response: sealed in a cookie of its own for each of them.

The server remembers only which of them were used. So a flood of begun logins displaces none, and each tab of
a browser has its own: the name of the cookie follows from the state that the provider's response repeats.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from time import time
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from hubwell.access.oidc.errors import OidcError

LIFETIME_S: Final = 600
"""Seconds until a login that the provider did not return is void."""
CHECK_PREFIX: Final = "check."
"""Begins the state of a login by `hubwell access check`, which reads the response from the terminal."""
_COOKIE: Final = "hubwell-login-"
_SECURE_COOKIE: Final = "__Host-hubwell-login-"
"""Browsers take a cookie of this name over https only, and from no neighbouring host (RFC 6265bis, 4.1.3.2).

Such a host could else begin a login of its own, and let somebody's browser end it.
"""
_MOST_PER_BROWSER: Final = 12
"""Begun logins of one browser."""
_LARGEST_PER_BROWSER: Final = 4096
"""Characters of all their cookies: web servers take about 8,000 in the header, and there are others."""
_MOST_USED: Final = 5000
_LONGEST_NEXT: Final = 300
"""Characters of the address after the login; a longer one is replaced by the board."""


@dataclass(frozen=True, slots=True)
class LoginState:
    """What the provider's response must match, and the address to redirect to after the login."""

    state: str
    secret: str
    next: str
    began: float
    """Unix time in seconds."""
    guessed_scope: bool = False
    """Whether a scope was requested that no setting names."""

    @property
    def nonce(self) -> str:
        """The nonce of the ID token."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """The PKCE code verifier (RFC 7636): 43 characters."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The PKCE code challenge: the verifier's SHA-256 in base64url (RFC 7636, S256)."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())

    def _derived(self, purpose: str) -> str:
        return _base64url(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


class LoginStates:
    """Seals logins for browsers and opens them again, each once; void when the process ends.

    `is_https` says whether browsers reach the pages over https.
    """

    def __init__(self, clock: Callable[[], float] = time, *, is_https: bool = False) -> None:
        self._clock = clock
        self._cookie = _SECURE_COOKIE if is_https else _COOKIE
        self._box = SecretBox(secrets.token_bytes(SecretBox.KEY_SIZE))
        self._used: dict[str, LoginState] = {}

    def cookie_name(self, state: str) -> str:
        """Return the name of the cookie that belongs to a state, whatever the state holds."""
        return self._cookie + hashlib.sha256(state.encode(errors="replace")).hexdigest()[:16]

    def begin(
        self, next_address: str, *, guessed_scope: bool = False, prefix: str = ""
    ) -> tuple[str, LoginState]:
        """Begin a login; return the value of its cookie, and the login."""
        login = LoginState(
            state=prefix + secrets.token_urlsafe(24),
            secret=secrets.token_urlsafe(24),
            next=next_address if len(next_address) <= _LONGEST_NEXT else "/",
            began=self._clock(),
            guessed_scope=guessed_scope,
        )
        return _base64url(self._box.encrypt(json.dumps(asdict(login)).encode())), login

    def take(self, cookies: Mapping[str, str], state: str) -> LoginState:
        """Return the login that a provider's response belongs to, and mark it as used.

        Raises OidcError if this browser began none with this `state`, if it has expired or was used.
        """
        login = self._opened(cookies.get(self.cookie_name(state), ""))
        if login is None or not hmac.compare_digest(login.state.encode(), state.encode(errors="replace")):
            raise OidcError("state")
        if state in self._used:
            raise OidcError("state", "state-used")
        self._forget_expired()
        self._used[state] = login
        return login

    def was_used(self, state: str) -> bool:
        """Return whether the login of this state was taken, so that its cookie is of no use."""
        return state in self._used

    def next_of_used(self, state: str) -> str:
        """Return the address after a login that was used, for a browser that shows its response again."""
        login = self._used.get(state)
        return login.next if login else "/"

    def surplus(self, cookies: Mapping[str, str]) -> list[str]:
        """Return the names of login cookies that this browser does not need: void ones, and the oldest.

        There is room then for the cookie of a further login.
        """
        names = [name for name in cookies if name.startswith(self._cookie)]
        opened = {name: self._opened(cookies[name]) for name in names}
        pending = {name: login for name, login in opened.items() if login and login.state not in self._used}
        newest = sorted(pending, key=lambda name: pending[name].began, reverse=True)
        sizes = accumulate(len(name) + len(cookies[name]) for name in newest)
        fitting = [name for name, size in zip(newest, sizes, strict=True) if size <= _LARGEST_PER_BROWSER]
        return sorted({*names} - {*fitting[: _MOST_PER_BROWSER - 1]})

    def _opened(self, sealed: str) -> LoginState | None:
        """Return the login of a cookie; None if it is not one of ours or has expired."""
        try:
            login = LoginState(**json.loads(self._box.decrypt(_bytes_of(sealed))))
        except (CryptoError, ValueError, TypeError):
            return None
        return login if self._clock() - login.began <= LIFETIME_S else None

    def _forget_expired(self) -> None:
        oldest = self._clock() - LIFETIME_S
        expired = [state for state, login in self._used.items() if login.began < oldest]
        surplus = max(0, len(self._used) - len(expired) - _MOST_USED + 1)
        _drop(self._used, expired)
        _drop(self._used, list(self._used)[:surplus])


def _drop(used: dict[str, LoginState], states: Iterable[str]) -> None:
    for state in states:
        del used[state]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes_of(text: str) -> bytes:
    """Return the bytes of base64url. Raises ValueError."""
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
