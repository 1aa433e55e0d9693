"""One reader as a source of the agent: its cards go to the tap desk, its faults to the outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from hubwell_edge.readers.card_stream import cards
from hubwell_edge.readers.reader import Reader
from hubwell_edge.sources.observation import Observation
from hubwell_edge.taps.tap_handler import Door, TapHandler
from hubwell_wire.messages import FaultData


class TapSource:
    """Reads one reader for ever. Taps are stored by the desk, at once and each for itself."""

    def __init__(self, reader: Reader, door: Door, desk: TapHandler) -> None:
        self.name = f"reader-{reader.name}"
        self._reader, self._door, self._desk = reader, door, desk

    async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield the faults and recoveries of the reader; it has no cursor."""
        del cursor
        news: asyncio.Queue[FaultData | None] = asyncio.Queue()
        work = asyncio.create_task(self._serve(news), name=f"{self.name}.cards")
        work.add_done_callback(lambda _: news.put_nowait(None))
        self._door.feedback.open()
        try:
            while (fault := await news.get()) is not None:
                yield Observation(event=fault)
            await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            self._door.feedback.close()

    async def _serve(self, news: asyncio.Queue[FaultData | None]) -> None:
        async with aclosing(cards(self._reader, news.put_nowait)) as stream:
            async for card in stream:
                await self._desk.present(self._door, card)
