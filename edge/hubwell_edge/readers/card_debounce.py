"""Whether a card is a new presentation, or the same one that still lies there.

For readers that are asked again and again and now and then miss a card that did not move.
"""

from typing import Final

from hubwell_edge.readers.reader import RANDOM_UID_BYTES, RANDOM_UID_FIRST

GONE_AFTER_S: Final = 0.4
"""A card that is not seen for so long was taken away; several looks are missed until then."""
_ANY_RANDOM: Final = b"random"


class CardDebounce:
    """Follows one reader's card; seconds are those of any steady clock."""

    def __init__(self) -> None:
        self._there: bytes | None = None
        self._last_seen = 0.0

    def seen(self, uid: bytes | None, now: float) -> bool:
        """Take in one look and say whether a new presentation begins with it."""
        if uid is None:
            if now - self._last_seen > GONE_AFTER_S:
                self._there = None
            return False
        # A phone that stays may show another random number at each look.
        random = len(uid) == RANDOM_UID_BYTES and uid[0] == RANDOM_UID_FIRST
        card = _ANY_RANDOM if random else uid
        gone = now - self._last_seen > GONE_AFTER_S
        new = card != self._there or gone
        self._there, self._last_seen = card, now
        return new

    def patience_s(self, now: float) -> float:
        """Return for how long a look may go on: short while a card is there, to see that it leaves."""
        if self._there is None:
            return float("inf")
        return max(0.05, self._last_seen + GONE_AFTER_S - now)
