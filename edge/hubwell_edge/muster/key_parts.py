"""The two officers' key parts as they are typed: twelve BIP-39 words each, formerly 64 hex digits.

The words are those of BIP-39's English list, which their first four letters tell apart. The last word holds a
checksum of four bits, which finds 15 of 16 wrong or swapped words before both parts are there.
"""

import re
from typing import Final

from hubwell_edge.taps.files.muster_file import MusterFileError

WORDS: Final = 12
"""Words of a part: 128 random bits and the checksum."""
_HEX_DIGITS: Final = 64
_WORD: Final = re.compile(r"[^\W\d_]+")


def is_complete(typed: str) -> bool:
    """Return whether the lines of a part that were typed so far hold all of its words, or hex digits."""
    return _looks_hex(typed) or count_words(typed) >= WORDS


def count_words(typed: str) -> int:
    """Return the number of words; numbers and punctuation between them are ignored."""
    return len(_WORD.findall(typed))


def check_words(typed: str, which: str) -> None:
    """Raise MusterFileError if a word typed so far is not on the list; the sentence gives its position."""
    if not _looks_hex(typed):
        _words(typed, which)


def read_part(typed: str, which: str) -> bytes:
    """Return the bytes of a part. Raises MusterFileError, with `which` part it is and the word at fault."""
    if _looks_hex(typed):
        return _from_hex(typed, which)
    from mnemonic import Mnemonic  # noqa: PLC0415 - needed only to open a muster

    words = _words(typed, which)
    if len(words) != WORDS:
        raise MusterFileError(f"the {which} part is not valid: a part has {WORDS} words, not {len(words)}")
    try:
        return bytes(Mnemonic("english").to_entropy(words))
    except ValueError:  # the checksum
        raise MusterFileError(
            f"the words of the {which} part do not fit together: compare each, and their order, with the card"
        ) from None


def combine_parts(part_a: str, part_b: str) -> bytes:
    """Return the private key of two parts, in either order. Raises MusterFileError for an invalid part."""
    from nacl.public import PrivateKey  # noqa: PLC0415 - needed only to open a muster

    parts = sorted(read_part(typed, which) for which, typed in (("first", part_a), ("second", part_b)))
    if parts[0] == parts[1]:
        raise MusterFileError("both officers gave the same part: each has another one")
    if len(parts[0]) != len(parts[1]):
        raise MusterFileError("one part is of words and one of hex digits: they belong to different keys")
    if len(parts[0]) * 2 == _HEX_DIGITS:
        return bytes(a ^ b for a, b in zip(*parts, strict=True))
    return bytes(PrivateKey.from_seed(b"".join(parts)))


def _looks_hex(typed: str) -> bool:
    digits = "".join(typed.split())
    return len(digits) >= _HEX_DIGITS // 2 and re.fullmatch(r"[0-9A-Fa-f]+", digits) is not None


def _from_hex(typed: str, which: str) -> bytes:
    digits = "".join(typed.split())
    if len(digits) != _HEX_DIGITS:
        raise MusterFileError(
            f"the {which} part is not valid: a part of hex digits has {_HEX_DIGITS}, not {len(digits)}"
        )
    return bytes.fromhex(digits)


def _words(typed: str, which: str) -> list[str]:
    from mnemonic import Mnemonic  # noqa: PLC0415 - needed only to open a muster

    words = Mnemonic("english")
    known = [words.expand_word(word) for word in _WORD.findall(typed.casefold())]
    for position, word in enumerate(known, 1):  # not repeated: the other officer may see the screen
        if word in words.wordlist:
            continue
        if any(other.startswith(word) for other in words.wordlist):
            raise MusterFileError(f"word {position} of the {which} part is short: type at least four letters")
        raise MusterFileError(f"word {position} of the {which} part is not on the list of words")
    return known
