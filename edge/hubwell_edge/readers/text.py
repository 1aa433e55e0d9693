"""Cards from text: numbers as scanners write them, and the text of QR codes."""

import logging
from collections import deque
from typing import Annotated, Final, Literal

from pydantic import Field

from hubwell_edge.readers.ntag424 import sun_of_address
from hubwell_edge.readers.numbers import NumberFormat, number_of_text
from hubwell_edge.readers.reader import Card, SignedCardSettings
from hubwell_wire.pseudonym import TOKEN_PREFIX

LONGEST_TEXT: Final = 300
"""Characters; the longest text that is read is an address with a signed message."""
_MOST_WAITING: Final = 20

log = logging.getLogger(__name__)


class TextSettings(SignedCardSettings):
    """How a reader that sends text writes the numbers of cards.

    A card must give the same number at every reader: before badges are enrolled, compare with `hubwell-edge`
    on another kind of reader, or with the number that a phone shows.
    """

    number: Annotated[
        NumberFormat,
        Field(
            description="how card numbers are written; reversed: the last byte of the card comes first; "
            "em4100: 125 kHz cards in hexadecimal, em4100-decimal: as printed on them; wiegand: 123,45678"
        ),
    ] = "hex"
    number_bytes: Annotated[
        Literal[4, 7, 10], Field(description="bytes of a card's number, for decimal numbers")
    ] = 4
    prefix: Annotated[
        str, Field(max_length=20, description="what the reader puts before each number or code, as ]Q3")
    ] = ""


class NotACardError(ValueError):
    """The text is neither a card number nor a code. The message does not repeat the text."""


def card_of_text(text: str, settings: TextSettings) -> Card:
    """Return the card or code that one line of text contains. Raises NotACardError."""
    text = text.strip().removeprefix(settings.prefix).strip()
    if text.upper().startswith(TOKEN_PREFIX):
        return Card(token=TOKEN_PREFIX + text[len(TOKEN_PREFIX) :])
    if settings.sun and "?" in text:
        sun = sun_of_address(text, settings.picc_parameter, settings.cmac_parameter)
        if sun is not None:
            return Card(sun=sun)
    try:
        return Card(uid=number_of_text(text, settings.number, settings.number_bytes))
    except ValueError as error:
        raise NotACardError(f"the text read is neither a card number nor a Hubwell code: {error}") from None


class CardQueue:
    """A short queue of cards read as text; a line that is not a card is logged without its text.

    `unreadable` is the sentence about the latest such line, until it is taken.
    """

    def __init__(self, settings: TextSettings) -> None:
        self._settings = settings
        self._waiting: deque[Card] = deque(maxlen=_MOST_WAITING)
        self.unreadable: str | None = None

    def add(self, line: str) -> None:
        """Parse one line and queue its card; empty lines are ignored."""
        if not line.strip():
            return
        try:
            self._waiting.append(card_of_text(line[:LONGEST_TEXT], self._settings))
        except NotACardError as error:
            self.refuse(str(error))

    def refuse(self, reason: str) -> None:
        """Note that something was presented that cannot be read; `reason` advises a person at the device."""
        log.warning("%s: %s", self._settings.name, reason)
        self.unreadable = reason

    def take_unreadable(self) -> str | None:
        """Return `unreadable` once."""
        reason, self.unreadable = self.unreadable, None
        return reason

    def next(self) -> Card | None:
        """Remove and return the oldest card, or None."""
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        """Discard what is queued from before a failure."""
        self._waiting.clear()
        self.unreadable = None
