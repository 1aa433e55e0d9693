"""Asyncio access to the outbox: every call runs in the one thread that owns the file.

Also carries two signals between agent, uplink and outbox: a message was stored, and room was made.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from hubwell_edge.clock import Stamp
from hubwell_edge.outbox.message import DraftMessage, StoredMessage
from hubwell_edge.outbox.store import Outbox
from hubwell_wire.messages import Receipt

Result = TypeVar("Result")

_RETRY_S: Final = 1.0


class OutboxThread:
    """Wraps an open outbox. `wakeup` is set when there is something to send; the uplink clears it."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.wakeup = asyncio.Event()
        self._freed = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "outbox")

    async def put(self, drafts: Sequence[DraftMessage], cursors: Mapping[str, str]) -> bool:
        """Store drafts and cursors, or retry unwritten ones when there are none; see Outbox.put."""
        if not drafts and not cursors:
            return await self.run(self.outbox.flush)
        stored = await self.run(partial(self.outbox.put, drafts, cursors))
        self.wakeup.set()
        return stored

    async def put_event(self, draft: DraftMessage) -> tuple[UUID, int] | None:
        """Store one event and return its boot and number; see Outbox.put_event."""
        number = await self.run(partial(self.outbox.put_event, draft))
        self.wakeup.set()
        return number

    async def erase(self, badges: Collection[str]) -> int:
        """Delete the taps of these badges; see Outbox.erase."""
        count = await self.run(partial(self.outbox.erase, badges))
        self._freed.set()
        self.wakeup.set()
        return count

    async def apply(self, receipt: Receipt) -> int:
        """Delete the messages that a receipt covers; see Outbox.apply."""
        count = await self.run(partial(self.outbox.apply, receipt))
        if count:
            self._freed.set()
        return count

    async def wait_while_crowded(self, messages: int) -> None:
        """Wait until the outbox is no longer crowded; for sources that can wait. See Outbox.crowded."""
        while self.outbox.crowded(messages):
            await self._wait_for_room()

    async def wait_until_empty(self) -> None:
        """Wait until every message has a receipt."""
        while self.outbox.pending or self.outbox.unwritten:
            await self._wait_for_room()

    async def cursor(self, source: str) -> str | None:
        """See Outbox.cursor."""
        return await self.run(partial(self.outbox.cursor, source))

    async def unsent(
        self, limit: int, *, sent: Collection[int], hold_from_ms: int, recent_from_ms: int
    ) -> list[StoredMessage]:
        """See Outbox.unsent."""
        query = partial(
            self.outbox.unsent, sent=sent, hold_from_ms=hold_from_ms, recent_from_ms=recent_from_ms
        )
        return await self.run(partial(query, limit))

    async def load(self, keys: Sequence[int]) -> list[StoredMessage]:
        """See Outbox.load."""
        return await self.run(partial(self.outbox.load, keys))

    async def declare(self, stamp: Stamp) -> int:
        """See Outbox.declare."""
        return await self.run(partial(self.outbox.declare, stamp))

    async def restamp(self, now: Stamp) -> int:
        """See Outbox.restamp."""
        count = await self.run(partial(self.outbox.restamp, now))
        self.wakeup.set()  # messages that were held back may be sent now
        return count

    async def close(self) -> None:
        """Close the outbox and end its thread."""
        await self.run(self.outbox.close)
        self._thread.shutdown()

    async def _wait_for_room(self) -> None:
        self._freed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), _RETRY_S)
        if self.outbox.unwritten:
            await self.run(self.outbox.flush)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the outbox's thread, for files that belong to it, and return its result."""
        # Cancelling the caller does not cancel the work: the thread finishes what it has begun.
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        return await asyncio.shield(future)
