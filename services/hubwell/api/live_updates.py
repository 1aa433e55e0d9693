"""What changed, for everybody who watches: one listening connection, however many browsers are open.

The database notifies (`Channel.SPACES`) after each committed batch; the feed gathers the changed spaces,
reads them at most once a second, and hands them to every subscriber. A sweep finds what has no notification:
silence, a new space, a notification that was lost. Without a listening connection the sweep runs every few
seconds and does it all.
"""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from hubwell.api import live_state
from hubwell.api.schemas import SpaceNow
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.storage.notify import Channel, SpacesChanged, listen

State = Literal["live", "polling", "away"]


@dataclass(frozen=True, slots=True)
class FeedIntervals:
    """How often, in seconds."""

    between_updates: float = 1.0
    """The shortest time between two updates of one space."""
    sweep: float = 15.0
    """Between two looks at everything, while notifications come."""
    poll: float = 3.0
    """The same while they do not."""


@dataclass(frozen=True, slots=True)
class Status:
    """How changes arrive, and since when it is so."""

    state: State
    since: datetime


@dataclass(slots=True)
class PendingUpdates:
    """What a subscriber has not seen yet: the newest of everything, so it cannot grow."""

    spaces: dict[str, SpaceNow] = field(default_factory=dict)
    alerts: dict[int, list[str]] = field(default_factory=dict)
    """Spaces concerned, by the id of the alert's event."""
    status: Status | None = None


class Subscription:
    """One watcher's view of the feed."""

    def __init__(self) -> None:
        self.news = PendingUpdates()
        self._arrived = asyncio.Event()
        self.closed = False

    def wake(self) -> None:
        """Wake the watcher: there is something to take, or the feed ended."""
        self._arrived.set()

    async def take(self, *, within: float) -> PendingUpdates | None:
        """Return the news, possibly none after `within` seconds; None when the feed ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._arrived.wait()
        self._arrived.clear()
        if self.closed:
            return None
        news, self.news = self.news, PendingUpdates()
        return news


class Feed:
    """Collects changes while `run` runs, and passes them to subscribers, which may subscribe at any time."""

    def __init__(self, database: Database, pace: FeedIntervals | None = None) -> None:
        self._database = database
        self._pace = pace or FeedIntervals()
        self._listening = False
        self._known: dict[str, SpaceNow] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._sweep_now = asyncio.Event()
        self._subscribers: set[Subscription] = set()
        self._newcomers: set[Subscription] = set()
        self._looking = asyncio.Lock()  # a look that began earlier must not be handed out later
        self._closed = False
        self.status: Status | None = None  # not known before the first look

    async def run(self) -> None:
        """Keep the feed going until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="hubwell-api[listen]")
            tasks.create_task(self._hand_out(), name="hubwell-api[hand-out]")
            tasks.create_task(self._sweep(), name="hubwell-api[sweep]")

    def close(self) -> None:
        """End every subscription, so that the server can stop with browsers still open."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.closed = True
            subscriber.wake()

    @property
    def state(self) -> State:
        """How changes arrive; `away` before the first look."""
        return "away" if self.status is None else self.status.state

    def known(self) -> list[SpaceNow]:
        """Return every space as it was seen last, in the order of the board."""
        return list(self._known.values())

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Watch: begins with how changes arrive, and within a second everything as it is."""
        subscriber = Subscription()
        subscriber.closed = self._closed
        subscriber.news.status = self.status
        subscriber.wake()
        self._subscribers.add(subscriber)
        self._newcomers.add(subscriber)
        self._sweep_now.set()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            self._newcomers.discard(subscriber)

    async def _listen(self) -> None:
        # An engine that has no room for a second connection stays without: the sweep does it all there.
        await listen(
            self._database.url,
            [Channel.SPACES],
            self._receive,
            name="api-listen",
            on_listening=partial(self._set_listening, listening=True),
            on_lost=partial(self._set_listening, listening=False),
        )

    def _set_listening(self, *, listening: bool) -> None:
        self._listening = listening
        self._sweep_now.set()

    async def _receive(self, _: Channel, payload: str) -> None:
        message = SpacesChanged.parse(payload)
        shared = [
            space for space in message.spaces if space not in self._known or not self._known[space].personal
        ]
        if message.alert is not None and shared:
            for subscriber in self._subscribers:
                subscriber.news.alerts[message.alert] = shared
        self._changed.update(message.spaces)
        self._wake.set()

    async def _hand_out(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
            if changed and self._subscribers:
                try:
                    async with self._looking:
                        self._publish(self._new(await self._look(changed)))
                except (DatabaseAwayError, SchemaMissingError):
                    self._sweep_now.set()  # it looks at everything, and says that the database is away
            await asyncio.sleep(self._pace.between_updates)

    async def _sweep(self) -> None:
        while True:
            self._sweep_now.clear()
            await self._sweep_once()
            # One look at a time, however many browsers ask for one.
            await asyncio.sleep(self._pace.between_updates)
            pause = self._pace.sweep if self._listening else self._pace.poll
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._sweep_now.wait()

    async def _sweep_once(self) -> None:
        newcomers, self._newcomers = self._newcomers, set()
        try:
            async with self._looking:
                spaces = await self._look(None)
                for subscriber in newcomers:
                    subscriber.news.spaces |= {space.id: space for space in spaces}
                    subscriber.wake()
                changed = self._new(spaces)
                self._known = {space.id: space for space in spaces}
                self._publish(changed)
        except (DatabaseAwayError, SchemaMissingError):
            self._newcomers |= newcomers & self._subscribers
            self._set_state("away")
        else:
            self._set_state("live" if self._listening else "polling")

    async def _look(self, ids: Collection[str] | None) -> list[SpaceNow]:
        async with self._database.connection() as conn:
            return await live_state.spaces(conn, ids)

    def _new(self, spaces: list[SpaceNow]) -> list[SpaceNow]:
        """Return those that look different: an update of the others would reveal a tap there."""
        return [space for space in spaces if self._known.get(space.id) != space]

    def _publish(self, spaces: list[SpaceNow]) -> None:
        update = {space.id: space for space in spaces}
        self._known |= update
        for subscriber in self._subscribers:
            subscriber.news.spaces |= update
            if update:
                subscriber.wake()

    def _set_state(self, state: State) -> None:
        if self.status is not None and state == self.status.state:
            return
        self.status = Status(state, datetime.now(UTC))
        for subscriber in self._subscribers:
            subscriber.news.status = self.status
            subscriber.wake()
