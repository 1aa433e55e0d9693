"""A source for load and chaos tests that counts up at a steady rate without losing a number.

Number n (from 0) has the time `start` + n * `step_ms` and is sent on all series, so that a test can determine
from the database alone which numbers are missing or duplicated. The cursor is the next number.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from hubwell_edge.sources.observation import Observation
from hubwell_wire.messages import Reading, SensorMeta

_BREATH: Final = 256


class CounterSettings(BaseModel):
    """The options of ``driver = "steady"``. `rate` is in observations per second; 0 is unlimited."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = "steady"
    series: Annotated[int, Field(ge=1, le=100)] = 1
    rate: Annotated[float, Field(ge=0, le=1_000_000)] = 100
    count: Annotated[int, Field(ge=1)] | None = None
    start: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    step_ms: Annotated[int, Field(ge=1)] = 1000


class CounterSource:
    """Counts. The source can wait, so a full outbox slows it down and drops none of its numbers."""

    def __init__(self, settings: CounterSettings) -> None:
        self.name = settings.part
        self._settings = settings
        self._names = [
            f"{settings.part}/count-{k}" if k else f"{settings.part}/count" for k in range(settings.series)
        ]

    def meta(self) -> tuple[SensorMeta, ...]:
        """Return the series for the device's `meta` message."""
        return tuple(SensorMeta(s=name, u="count") for name in self._names)

    async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield the numbers from `cursor` on."""
        settings, n = self._settings, int(cursor) if cursor else 0
        loop = asyncio.get_running_loop()
        started, first = loop.time(), n
        while settings.count is None or n < settings.count:
            if settings.rate:
                ahead = started + (n - first) / settings.rate - loop.time()
                if ahead > 0:
                    await asyncio.sleep(ahead)
            elif n % _BREATH == 0:
                await asyncio.sleep(0)
            taken = settings.start + timedelta(milliseconds=n * settings.step_ms)
            readings = tuple(Reading(s=name, v=float(n), u="count") for name in self._names)
            n += 1
            yield Observation(readings=readings, taken=taken, cursor=str(n))
