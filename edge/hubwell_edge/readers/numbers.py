"""Numbers of cards: the ways in which readers write them, and numbers that belong to no single card."""

import re
from typing import Final, Literal

NumberFormat = Literal[
    "hex", "hex-reversed", "decimal", "decimal-reversed", "em4100", "em4100-decimal", "wiegand"
]
CASCADE_TAG: Final = 0x88
"""Stands before the first part of a number that is longer than four bytes, and begins no number (ISO/IEC
14443-3, 6.5.4).
"""
_NXP: Final = 0x04
"""Manufacturer code of NXP (ISO/IEC 7816-6), the first byte of most 7-byte numbers."""
_EM4100: Final = b"em4100"
_WIEGAND: Final = b"wiegnd"
"""Before the four bytes of a 125 kHz card: ten bytes in all, which are never the number of another card."""
_EM4100_BYTES: Final = 5
_SINGLE: Final = 4
"""Bytes of a single-size number (ISO/IEC 14443-3)."""
_SEPARATORS: Final = str.maketrans("", "", " :-")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_WIEGAND_26: Final = re.compile(r"(\d{1,3})[ ,:-](\d{1,5})|(\d{3})(\d{5})")
_WIEGAND_34: Final = re.compile(r"(\d{1,5})[ ,:-](\d{1,5})|(\d{5})(\d{5})")
_DEFAULTS: Final = (
    "01020304 04030201 11223344 44332211 12345678 78563412 87654321 deadbeef efbeadde aabbccdd ddccbbaa "
    "01020304050607 07060504030201 11223344556677 04112233445566 0102030405060708090a"
)
"""Numbers that cards with a writable number are sold with, and that readers send as an example."""


def implausible(uid: bytes) -> str | None:
    """Return why no card has this number, with what to set at the reader; None for a plausible one."""
    is_single = len(uid) == _SINGLE
    if uid[0] == CASCADE_TAG or (is_single and uid[:1:-1] == bytes([CASCADE_TAG, _NXP])):
        return (
            "this is a part of a card's number, as its cascade tag 88 shows: set the reader to send the "
            "whole number of 7 bytes"
        )
    if len(set(uid)) == 1:
        return "all bytes of the number are equal: set the reader to send the card's own number (UID)"
    if uid.hex() in _DEFAULTS.split() or (is_single and uid.count(0) == _SINGLE - 1):
        return (
            "many cards and readers have this number by default: set the reader to send the card's own "
            "number (UID), or use another card"
        )
    return None


def number_of_text(text: str, written: NumberFormat, length: int) -> bytes:
    """Return the number that a reader wrote; `length` is the bytes of a decimal one.

    Raises ValueError without repeating the text.
    """
    if written.startswith("em4100"):
        return _EM4100 + _plausible(_em4100(text, decimal=written == "em4100-decimal"))
    if written == "wiegand":
        return _WIEGAND + _plausible(_wiegand(text))
    raw = _decimal(text, length) if written.startswith("decimal") else _hexadecimal(text)
    return raw[::-1] if written.endswith("reversed") else raw


def _plausible(number: bytes) -> bytes:
    # A number of 125 kHz may begin with 88, and only zeros or ones mean that there is none.
    if set(number) in ({0}, {0xFF}):
        raise ValueError("all bits of the number are equal: hold a card to the reader")
    return number


def _hexadecimal(text: str) -> bytes:
    digits = text.translate(_SEPARATORS)
    if not _HEX.fullmatch(digits):
        raise ValueError(f"{len(text)} characters that are not hexadecimal bytes; {_advice(text)}")
    return bytes.fromhex(digits)


def _decimal(text: str, length: int) -> bytes:
    if not re.fullmatch(r"[0-9]{1,25}", text):
        raise ValueError(f"{len(text)} characters that are not all digits; {_advice(text)}")
    number = int(text)
    if number >= 1 << 8 * length:
        raise ValueError(f"larger than {length} bytes; see the option 'number_bytes'")
    return number.to_bytes(length, "big")


def _em4100(text: str, *, decimal: bool) -> bytes:
    """Return the four bytes that are printed on the card; the version byte before them is not on it.

    A sixth byte is the exclusive-or of the five, as in the frames of RDM6300 and ID-12LA.
    """
    if decimal:
        return _decimal(text, 4)
    raw = _hexadecimal(text)
    if len(raw) == _EM4100_BYTES + 1:
        total = 0
        for byte in raw:
            total ^= byte
        if total:
            raise ValueError("its checksum is wrong: hold the card to the reader again")
        raw = raw[:_EM4100_BYTES]
    if len(raw) not in {_EM4100_BYTES - 1, _EM4100_BYTES}:
        raise ValueError(f"{len(raw)} bytes; an EM4100 number has 5, or 4 without its version byte")
    return raw[-4:]


def _wiegand(text: str) -> bytes:
    """Return facility and number of the card, 16 bits each: ``123,45678``, or the digits of both in a row."""
    for pattern, bits in ((_WIEGAND_26, 8), (_WIEGAND_34, 16)):
        match = pattern.fullmatch(text)
        if match is not None:
            facility, number = (int(group) for group in match.groups() if group is not None)
            if facility < 1 << bits and number < 1 << 16:
                return facility.to_bytes(2, "big") + number.to_bytes(2, "big")
    raise ValueError(
        f"{len(text)} characters that are no Wiegand number (facility and number, as 123,45678); "
        f"{_advice(text)}"
    )


def _advice(text: str) -> str:
    if any(ord(character) < ord(" ") for character in text):
        return "it has control characters: see the option 'frame'"
    return "see the options 'number' and 'prefix'"
