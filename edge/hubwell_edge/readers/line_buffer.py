"""Lines that a reader gave, waiting to be taken as cards one after the other."""

import logging
from collections import deque
from typing import Final

from hubwell_edge.readers.reader import Card
from hubwell_edge.readers.text import LONGEST_TEXT, NotACardError, TextSettings, card_of_text

_MOST_WAITING: Final = 20

log = logging.getLogger(__name__)


class Lines:
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
