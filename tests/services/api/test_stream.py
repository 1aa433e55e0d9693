"""The event stream: everything at first, then what changed, gathered; it survives the database's absence."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from hubwell.api.live import updates
from hubwell.api.live.updates import Feed, FeedIntervals, Subscription
from hubwell.api.schemas import SpaceNow
from hubwell.http.database import Database as Pool
from hubwell.http.parts import EvacuationWatch, HubSettings
from hubwell.screens.notices import ScreenNotices
from hubwell.settings import Settings
from lanes.database_lane import Database
from lanes.servers import free_port
from services.web.running_site import QUICK, Site, away
from services.web.sample_hub import ORDINARY, Hub

Event = tuple[str, Any]


class Watcher:
    """Reads a stream and keeps what came."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._arrived = asyncio.Event()

    async def read(self, response: httpx.Response) -> None:
        kind = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                self.events.append((kind, json.loads(line.removeprefix("data: "))))
                self._arrived.set()

    async def until(self, kind: str, **expected: Any) -> None:
        """Wait until an event of this kind says what is expected."""
        async with asyncio.timeout(10):
            while not any(kind == came and data.items() >= expected.items() for came, data in self.events):
                self._arrived.clear()
                await self._arrived.wait()

    def of(self, space: str) -> list[dict[str, Any]]:
        return [data for kind, data in self.events if kind == "space" and data["id"] == space]


