"""A badge reader as a source of the agent: cards go to the tap handler, faults to the outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from hubwell_edge.readers.card_stream import cards
from hubwell_edge.readers.reader import Reader, Unreadable
from hubwell_edge.sources.observation import Observation
from hubwell_edge.taps.tap_handler import Door, TapHandler
from hubwell_wire.messages import FaultData


class TapSource:
    """Reads the cards of one reader until closed.

    The tap handler stores each tap at once, outside any batch.
    """

    def __init__(self, reader: Reader, door: Door, handler: TapHandler) -> None:
        self.name = f"reader-{reader.name}"
        self._reader, self._door, self._handler = reader, door, handler

    async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield the faults and recoveries of the reader. There is no cursor."""
        del cursor
        faults: asyncio.Queue[FaultData | None] = asyncio.Queue()
        work = asyncio.create_task(self._serve(faults), name=f"{self.name}.cards")
        work.add_done_callback(lambda _: faults.put_nowait(None))
        self._door.feedback.open()
        try:
            while (fault := await faults.get()) is not None:
                yield Observation(event=fault)
            await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            self._door.feedback.close()

    async def _serve(self, faults: asyncio.Queue[FaultData | None]) -> None:
        async with aclosing(cards(self._reader, faults.put_nowait)) as stream:
            async for card in stream:
                if isinstance(card, Unreadable):
                    self._handler.handle_unreadable(self._door)
                else:
                    await self._handler.handle_card(self._door, card)
