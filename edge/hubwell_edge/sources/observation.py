"""The interface of sources, and the observations that they yield to the agent.

Sensors, the simulated hub and the CSV replay implement it; the agent stamps each observation and stores it in
the outbox.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hubwell_wire.messages import FaultData, Reading, TapData


@dataclass(frozen=True, slots=True)
class Observation:
    """Readings of one moment, or one event. Raises ValueError for neither or both.

    `t` of each reading is in milliseconds relative to `taken`. `taken` is timezone-aware; None means "now",
    and the agent stamps the observation with wall clock, boot clock and clock state. `cursor` is the position
    from which the source must continue after a restart, once this observation is stored; both are committed
    in one transaction.
    """

    readings: tuple[Reading, ...] = ()
    event: TapData | FaultData | None = None
    taken: datetime | None = None
    cursor: str | None = None

    def __post_init__(self) -> None:
        if bool(self.readings) == (self.event is not None):
            raise ValueError("an observation holds either readings or one event")
        if self.taken is not None and self.taken.tzinfo is None:
            raise ValueError(f"the time of an observation needs a zone, got {self.taken.isoformat()}")


class SourceError(Exception):
    """A source cannot continue at all (a wrong file, not a failing part); the sentence contains advice.

    The agent ends with this error. After any other exception it reports a fault and starts the source again.
    """


class Source(Protocol):
    """A source of observations. `name` is unique in one agent and stays the same over restarts."""

    name: str

    def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield observations after `cursor` (None: from the beginning) until there are no more."""
        ...
