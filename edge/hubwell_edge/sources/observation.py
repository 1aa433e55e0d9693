"""What a source hands to the agent: readings or one event, and where to go on after a restart.

Sensors, the simulated hub and the CSV replay all speak this; the agent stamps it and puts it in the outbox.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hubwell_wire.messages import FaultData, Reading, TapData


@dataclass(frozen=True, slots=True)
class Observation:
    """Some readings of one moment, or one event. Raises ValueError if it is neither or both.

    `t` of each reading is in milliseconds relative to `taken`. `taken` is aware; None means "now", and the
    agent stamps it with wall clock, boot clock and clock state. `cursor` is where the source must go on
    after a restart, once this observation is stored; it is committed in the same transaction.
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
    """A source can never go on (a wrong file, not a failing part); the sentence says what to do.

    The agent ends with it. After any other exception it reports a fault and asks the source again.
    """


class Source(Protocol):
    """Where observations come from. `name` is unique in one agent and stays the same over restarts."""

    name: str

    def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield observations from `cursor` on (None: from the beginning) until there are no more."""
        ...
