"""GPIO in memory: gpiozero's mock pins, each with people who come and go past a motion sensor."""

import random
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

BLOCK_S: Final = 20.0
"""Presence holds or rests for multiples of this."""


def somebody_there(seed: int, pin: str, at_s: float) -> bool:
    """Say whether somebody is before the sensor at a pin; the same seed gives the same comings and goings."""
    block = int(at_s // BLOCK_S)
    return random.Random(f"{seed}:{pin}:{block}").random() < 0.5  # noqa: S311, PLR2004 - half of the time, no secret


def simulated_pins(seed: int = 0, clock: Callable[[], float] = time.monotonic) -> Any:  # noqa: ANN401 - no types in gpiozero
    """Return a gpiozero pin factory whose pins see people. Raises ImportError without gpiozero."""
    mock = import_module("gpiozero.pins.mock")

    class PeoplePin(mock.MockPin):  # type: ignore[misc,name-defined] # gpiozero has no types
        """A pin whose level is asked for, not driven: no thread is needed to move it."""

        def _get_state(self) -> bool:
            return somebody_there(seed, self.info.name, clock())

    return mock.MockFactory(pin_class=PeoplePin)
