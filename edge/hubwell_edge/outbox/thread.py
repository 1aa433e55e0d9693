"""The outbox as asyncio code sees it: every call runs in the one thread that owns it.

Between agent, uplink and outbox also goes the news that something was stored, or that room was made.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from hubwell_edge.clock import Stamp
from hubwell_edge.outbox.message import Draft, Row
from hubwell_edge.outbox.store import Outbox
from hubwell_wire.messages import Receipt

Result = TypeVar("Result")

_LOOK_AGAIN_S: Final = 1.0


class OutboxThread:
    """Wraps an open outbox. `news` is set when there is something to send; the uplink clears it."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.news = asyncio.Event()
        self._freed = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "outbox")

    async def put(self, drafts: Sequence[Draft], cursors: Mapping[str, str]) -> bool:
        """Store, or try again what could not be stored; see Outbox.put."""
        if not drafts and not cursors:
            return await self.run(self.outbox.flush)
        done = await self.run(partial(self.outbox.put, drafts, cursors))
        self.news.set()
        return done

    async def put_event(self, draft: Draft) -> tuple[UUID, int] | None:
        """Store one event and return its boot and number; see Outbox.put_event."""
        number = await self.run(partial(self.outbox.put_event, draft))
        self.news.set()
        return number

    async def erase(self, badges: Collection[str]) -> int:
        """Delete the taps of these badges; see Outbox.erase."""
        count = await self.run(partial(self.outbox.erase, badges))
        self._freed.set()
        self.news.set()
        return count

    async def apply(self, receipt: Receipt) -> int:
        """Delete what the server has; see Outbox.apply."""
        count = await self.run(partial(self.outbox.apply, receipt))
        if count:
            self._freed.set()
        return count

    async def wait_while_crowded(self, rows: int) -> None:
        """Wait until the outbox is at ease again; for sources that can wait."""
        while self.outbox.crowded(rows):
            await self._wait_for_room()

    async def wait_until_empty(self) -> None:
        """Wait until the server has everything."""
        while self.outbox.pending or self.outbox.waiting:
            await self._wait_for_room()

    async def cursor(self, source: str) -> str | None:
        """See Outbox.cursor."""
        return await self.run(partial(self.outbox.cursor, source))

    async def unsent(
        self, limit: int, *, sent: Collection[int], hold_from_ms: int, live_from_ms: int
    ) -> list[Row]:
        """See Outbox.unsent."""
        ask = partial(self.outbox.unsent, sent=sent, hold_from_ms=hold_from_ms, live_from_ms=live_from_ms)
        return await self.run(partial(ask, limit))

    async def rows(self, keys: Sequence[int]) -> list[Row]:
        """See Outbox.rows."""
        return await self.run(partial(self.outbox.rows, keys))

    async def declare(self, stamp: Stamp) -> int:
        """See Outbox.declare."""
        return await self.run(partial(self.outbox.declare, stamp))

    async def restamp(self, now: Stamp) -> int:
        """See Outbox.restamp."""
        count = await self.run(partial(self.outbox.restamp, now))
        self.news.set()  # what was held back may be sent now
        return count

    async def close(self) -> None:
        """Close the outbox and end the thread."""
        await self.run(self.outbox.close)
        self._thread.shutdown()

    async def _wait_for_room(self) -> None:
        self._freed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), _LOOK_AGAIN_S)
        if self.outbox.waiting:
            await self.run(self.outbox.flush)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do something with files that belong to the outbox's thread, and return its result."""
        # A cancelled caller must not leave the work half known: it is finished, then the cancel goes on.
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        return await asyncio.shield(future)
