"""What changed, for everybody who watches: one listening connection, however many browsers are open.

The database notifies (`Channel.SPACES`) after each committed batch; the feed gathers the changed spaces,
reads them at most once a second, and hands them to every subscriber. A sweep finds what has no notification:
silence, a new space, changed floor plans, a notification that was missed, also that of an alert. Without a
listening connection the sweep runs every few seconds and does it all. It also runs when a window of five
minutes closes: the numbers of all spaces change then, and one space read by itself because of a tap would
show that tap. For the same reason the sweep alone tells of silence, which has no notification; and a new
subscriber gets everything before it gets changes.
"""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

from hubwell.api import live_state
from hubwell.api.live.alert_news import AlertNews
from hubwell.api.readings import closed_until
from hubwell.api.schemas import SpaceNow
from hubwell.evacuation.announcement import Announcement
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.http.parts import EvacuationWatch, HubSettings
from hubwell.screens.notices import ScreenNotices
from hubwell.spaces.plans import actions as plans
from hubwell.storage.notify import Channel, SpacesChanged, listen
from hubwell.vocabulary import ROLLUP_STEP

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
    evacuation: bool = True
    """Whether an evacuation or a drill began or ended; true at first, so that a watcher knows how it is."""
    plans: str | None = None
    """The version of the floor plans."""


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
        news, self.news = self.news, PendingUpdates(evacuation=False)
        return news


class Feed:
    """Collects changes while `run` runs, and passes them to subscribers, which may subscribe at any time."""

    def __init__(
        self,
        database: Database,
        evacuation: EvacuationWatch,
        hub: HubSettings,
        screens: ScreenNotices,
        pace: FeedIntervals | None = None,
    ) -> None:
        self._database = database
        self._hub = hub
        self._screens = screens
        self._evacuation = evacuation
        self._pace = pace or FeedIntervals()
        self._listening = False
        self._known: dict[str, SpaceNow] = {}
        self._known_of: datetime | None = None
        """End of the newest closed window when everything was looked at."""
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._sweep_now = asyncio.Event()
        self._subscribers: set[Subscription] = set()
        self._newcomers: set[Subscription] = set()
        self._looking = asyncio.Lock()  # a look that began earlier must not be handed out later
        self._closed = False
        self._evacuation_shown: Announcement | None = None
        self._alerts = AlertNews()
        self._plans = ""
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
        self._screens.close()
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

    @property
    def evacuation(self) -> Announcement | None:
        """Return the evacuation or drill that is open, as it was seen last."""
        return self._evacuation.current

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Watch: how changes arrive, within a second everything as it is, and then the changes."""
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
            [Channel.SPACES, Channel.EVACUATIONS, Channel.HUB, Channel.SCREENS],
            self._receive,
            name="api-listen",
            on_listening=partial(self._set_listening, listening=True),
            on_lost=partial(self._set_listening, listening=False),
        )

    def _set_listening(self, *, listening: bool) -> None:
        self._listening = listening
        self._sweep_now.set()
        self._screens.wake_all()

    async def _receive(self, channel: Channel, payload: str) -> None:
        if channel is Channel.SCREENS:
            self._screens.receive(payload, datetime.now(UTC))
            return
        if channel is not Channel.SPACES:
            self._sweep_now.set()
            return
        message = SpacesChanged.parse(payload)
        shared = [
            space for space in message.spaces if space not in self._known or not self._known[space].personal
        ]
        if message.alert is not None and shared and self._alerts.is_new(message.alert):
            self._pass_on({message.alert: shared})
        self._changed.update(message.spaces)
        self._wake.set()

    async def _hand_out(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
            if self._known_of != closed_until(datetime.now(UTC)):
                self._sweep_now.set()
            elif changed and self._subscribers:
                try:
                    async with self._looking:
                        news = self._new(await self._look(changed))
                        self._publish([space for space in news if not self._fell_silent(space)])
                except (DatabaseAwayError, SchemaMissingError):
                    self._sweep_now.set()  # it looks at everything, and says that the database is away
            await asyncio.sleep(self._pace.between_updates)

    async def _sweep(self) -> None:
        while True:
            self._sweep_now.clear()
            await self._sweep_once()
            # One look at a time, however many browsers ask for one.
            await asyncio.sleep(self._pace.between_updates)
            now = datetime.now(UTC)
            to_next_window = (closed_until(now) + ROLLUP_STEP - now).total_seconds()
            pause = min(self._pace.sweep if self._listening else self._pace.poll, to_next_window)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._sweep_now.wait()

    async def _sweep_once(self) -> None:
        newcomers, self._newcomers = self._newcomers, set()
        try:
            async with self._looking:
                async with self._database.connection() as conn:
                    await self._hub.read(conn)
                    self._pass_on(await self._alerts.missed(conn))
                    self._pass_on_plans(await plans.version(conn), newcomers)
                await self._look_for_evacuation()
                window = closed_until(datetime.now(UTC))
                spaces = await self._look(None)
                for subscriber in newcomers:
                    subscriber.news.spaces |= {space.id: space for space in spaces}
                    subscriber.wake()
                changed = self._new(spaces)
                self._known, self._known_of = {space.id: space for space in spaces}, window
                self._publish(changed)
        except (DatabaseAwayError, SchemaMissingError):
            self._newcomers |= newcomers & self._subscribers
            self._set_state("away")
        else:
            self._set_state("live" if self._listening else "polling")

    async def _look(self, ids: Collection[str] | None) -> list[SpaceNow]:
        async with self._database.connection() as conn:
            return await live_state.spaces(conn, ZoneInfo(self._hub.current.zone), ids)

    async def _look_for_evacuation(self) -> None:
        # Pages look as well, so what this process knows already is not yet what the watchers know.
        current = await self._evacuation.look()
        if current != self._evacuation_shown:
            self._evacuation_shown = current
            for subscriber in self._subscribers:
                subscriber.news.evacuation = True
                subscriber.wake()

    def _pass_on(self, alerts: dict[int, list[str]]) -> None:
        if alerts:
            for subscriber in self._subscribers:
                subscriber.news.alerts |= alerts
                subscriber.wake()

    def _pass_on_plans(self, version: str, newcomers: set[Subscription]) -> None:
        # Not to those who came during this look: their page may be of a newer version than it saw.
        informed = newcomers if version == self._plans else self._subscribers - self._newcomers
        self._plans = version
        for subscriber in informed:
            subscriber.news.plans = version
            subscriber.wake()

    def _new(self, spaces: list[SpaceNow]) -> list[SpaceNow]:
        """Return those that look different: an update of the others would reveal a tap there."""
        return [space for space in spaces if self._known.get(space.id) != space]

    def _fell_silent(self, space: SpaceNow) -> bool:
        """Return whether sensors of the space became silent, which no notification was about."""
        known = self._known.get(space.id)
        return known is not None and any(
            after == "silent" != before
            for before, after in (
                (known.air_reason, space.air_reason),
                (known.presence_reason, space.presence_reason),
            )
        )

    def _publish(self, spaces: list[SpaceNow]) -> None:
        update = {space.id: space for space in spaces}
        self._known |= update
        for subscriber in self._subscribers - self._newcomers:  # newcomers get everything from the next sweep
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
