"""A header in memory: its pins are driven by a test, or detect people who pass a motion sensor."""

import errno
import os
import random
import time
from collections.abc import Callable
from typing import Final

BLOCK_S: Final = 20.0
"""Presence changes only at multiples of this many seconds."""


def is_person_present(seed: int, pin: str, at_s: float) -> bool:
    """Return whether a person is in front of the sensor at a pin; the same seed gives the same answers."""
    block = int(at_s // BLOCK_S)
    return random.Random(f"{seed}:{pin}:{block}").random() < 0.5  # noqa: S311, PLR2004 - half of the time, no secret


class SimulatedPins:
    """The header. Levels are set with `drive`, or come from a function that is called for each read."""

    def __init__(self, level: Callable[[int], bool] | None = None) -> None:
        self._level = level
        self._high: dict[int, bool] = {}
        self._reserved: set[int] = set()

    def drive(self, number: int, *, high: bool) -> None:
        """Set the level of a pin from outside."""
        self._high[number] = high

    def is_high(self, number: int) -> bool:
        """Return the level of a pin, whichever side drives it."""
        return self._high[number] if self._level is None else self._level(number)

    def input(self, number: int, *, active_high: bool) -> "SimulatedPin":
        """Reserve an input pin; its resistor keeps it inactive. Raises OSError if it is reserved already."""
        pin = self._reserve(number, active_high)
        self._high.setdefault(number, not active_high)
        return pin

    def output(self, number: int, *, active_high: bool) -> "SimulatedPin":
        """Reserve an output pin, inactive. Raises OSError if it is reserved already."""
        pin = self._reserve(number, active_high)
        pin.switch(on=False)
        return pin

    def free(self, number: int) -> None:
        """End the reservation of a pin."""
        self._reserved.discard(number)

    def _reserve(self, number: int, active_high: bool) -> "SimulatedPin":  # noqa: FBT001 - private
        if number in self._reserved:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self._reserved.add(number)
        return SimulatedPin(self, number, active_high=active_high)


class SimulatedPin:
    """One reserved pin."""

    def __init__(self, pins: SimulatedPins, number: int, *, active_high: bool) -> None:
        self._pins = pins
        self._number = number
        self._active_high = active_high

    def is_on(self) -> bool:
        """Return whether the pin is active."""
        return self._pins.is_high(self._number) == self._active_high

    def switch(self, *, on: bool) -> None:
        """Make the pin active or inactive."""
        self._pins.drive(self._number, high=on == self._active_high)

    def close(self) -> None:
        """Free the pin."""
        self._pins.free(self._number)


def pins_with_people(seed: int = 0, clock: Callable[[], float] = time.monotonic) -> SimulatedPins:
    """Return a header whose pins detect simulated people."""
    return SimulatedPins(lambda number: is_person_present(seed, f"GPIO{number}", clock()))
