"""Progress of simulated time: fills in the past, then follows the wall clock.

Hub time never runs ahead of the wall clock, because a server rejects readings from the future.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

UNLIMITED: Final = float("inf")
_LONGEST_SLEEP_S: Final = 5.0


class Pace:
    """Lets the devices of a hub wait until a time has come.

    At `speed` 1 and UNLIMITED, everything in the past happens at once and the rest when the wall clock
    reaches it. At another speed, hub time starts at `start_ms` (Unix milliseconds) and passes that much
    faster until it has reached the wall clock. `now` returns Unix seconds.
    """

    def __init__(self, speed: float, start_ms: int, now: Callable[[], float] = time.time) -> None:
        if speed <= 0:
            raise ValueError(f"the speed must be above 0, got {speed:g}")
        self._speed = speed
        self._start_s = start_ms / 1000
        self._now = now
        self._started_s = now()

    async def wait_until(self, at_ms: int) -> None:
        """Wait until hub time is `at_ms` (Unix milliseconds)."""
        # In short steps, because the wall clock may be set during the sleep.
        while (delay := self._delay(at_ms / 1000)) > 0:  # noqa: ASYNC110 - a clock gives no event to wait for
            await asyncio.sleep(min(delay, _LONGEST_SLEEP_S))

    def _delay(self, at_s: float) -> float:
        now = self._now()
        to_wall = at_s - now
        if self._speed in {1.0, UNLIMITED}:
            return to_wall
        to_pace = self._started_s + (at_s - self._start_s) / self._speed - now
        return max(to_wall, to_pace)