@asynccontextmanager
async def watching(site: Site) -> AsyncIterator[Watcher]:
    """Watch the stream, from when everything was told."""
    watcher = Watcher()
    async with site.client.stream("GET", "/api/v1/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        reading = asyncio.create_task(watcher.read(response))
        await watcher.until("status", state="live")
        await watcher.until("space", id="library")
        try:
            yield watcher
        finally:
            reading.cancel()


async def test_stream_begins_with_everything(site: Site) -> None:
    async with watching(site) as watcher:
        assert {data["id"] for kind, data in watcher.events if kind == "space"} == {
            row[0] for row in ORDINARY
        }


async def test_change_arrives_without_asking(hub: Hub, site: Site) -> None:
    async with watching(site) as watcher:
        hub.reading("studio-1", "presence", 1)
        hub.notify("studio", alert=17)

        await watcher.until("space", id="studio", state="used")
        await watcher.until("alert", event=17, spaces=["studio"])


async def test_alert_arrives_at_once_though_its_space_looks_as_before(hub: Hub, site: Site) -> None:
    async with watching(site) as watcher:
        hub.notify("studio", alert=17)

        await watcher.until("alert", event=17, spaces=["studio"])  # 10 s; the next heartbeat is after 15 s


async def test_alert_whose_notification_was_missed_arrives_once(hub: Hub, site: Site) -> None:
    async with watching(site) as watcher:
        missed = hub.delivered("an episode", "studio", datetime.now(UTC))
        await watcher.until("alert", event=missed, spaces=["studio"])
        hub.notify("studio", alert=missed)
        hub.notify("studio", alert=missed + 1)
        await watcher.until("alert", event=missed + 1)

        assert [data["event"] for kind, data in watcher.events if kind == "alert"] == [missed, missed + 1]


async def test_alert_of_one_persons_room_is_no_news(hub: Hub, site: Site) -> None:
    hub.conn.execute("UPDATE space SET personal = true WHERE id = 'studio'")
    async with watching(site) as watcher:
        hub.delivered("an episode", "studio", datetime.now(UTC))
        shared = hub.delivered("an episode", "library", datetime.now(UTC))
        await watcher.until("alert", event=shared, spaces=["library"])

        assert [data["event"] for kind, data in watcher.events if kind == "alert"] == [shared]


async def test_many_changes_become_few_updates_and_the_last_one_counts(hub: Hub, site: Site) -> None:
    async with watching(site) as watcher:
        before = len(watcher.of("studio"))
        for value in range(500, 800):
            hub.reading("studio-1", "presence", value % 2)
            hub.notify("studio")

        await watcher.until("space", id="studio", state="used")
        assert len(watcher.of("studio")) - before < 60  # of 300 notifications


async def test_silence_is_noticed_though_nobody_notifies(hub: Hub, site: Site) -> None:
    async with watching(site) as watcher:
        hub.conn.execute("UPDATE reading SET time = time - interval '1 day'")

        await watcher.until("space", id="studio", state="unknown")


async def test_unreadable_notification_does_no_harm(hub: Hub, site: Site) -> None:
    async with watching(site) as watcher:
        for payload in ("", "spaces", "[]", '{"spaces": 3}', '{"spaces": [null]}', '{"spaces": ["attic"]}'):
            hub.conn.execute("SELECT pg_notify(channel_name('hubwell_change'), %s)", (payload,))
        hub.reading("studio-1", "presence", 1)
        hub.notify("studio")

        await watcher.until("space", id="studio", state="used")


async def test_stream_tells_that_the_database_is_away_and_catches_up(site: Site) -> None:
    async with watching(site) as watcher:
        watcher.events.clear()
        with away(site.database):
            await watcher.until("status", state="away")
        watcher.events.clear()
        with psycopg.connect(site.database.url, autocommit=True) as conn:
            Hub(conn).reading("studio-1", "presence", 1)  # and no notification: it was missed

        await watcher.until("status", state="live")
        await watcher.until("space", id="studio", state="used")


@asynccontextmanager
async def running_feed(database: Database, pace: FeedIntervals) -> AsyncIterator[Feed]:
    """Give a feed that runs, without a server around it."""
    pool = Pool(database.url)
    hub = HubSettings(pool, Settings(database_url=database.url), lambda _: None)
    feed = Feed(pool, EvacuationWatch(pool), hub, ScreenNotices(), pace)
    await pool.open()
    running = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await pool.close()


async def next_spaces(watcher: Subscription) -> dict[str, SpaceNow]:
    """Wait for the next news of spaces."""
    async with asyncio.timeout(20):
        while True:
            news = await watcher.take(within=1)
            assert news is not None
            if news.spaces:
                return news.spaces


async def told_of_everything(feed: Feed, watcher: Subscription) -> None:
    """Wait until a new watcher has seen every space, and the feed hears notifications."""
    await next_spaces(watcher)
    async with asyncio.timeout(20):
        while feed.state != "live":
            await watcher.take(within=1)
    with feed.subscribe() as later:  # a look that was asked for meanwhile comes before this one's
        await next_spaces(later)


async def test_without_a_listening_connection_the_feed_polls(
    hub: Hub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("there is room for one connection only")

    monkeypatch.setattr("hubwell.storage.connect.connect", refused)
    async with running_feed(database, QUICK) as feed:
        with feed.subscribe() as subscription:
            async with asyncio.timeout(10):
                while feed.state != "polling":
                    await subscription.take(within=1)
                hub.reading("studio-1", "presence", 1)
                state = "free"
                while state != "used":
                    news = await subscription.take(within=1)
                    assert news is not None
                    state = news.spaces["studio"].state if "studio" in news.spaces else state


async def test_slow_watcher_holds_the_newest_of_each_space_and_no_more(hub: Hub, database: Database) -> None:
    async with running_feed(database, QUICK) as feed:
        with feed.subscribe() as slow, feed.subscribe() as quick:
            value = 0
            async with asyncio.timeout(20):
                while value < 10:
                    news = await quick.take(within=1)
                    if news is not None and "studio" in news.spaces:
                        value += 1
                        hub.reading("studio-1", "presence", value % 2, datetime.now(UTC))
                        hub.notify("studio")
            assert len(slow.news.spaces) <= len(ORDINARY)


async def test_a_newcomer_is_told_of_everything_before_anything_that_changes(
    hub: Hub, database: Database
) -> None:
    everything = {row[0] for row in ORDINARY}
    async with running_feed(database, FeedIntervals(between_updates=1, sweep=60, poll=60)) as feed:
        with feed.subscribe() as first:
            await told_of_everything(feed, first)
            with feed.subscribe() as second:  # the next look at everything is a second away
                hub.reading("studio-1", "presence", 1)
                hub.notify("studio")
                assert set(await next_spaces(first)) == {"studio"}
                assert set(await next_spaces(second)) == everything
            with feed.subscribe() as third:
                assert set(await next_spaces(third)) == everything


async def test_silence_is_no_news_of_one_space_that_was_notified(
    hub: Hub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence has no notification: read for a tap before the others, a silent space would show that tap."""
    window = datetime.now(UTC) + timedelta(minutes=1)  # none closes meanwhile
    monkeypatch.setattr(updates, "closed_until", lambda _: window)
    async with running_feed(database, FeedIntervals(between_updates=0.05, sweep=60, poll=60)) as feed:
        with feed.subscribe() as watcher:
            await told_of_everything(feed, watcher)
            hub.conn.execute(
                """UPDATE reading SET time = time - interval '1 day' WHERE series_id IN (
                       SELECT id FROM series WHERE device_id <> 'library-1')"""
            )
            hub.notify("studio")
            hub.reading("library-1", "presence", 1)
            hub.notify("library")
            news = await next_spaces(watcher)
            assert set(news) == {"library"}
            with feed.subscribe():  # whoever joins has everything looked at
                news = await next_spaces(watcher)
            assert {"studio"} < set(news)
            assert news["studio"].state == "unknown"


async def test_in_a_new_window_a_notification_brings_no_space_alone(
    hub: Hub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All numbers change when a window closes: read by itself for a tap, a space would show that tap."""
    async with running_feed(database, FeedIntervals(between_updates=0.05, sweep=60, poll=60)) as feed:
        with feed.subscribe() as watcher:
            await told_of_everything(feed, watcher)
            for device in ("studio-1", "library-1"):
                hub.reading(device, "presence", 1)
                hub.reading(device, "co2", 2500)
            later = datetime.now(UTC) + timedelta(minutes=1)
            monkeypatch.setattr(updates, "closed_until", lambda _: later)
            hub.notify("studio")
            assert {"studio", "library"} <= set(await next_spaces(watcher))


async def test_server_stops_promptly_with_watchers_and_ends_well(database: Database) -> None:
    port = free_port()
    program = (
        "from hubwell.app import serve; from hubwell.settings import Settings; "
        f"serve(Settings(database_url={database.url!r}, http_port={port}))"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            async with asyncio.timeout(60):
                while True:
                    try:
                        async with client.stream("GET", "/api/v1/stream") as response:
                            async for line in response.aiter_lines():
                                if line.startswith("event: status"):
                                    server.send_signal(signal.SIGTERM)
                        break
                    except httpx.ConnectError:
                        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(server.wait(), 3) == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


def test_taken_port_is_one_clear_sentence(database: Database) -> None:
    program = (
        "import sys, socket; from hubwell.app import serve; from hubwell.settings import Settings; "
        "from hubwell.runtime.start_errors import CannotStartError\n"
        "held = socket.create_server(('127.0.0.1', 0))\n"
        f"settings = Settings(database_url={database.url!r}, http_port=held.getsockname()[1])\n"
        "try: serve(settings)\n"
        "except CannotStartError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert "cannot be used (Address already in use): choose another port" in done.stdout
