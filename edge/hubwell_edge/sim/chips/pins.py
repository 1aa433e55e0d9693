"""A header in memory: its pins are driven by hand, or see people who come and go past a motion sensor."""

import errno
import os
import random
import time
from collections.abc import Callable
from typing import Final

BLOCK_S: Final = 20.0
"""Presence holds or rests for multiples of this."""


def is_person_present(seed: int, pin: str, at_s: float) -> bool:
    """Say whether somebody is before the sensor at a pin; the same seed gives the same comings and goings."""
    block = int(at_s // BLOCK_S)
    return random.Random(f"{seed}:{pin}:{block}").random() < 0.5  # noqa: S311, PLR2004 - half of the time, no secret


class SimulatedPins:
    """The header, driven by hand, or by a function that gives each pin's level whenever it is asked for."""

    def __init__(self, level: Callable[[int], bool] | None = None) -> None:
        self._level = level
        self._high: dict[int, bool] = {}
        self._taken: set[int] = set()

    def drive(self, number: int, *, high: bool) -> None:
        """Put a level on a pin from outside."""
        self._high[number] = high

    def is_high(self, number: int) -> bool:
        """Tell the level of a pin, whoever drives it."""
        return self._high[number] if self._level is None else self._level(number)

    def input(self, number: int, *, active_high: bool) -> "SimulatedPin":
        """Reserve a pin to look at; its resistor keeps it inactive. Raises OSError if somebody has it."""
        pin = self._take(number, active_high)
        self._high.setdefault(number, not active_high)
        return pin

    def output(self, number: int, *, active_high: bool) -> "SimulatedPin":
        """Reserve a pin to switch, inactive. Raises OSError if somebody has it."""
        pin = self._take(number, active_high)
        pin.switch(on=False)
        return pin

    def free(self, number: int) -> None:
        """Let somebody else have the pin."""
        self._taken.discard(number)

    def _take(self, number: int, active_high: bool) -> "SimulatedPin":  # noqa: FBT001 - private
        if number in self._taken:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self._taken.add(number)
        return SimulatedPin(self, number, active_high=active_high)


class SimulatedPin:
    """One pin of it."""

    def __init__(self, pins: SimulatedPins, number: int, *, active_high: bool) -> None:
        self._pins = pins
        self._number = number
        self._active_high = active_high

    def is_on(self) -> bool:
        """Tell whether the pin is active."""
        return self._pins.is_high(self._number) == self._active_high

    def switch(self, *, on: bool) -> None:
        """Make the pin active or not."""
        self._pins.drive(self._number, high=on == self._active_high)

    def close(self) -> None:
        """Free the pin."""
        self._pins.free(self._number)


def pins_with_people(seed: int = 0, clock: Callable[[], float] = time.monotonic) -> SimulatedPins:
    """Return a header whose pins see people."""
    return SimulatedPins(lambda number: is_person_present(seed, f"GPIO{number}", clock()))
