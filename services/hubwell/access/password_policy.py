"""Limits of passwords, and the normal form of what is typed into a login form."""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

SHORTEST_PASSWORD: Final = 12
"""Characters; length rather than kinds of characters (NIST SP 800-63B, 3.1.1.2)."""
LONGEST_PASSWORD: Final = 1000
"""Characters; hashing longer input would only cost the server time."""
_FEWEST_GUESSES: Final = 10**9
"""At a guess every two seconds, what the rate limit allows for one login, more than sixty years."""
_FEWEST_JOINED: Final = 5 * 10**7
"""The same without what separates the words; lower, so that three ordinary words are accepted."""
_ESTIMATED: Final = 72
"""Characters; the estimate takes a time that grows with the square of their number."""
_HUB_WORDS: Final = ("hubwell", "learning", "learning hub", "hub")
_EXAMPLES: Final = ("correct horse battery staple",)
"""Passwords that guides show as good ones, which the lists of zxcvbn do not have."""
_SEPARATORS: Final = re.compile(r"[\W_]+")
_LONGEST_PASSWORD_INPUT: Final = 4 * LONGEST_PASSWORD
"""Characters before NFKC composes them; the time that takes grows with the square of their number."""
_LONGEST_LOGIN_INPUT: Final = 500
"""Characters of a login before NFKC; a stored login has at most 120."""


def is_common(password: str, login: str, known: Collection[str] = ()) -> bool:
    """Return whether a password is common or a pattern, or made of common ones, the login or known names.

    Estimated by zxcvbn, whose lists of passwords, names and words are part of the package; with and without
    what separates words, because a dash between two known words makes it no better. Of a long password only
    the beginning is estimated: a good one is good there already.
    """
    from zxcvbn import zxcvbn  # noqa: PLC0415  (15 MB of lists, for the few moments when a password is chosen)

    texts = [login, login.partition("@")[0], *known, *_HUB_WORDS, *_EXAMPLES]
    words = [*texts, *(_SEPARATORS.sub("", text) for text in texts)]
    words += [part for text in (login, *known) for part in _SEPARATORS.split(text)]
    start = password[:_ESTIMATED]
    forms = {start: _FEWEST_GUESSES}
    if joined := _SEPARATORS.sub("", start):
        forms.setdefault(joined, _FEWEST_JOINED)
    return any(zxcvbn(form, user_inputs=words)["guesses"] < fewest for form, fewest in forms.items())


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
