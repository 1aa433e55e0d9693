"""What is allowed and what is not, as pure functions: times, passwords, forms, addresses to go on to."""

import hmac
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

IDLE: Final = timedelta(hours=8)
"""A sign-in ends when nothing was asked for so long."""
LONGEST: Final = timedelta(hours=24)
"""A sign-in of an account ends after this time in any case."""
LONGEST_WITH_CODE: Final = timedelta(minutes=30)
"""A sign-in with a code from the kiosk: long enough to look, short enough for a shared screen."""
SHORTEST_PASSWORD: Final = 12
"""Characters; length rather than kinds of characters (NIST SP 800-63B, 3.1.1.2)."""
LONGEST_PASSWORD: Final = 1000
"""Characters; more is no password, but work for the server."""
_LONGEST_TYPED: Final = 4 * LONGEST_PASSWORD
"""Characters before they are composed; composing takes a time that grows with the square of their number."""
_LONGEST_LOGIN_TYPED: Final = 500
"""The same of a login, which has at most 120."""
_CSRF_BYTES: Final = 32


def plain_password(text: str) -> str:
    """Return a password in one spelling (NFKC), so that every keyboard types the same one.

    What is too long for any password stays as it is, and fits none.
    """
    return unicodedata.normalize("NFKC", text) if len(text) <= _LONGEST_TYPED else text


def plain_text(text: str) -> str:
    """Return what was typed without blanks around it, and without NUL, which no database text may hold."""
    return text.replace("\0", "").strip()


def plain_login(text: str) -> str:
    """Return a login in one spelling: NFKC, lower case, without blanks around it.

    Of what is too long for any login the beginning is returned, which is too long still.
    """
    if len(text) > _LONGEST_LOGIN_TYPED:
        return text.replace("\0", "_")[:_LONGEST_LOGIN_TYPED].lower()
    return plain_text(unicodedata.normalize("NFKC", text)).lower()


def new_csrf() -> str:
    """Return a new anti-forgery token of a sign-in."""
    return urlsafe_b64encode(secrets.token_bytes(_CSRF_BYTES)).decode()


def mask_csrf(csrf: str) -> str:
    """Return the token as a page shows it: another text each time.

    Pages are compressed; a text that stays the same beside text from the address could be guessed from their
    length (the BREACH attack).
    """
    secret = urlsafe_b64decode(csrf)
    pad = secrets.token_bytes(len(secret))
    return urlsafe_b64encode(pad + _xor(pad, secret)).decode()


def csrf_matches(presented: str, csrf: str) -> bool:
    """Tell whether a form brought the token of its sign-in, masked or plain, in the same time either way."""
    try:
        return hmac.compare_digest(_unmasked(presented), _unmasked(csrf))
    except ValueError:
        return False


def _unmasked(csrf: str) -> bytes:
    """Return the token's bytes. Raises ValueError for what is no token."""
    given = urlsafe_b64decode(csrf)
    if len(given) == 2 * _CSRF_BYTES:
        return _xor(given[:_CSRF_BYTES], given[_CSRF_BYTES:])
    if len(given) != _CSRF_BYTES:
        raise ValueError("no anti-forgery token")
    return given


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))


def is_same_origin(fetch_site: str | None, origin: str | None, hosts: frozenset[str]) -> bool:
    """Tell whether a form was sent from a page of ours.

    `fetch_site` and `origin` are the headers Sec-Fetch-Site and Origin, `hosts` are our names with port.
    Every browser sends one of the two with a form; a program may send neither, and has no cookie that a
    stranger's page could use.
    """
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    return origin is None or host_of(origin) in hosts


def host_of(address: str) -> str:
    """Return the host and port of an address as a header says it; empty for what is no address."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def local_address(address: str) -> str:
    """Return an address of this site to go on to; the board where it would lead elsewhere."""
    plain = address.isprintable() and "\\" not in address and address == address.strip()
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"
