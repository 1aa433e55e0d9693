"""Who reacts to what: the one place where capabilities meet.

Reactions change rows in the transaction of the batch that caused them and may cause further facts;
deliveries are only queued here, in the same transaction, and leave later.
"""

from collections import deque
from typing import Any, assert_never

from psycopg import AsyncConnection

from hubwell.air import actions as air
from hubwell.deliver import queue
from hubwell.events import (
    BadgeTapped,
    EpisodeOpened,
    EpisodeResolved,
    Fact,
    Facts,
    FaultReported,
    ReadingsStored,
    VisitsChanged,
)
from hubwell.presence import actions as presence


class Switchboard:
    """Reacts to facts. `deliveries` is where an alert is handed over for sending."""

    def __init__(self, deliveries: queue.Deliveries) -> None:
        self._deliveries = deliveries

    async def react(self, conn: AsyncConnection[Any], facts: Facts) -> None:
        """React to each fact and to what comes of it, until nothing more follows."""
        waiting = deque(facts)
        while waiting:
            waiting.extend(await self._react_to(conn, waiting.popleft()))

    async def _react_to(self, conn: AsyncConnection[Any], fact: Fact) -> Facts:
        match fact:
            case ReadingsStored():
                return await air.judge(conn, fact)
            case BadgeTapped():
                change = await presence.tapped(conn, fact)
                return [] if change is None else [change]
            case EpisodeOpened() | EpisodeResolved() | FaultReported():
                await self._deliveries.record(conn, fact)
                return []
            case VisitsChanged():
                # Somebody may have left a space that no device of this batch is in: the board hears of it.
                await self._deliveries.announce(conn, fact.space_ids)
                return []
            case _:
                assert_never(fact)
