"""Push notifications of a channel to open pages: one connection listens while a page is open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hubwell.storage.notify import Channel, listen


class Notifier:
    """Sets the event of each subscriber; once too often after the connection was lost."""

    def __init__(self, database_url: str, channel: Channel) -> None:
        self._url = database_url
        self._channel = channel
        self._subscribers: set[asyncio.Event] = set()
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set at each notification; the subscriber clears it."""
        notified = asyncio.Event()
        self._subscribers.add(notified)
        if self._listening is None:
            self._listening = asyncio.create_task(
                self._listen(), name=f"hubwell-api[{self._channel.name.lower()}]"
            )
        try:
            yield notified
        finally:
            self._subscribers.discard(notified)
            if not self._subscribers and self._listening is not None:
                listening, self._listening = self._listening, None
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def _listen(self) -> None:
        # Pages look every few seconds too, so nothing is missed while the database is away.
        name = f"api-{self._channel.name.lower()}"
        await listen(self._url, [self._channel], self._receive, name=name, on_listening=self._notify)

    async def _receive(self, _: Channel, __: str) -> None:
        self._notify()

    def _notify(self) -> None:
        for notified in self._subscribers:
            notified.set()
