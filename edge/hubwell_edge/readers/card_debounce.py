"""Distinguishes a new presentation of a card from one that still lies on the reader.

For readers that are polled and occasionally miss a card that has not moved.
"""

from typing import Final

from hubwell_edge.readers.reader import RANDOM_UID_BYTES, RANDOM_UID_FIRST

GONE_AFTER_S: Final = 0.4
"""A card that was not detected for this long has been removed; several polls are missed until then."""
_ANY_RANDOM: Final = b"random"


class CardDebounce:
    """Follows the card on one reader; times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._present: bytes | None = None
        self._last_seen = 0.0

    def is_new(self, uid: bytes | None, now: float) -> bool:
        """Process the result of one poll; return whether it begins a new presentation."""
        if uid is None:
            if now - self._last_seen > GONE_AFTER_S:
                self._present = None
            return False
        # A phone that stays may show another random number at each poll.
        random = len(uid) == RANDOM_UID_BYTES and uid[0] == RANDOM_UID_FIRST
        card = _ANY_RANDOM if random else uid
        removed = now - self._last_seen > GONE_AFTER_S
        new = card != self._present or removed
        self._present, self._last_seen = card, now
        return new

    def poll_s(self, now: float) -> float:
        """Return how long the next poll may take: short while a card is present, to notice its removal."""
        if self._present is None:
            return float("inf")
        return max(0.05, self._last_seen + GONE_AFTER_S - now)
