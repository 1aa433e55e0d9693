"""Limits of passwords, and the normal form of what is typed into a login form."""

import unicodedata
from typing import Final

SHORTEST_PASSWORD: Final = 12
"""Characters; length rather than kinds of characters (NIST SP 800-63B, 3.1.1.2)."""
LONGEST_PASSWORD: Final = 1000
"""Characters; hashing longer input would only cost the server time."""
_LONGEST_PASSWORD_INPUT: Final = 4 * LONGEST_PASSWORD
"""Characters before NFKC composes them; the time that takes grows with the square of their number."""
_LONGEST_LOGIN_INPUT: Final = 500
"""Characters of a login before NFKC; a stored login has at most 120."""


def plain_password(text: str) -> str:
    """Return a password in Unicode form NFKC, so that it is the same on every keyboard.

    Input that is longer than any password is returned unchanged; it matches no stored password.
    """
    return unicodedata.normalize("NFKC", text) if len(text) <= _LONGEST_PASSWORD_INPUT else text


def plain_text(text: str) -> str:
    """Return the input without surrounding blanks, and without NUL, which PostgreSQL's text cannot hold."""
    return text.replace("\0", "").strip()


def plain_login(text: str) -> str:
    """Return a login in Unicode form NFKC, in lower case and without surrounding blanks.

    Input that is longer than any login is cut to 500 characters, which is still too long to be valid.
    """
    if len(text) > _LONGEST_LOGIN_INPUT:
        return text.replace("\0", "_")[:_LONGEST_LOGIN_INPUT].lower()
    return plain_text(unicodedata.normalize("NFKC", text)).lower()
