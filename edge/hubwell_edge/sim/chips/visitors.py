"""Simulated people who hold cards to a reader model now and then; the same seed gives the same ones."""

import random
import time
from collections.abc import Callable
from typing import Final

from hubwell_edge.readers.simulated import simulated_uid
from hubwell_edge.sim.chips.cards import Card, MemoryCard, phone

BLOCK_S: Final = 10.0
"""Seconds of one block; in each block at most one person comes."""
PRESENTED_S: Final = 1.0
_COMES: Final = 0.4
_PHONES: Final = 0.05
_CARDS: Final = 12


class Visitors:
    """The card on a reader at the time of the call."""

    def __init__(self, seed: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._seed = seed
        self._clock = clock

    def __call__(self) -> Card | None:
        """Return the card that is present now, or None."""
        block, into = divmod(self._clock(), BLOCK_S)
        rng = random.Random(f"{self._seed}:{block:.0f}")  # noqa: S311 - made-up visits, no secret
        comes, begins = rng.random() < _COMES, rng.uniform(0, BLOCK_S - PRESENTED_S)
        if not comes or not begins <= into < begins + PRESENTED_S:
            return None
        if rng.random() < _PHONES:
            return phone(rng.randbytes(3))
        return MemoryCard(simulated_uid(0, rng.randrange(_CARDS)))
