"""Protection against cross-site request forgery: a token per session, and the origin of a form."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from hubwell.access.redirects import host_of

_TOKEN_BYTES: Final = 32


def new_csrf() -> str:
    """Return a new CSRF token for a session."""
    return urlsafe_b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode()


def mask_csrf(csrf: str) -> str:
    """Return the CSRF token XORed with a random pad, so that it differs in every page.

    Pages are compressed: from their length, a constant secret beside text that an attacker chooses could be
    guessed (the BREACH attack).
    """
    secret = urlsafe_b64decode(csrf)
    pad = secrets.token_bytes(len(secret))
    return urlsafe_b64encode(pad + _xor(pad, secret)).decode()


def csrf_matches(presented: str, csrf: str) -> bool:
    """Return whether a form sent the session's CSRF token, masked or plain; compares in constant time."""
    try:
        return hmac.compare_digest(_unmasked(presented), _unmasked(csrf))
    except ValueError:
        return False


def is_same_origin(fetch_site: str | None, origin: str | None, hosts: frozenset[str]) -> bool:
    """Return whether a form was sent from a page of this site.

    `fetch_site` and `origin` are the headers Sec-Fetch-Site and Origin, `hosts` the site's host names with
    port. Every browser sends at least one of the two headers with a form. A request without both comes from
    a program, which has no session cookie that another site could abuse, and is accepted.
    """
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    return origin is None or host_of(origin) in hosts


def _unmasked(csrf: str) -> bytes:
    """Return the bytes of a masked or plain token. Raises ValueError if it is neither."""
    token = urlsafe_b64decode(csrf)
    if len(token) == 2 * _TOKEN_BYTES:
        return _xor(token[:_TOKEN_BYTES], token[_TOKEN_BYTES:])
    if len(token) != _TOKEN_BYTES:
        raise ValueError("not a CSRF token")
    return token


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))
