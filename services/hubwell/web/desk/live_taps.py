"""Rings when a badge is held to a desk's reader: one connection listens, while somebody has the desk open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import psycopg

from hubwell.storage.connect import connect
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.people")
_AGAIN_S: Final = 2.0


class DeskNotifier:
    """Sets the event of each listener. It may ring once too often, after the connection was lost."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._ears: set[asyncio.Event] = set()
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set at each ring; whoever waits for it clears it."""
        rung = asyncio.Event()
        self._ears.add(rung)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="hubwell-api[desk]")
        try:
            yield rung
        finally:
            self._ears.discard(rung)
            if not self._ears and self._listening is not None:
                listening, self._listening = self._listening, None
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def _listen(self) -> None:
        while True:
            # The page looks every few seconds too, so nothing is missed while the database is away.
            with suppress(psycopg.Error):
                async with await connect(self._url, name="api-desk") as conn:
                    await conn.execute(_SQL["listen"])
                    self._ring()
                    async for _ in conn.notifies():
                        self._ring()
            await asyncio.sleep(_AGAIN_S)

    def _ring(self) -> None:
        for rung in self._ears:
            rung.set()
