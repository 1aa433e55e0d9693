"""How slow the machine is at this moment, so that a limit in milliseconds is not missed by another's work.

Limits in milliseconds are for the machine on which they were stated: two quiet cores. A fixed piece of work
is timed between the samples; a machine that takes twice as long for it gets twice the time. A faster machine
gets no less than what was stated.
"""

import json
import statistics
import time
from typing import Final

REFERENCE_MS: Final = 3.5
"""Median of the work on the two quiet cores for which the limits were stated, with Python 3.11."""
_ROWS: Final = [
    {"id": f"space-{number}", "name": f"Space {number}", "values": [number + step for step in range(10)]}
    for number in range(300)
]
_REPEATS: Final = 4


class MachineSpeed:
    """Times the same work again and again, between samples of what is measured."""

    def __init__(self) -> None:
        self._times_ms: list[float] = []

    def sample(self) -> None:
        """Do the work once, about 3.5 ms."""
        begin = time.perf_counter()
        for _ in range(_REPEATS):
            rows = json.loads(json.dumps(_ROWS))
            rows.sort(key=lambda row: row["name"])
            "".join(f"<li>{row['id']} {row['name']}</li>" for row in rows)
        self._times_ms.append((time.perf_counter() - begin) * 1000)

    @property
    def work_ms(self) -> float:
        """Median of the samples in milliseconds. Raises statistics.StatisticsError without one."""
        return statistics.median(self._times_ms)

    @property
    def slowness(self) -> float:
        """How many times as long the work took as on the machine of the limits; at least 1."""
        return max(1.0, self.work_ms / REFERENCE_MS)
