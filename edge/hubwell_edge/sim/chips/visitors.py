"""People who hold made-up cards to a reader model now and then; the same seed gives the same ones."""

import random
import time
from collections.abc import Callable
from typing import Final

from hubwell_edge.readers.simulated import simulated_uid
from hubwell_edge.sim.chips.cards import Card, MemoryCard, phone

BLOCK_S: Final = 10.0
"""In each stretch of this length somebody comes, or nobody."""
HELD_S: Final = 1.0
_COMES: Final = 0.4
_PHONES: Final = 0.05
_CARDS: Final = 12


class Visitors:
    """What lies on a reader at the moment it is asked."""

    def __init__(self, seed: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._seed = seed
        self._clock = clock

    def __call__(self) -> Card | None:
        """Return the card that is there now."""
        block, into = divmod(self._clock(), BLOCK_S)
        chance = random.Random(f"{self._seed}:{block:.0f}")  # noqa: S311 - made-up visits, no secret
        comes, begins = chance.random() < _COMES, chance.uniform(0, BLOCK_S - HELD_S)
        if not comes or not begins <= into < begins + HELD_S:
            return None
        if chance.random() < _PHONES:
            return phone(chance.randbytes(3))
        return MemoryCard(simulated_uid(0, chance.randrange(_CARDS)))
