"""What readers give as text: numbers of cards as scanners write them, and the text of QR codes."""

import logging
import re
from collections import deque
from typing import Annotated, Final, Literal

from pydantic import Field

from hubwell_edge.readers.ntag424 import sun_of_address
from hubwell_edge.readers.reader import Card, SignedCardSettings
from hubwell_wire.pseudonym import TOKEN_PREFIX

LONGEST_TEXT: Final = 300
"""Characters; the longest thing that is read is an address with a signed message."""
_MOST_WAITING: Final = 20
_SEPARATORS: Final = str.maketrans("", "", " :-")

NumberFormat = Literal["hex", "hex-reversed", "decimal", "decimal-reversed"]

log = logging.getLogger(__name__)


class TextSettings(SignedCardSettings):
    """How a reader that types writes the numbers of cards.

    One and the same card must give the same number at every reader: compare with `hubwell-edge` on another
    kind of reader, or with what a phone shows, before badges are enrolled.
    """

    number: Annotated[
        NumberFormat,
        Field(description="how card numbers are written; reversed: the last byte of the card comes first"),
    ] = "hex"
    number_bytes: Annotated[
        Literal[4, 7, 10], Field(description="bytes of a card's number, for decimal numbers")
    ] = 4


class NotACardError(ValueError):
    """The text is no card and no code. The message does not repeat it."""


def card_of_text(text: str, settings: TextSettings) -> Card:
    """Return the card or code that one line of text stands for. Raises NotACardError."""
    text = text.strip()
    if text.upper().startswith(TOKEN_PREFIX):
        return Card(token=TOKEN_PREFIX + text[len(TOKEN_PREFIX) :])
    if settings.sun and "?" in text:
        sun = sun_of_address(text, settings.picc_parameter, settings.cmac_parameter)
        if sun is not None:
            return Card(sun=sun)
    try:
        return Card(uid=_number(text, settings))
    except ValueError as error:
        raise NotACardError(f"what was read is no card number and no Hubwell code: {error}") from None


def _number(text: str, settings: TextSettings) -> bytes:
    """Return the card's bytes. Raises ValueError without repeating the text."""
    if settings.number.startswith("decimal"):
        if not re.fullmatch(r"[0-9]{1,25}", text):
            raise ValueError(f"{len(text)} characters that are not all digits; see the option 'number'")
        number = int(text)
        if number >= 1 << 8 * settings.number_bytes:
            raise ValueError(f"larger than {settings.number_bytes} bytes; see the option 'number_bytes'")
        raw = number.to_bytes(settings.number_bytes, "big")
    else:
        digits = text.translate(_SEPARATORS)
        if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", digits):
            raise ValueError(f"{len(text)} characters that are no hexadecimal bytes; see the option 'number'")
        raw = bytes.fromhex(digits)
    return raw[::-1] if settings.number.endswith("reversed") else raw


class CardQueue:
    """A short queue; a line that is no card is reported in the log, without its text."""

    def __init__(self, settings: TextSettings) -> None:
        self._settings = settings
        self._waiting: deque[Card] = deque(maxlen=_MOST_WAITING)

    def add(self, line: str) -> None:
        """Take in one line; empty ones are nothing."""
        if not line.strip():
            return
        try:
            self._waiting.append(card_of_text(line[:LONGEST_TEXT], self._settings))
        except NotACardError as error:
            log.warning("%s: %s", self._settings.name, error)

    def next(self) -> Card | None:
        """Return the card that has waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        """Forget what waits: it is from before a failure."""
        self._waiting.clear()
