"""Cards from text: numbers as scanners write them, and the text of QR codes."""

import logging
import re
from collections import deque
from typing import Annotated, Final, Literal

from pydantic import Field

from hubwell_edge.readers.ntag424 import sun_of_address
from hubwell_edge.readers.reader import Card, SignedCardSettings
from hubwell_wire.pseudonym import TOKEN_PREFIX

LONGEST_TEXT: Final = 300
"""Characters; the longest text that is read is an address with a signed message."""
_MOST_WAITING: Final = 20
_SEPARATORS: Final = str.maketrans("", "", " :-")

NumberFormat = Literal["hex", "hex-reversed", "decimal", "decimal-reversed"]

log = logging.getLogger(__name__)


class TextSettings(SignedCardSettings):
    """How a reader that sends text writes the numbers of cards.

    A card must give the same number at every reader: before badges are enrolled, compare with `hubwell-edge`
    on another kind of reader, or with the number that a phone shows.
    """

    number: Annotated[
        NumberFormat,
        Field(description="how card numbers are written; reversed: the last byte of the card comes first"),
    ] = "hex"
    number_bytes: Annotated[
        Literal[4, 7, 10], Field(description="bytes of a card's number, for decimal numbers")
    ] = 4


class NotACardError(ValueError):
    """The text is neither a card number nor a code. The message does not repeat the text."""


def card_of_text(text: str, settings: TextSettings) -> Card:
    """Return the card or code that one line of text contains. Raises NotACardError."""
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
        raise NotACardError(f"the text read is neither a card number nor a Hubwell code: {error}") from None


def _number(text: str, settings: TextSettings) -> bytes:
    """Return the card's number as bytes. Raises ValueError without repeating the text."""
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
            raise ValueError(
                f"{len(text)} characters that are not hexadecimal bytes; see the option 'number'"
            )
        raw = bytes.fromhex(digits)
    return raw[::-1] if settings.number.endswith("reversed") else raw


class CardQueue:
    """A short queue of cards read as text; a line that is not a card is logged without its text."""

    def __init__(self, settings: TextSettings) -> None:
        self._settings = settings
        self._waiting: deque[Card] = deque(maxlen=_MOST_WAITING)

    def add(self, line: str) -> None:
        """Parse one line and queue its card; empty lines are ignored."""
        if not line.strip():
            return
        try:
            self._waiting.append(card_of_text(line[:LONGEST_TEXT], self._settings))
        except NotACardError as error:
            log.warning("%s: %s", self._settings.name, error)

    def next(self) -> Card | None:
        """Remove and return the oldest card, or None."""
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        """Discard the queued cards, which are from before a failure."""
        self._waiting.clear()
