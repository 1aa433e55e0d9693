"""A reader without hardware: random cards at random times, the same ones for the same seed."""

import random
import time
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.readers.reader import Card, ReaderSettings


class SimulatedSettings(ReaderSettings):
    """A simulated reader of the device file."""

    every_s: Annotated[float, Field(gt=0, le=86400, description="seconds between two cards on average")] = 20
    cards: Annotated[int, Field(ge=1, le=10_000, description="how many different cards there are")] = 12
    phones: Annotated[float, Field(ge=0, le=1, description="share of phones, whose number changes")] = 0.05
    seed: Annotated[int, Field(ge=0, description="another one gives other cards")] = 0


class Simulated:
    """One simulated reader."""

    driver = "simulated"

    def __init__(
        self,
        settings: SimulatedSettings,
        hardware: Hardware,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        del hardware
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._random = random.Random(settings.seed)  # noqa: S311 - made-up cards, no secret
        self._due = 0.0
        self.name = settings.name
        self.bus = f"simulated {settings.name}"

    def open(self) -> None:
        """Start waiting for the first card."""
        self._due = self._clock() + self._pause()

    def wait(self, timeout_s: float) -> Card | None:
        """Return the next card when its time has come."""
        remaining = self._due - self._clock()
        if remaining > timeout_s:
            self._sleep(timeout_s)
            return None
        self._sleep(max(0.0, remaining))
        self._due += self._pause()
        if self._random.random() < self._settings.phones:
            return Card(uid=b"\x08" + self._random.randbytes(3))
        return Card(uid=simulated_uid(self._settings.seed, self._random.randrange(self._settings.cards)))

    def close(self) -> None:
        """Do nothing."""

    def _pause(self) -> float:
        return self._random.expovariate(1 / self._settings.every_s)


def simulated_uid(seed: int, number: int) -> bytes:
    """Return the 7 bytes of a simulated card number; the first is 04, the manufacturer code of NXP."""
    return b"\x04" + random.Random(f"{seed}:{number}").randbytes(6)  # noqa: S311 - made up, no secret
