"""Notifications: after the commit, on the right channel, through outages, whatever their payload is."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from feed.ingest_setup import one, rows
from flows.system_processes import eventually
from hubwell.storage.connect import connect, connection
from hubwell.storage.notify import Channel, SpacesChanged, listen, notify, notify_each, notify_spaces
from lanes.database_lane import Database

PATIENCE_S = 20.0
LISTENERS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'hubwell-test-listen'"
)


class Heard:
    """What a listener got, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self._arrived = asyncio.Event()

    async def receive(self, channel: Channel, payload: str) -> None:
        self.note(channel, payload)
        if payload == "unreadable":
            raise ValueError("not a payload of this channel")

    def note(self, kind: str, payload: str = "") -> None:
        self.events.append((kind, payload))
        self._arrived.set()

    async def until(self, reached: Callable[[list[tuple[str, str]]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not reached(self.events):
                self._arrived.clear()
                await self._arrived.wait()


@asynccontextmanager
async def listening(url: str, *channels: Channel) -> AsyncIterator[Heard]:
    heard = Heard()
    task = asyncio.create_task(
        listen(
            url,
            channels,
            heard.receive,
            name="test-listen",
            on_listening=lambda: heard.note("listening"),
            on_lost=lambda: heard.note("lost"),
        )
    )
    try:
        await heard.until(lambda events: ("listening", "") in events)
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_notification_arrives_after_the_commit(database: Database) -> None:
    async with listening(database.url, Channel.DESK_TAPS, Channel.ERASURES) as heard:
        async with await connect(database.url, name="test") as conn:
            with suppress(psycopg.errors.DivisionByZero):
                async with conn.transaction():
                    await notify(conn, Channel.DESK_TAPS, "rolled back")
                    await conn.execute("SELECT 1/0")
            await notify(conn, Channel.ALLOWLISTS, "nobody listens to this channel")
            await notify_each(conn, Channel.DESK_TAPS, ["1", "2"])
            await notify(conn, Channel.ERASURES)
        await heard.until(lambda events: (Channel.ERASURES, "") in events)
    assert heard.events == [
        ("listening", ""),
        (Channel.DESK_TAPS, "1"),
        (Channel.DESK_TAPS, "2"),
        (Channel.ERASURES, ""),
    ]


async def test_unreadable_payload_is_logged_and_everything_is_looked_at(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(database.url, Channel.DEPARTURES) as heard:
        async with await connect(database.url, name="test") as conn:
            await notify(conn, Channel.DEPARTURES, "unreadable")
            await notify(conn, Channel.DEPARTURES, "2")
        await heard.until(lambda events: (Channel.DEPARTURES, "2") in events)
    assert [kind for kind, _ in heard.events] == [
        "listening", Channel.DEPARTURES, "listening", Channel.DEPARTURES
    ]  # fmt: skip
    assert "unreadable on hubwell_left: 'unreadable'" in caplog.text


@pytest.mark.parametrize(
    "failure", [ValueError("x"), RecursionError(), KeyError("x"), psycopg.DataError("x")]
)
async def test_no_payload_ends_a_listener(database: Database, failure: Exception) -> None:
    heard: list[str] = []

    async def receive(_: Channel, payload: str) -> None:
        heard.append(payload)
        if payload == "odd":
            raise failure

    task = asyncio.create_task(listen(database.url, list(Channel), receive, name="test-any"))
    async with await connect(database.url, name="test") as conn, asyncio.timeout(PATIENCE_S):
        while "end" not in heard:
            await notify(conn, Channel.DEPARTURES, "odd")
            await notify(conn, Channel.SPACES, "end")
            await asyncio.sleep(0.1)
            assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_listener_that_is_cancelled_again_and_again_leaves_no_connection(database: Database) -> None:
    """As a page's stream is: its server cancels it in each turn of the event loop until it has ended."""

    async def receive(_: Channel, __: str) -> None:
        received.set()
        await asyncio.sleep(PATIENCE_S)

    async with connection(database.url, name="test") as conn:
        for pauses in [*range(25), None]:
            received, ready = asyncio.Event(), asyncio.Event()
            task = asyncio.create_task(
                listen(database.url, [Channel.HUB], receive, name="test-listen", on_listening=ready.set)
            )
            if pauses is None:
                await ready.wait()
                await notify(conn, Channel.HUB)
                await received.wait()
            for _ in range(pauses or 0):
                await asyncio.sleep(0.0005)
            while not task.done():
                task.cancel()
                await asyncio.sleep(0)
            del task  # its traceback holds what an attempt to connect had opened
            eventually(lambda: one(database.url, LISTENERS) == 0, "the listener's connection is closed")


async def test_lost_connection_is_made_again(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(database.url, Channel.SPACES) as heard:
        rows(
            database.url,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'hubwell-test-listen' AND datname = current_database()",
        )
        await heard.until(lambda events: events.count(("listening", "")) == 2)
        async with await connect(database.url, name="test") as conn:
            await notify_spaces(conn, ["lab"])
        await heard.until(lambda events: (Channel.SPACES, '{"spaces": ["lab"]}') in events)
    assert [kind for kind, _ in heard.events] == ["listening", "lost", "listening", Channel.SPACES]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("no notifications for test-listen: ")


async def test_many_spaces_take_several_notifications(database: Database) -> None:
    spaces = [f"{n:03}-{'x' * 59}" for n in range(250)]
    async with listening(database.url, Channel.SPACES) as heard:
        async with await connect(database.url, name="test") as conn:
            await notify_spaces(conn, spaces)
            await notify_spaces(conn, [])
            await notify(conn, Channel.SPACES, "end")
        await heard.until(lambda events: (Channel.SPACES, "end") in events)
    parts = [SpacesChanged.parse(payload) for _, payload in heard.events[1:-1]]
    assert [len(part.spaces) for part in parts] == [100, 100, 50]
    assert [space for part in parts for space in part.spaces] == spaces


def test_spaces_changed_comes_back_from_its_payload() -> None:
    for message in (SpacesChanged(("lab", "den")), SpacesChanged(("lab",), alert=17), SpacesChanged(())):
        assert SpacesChanged.parse(message.payload()) == message
    assert SpacesChanged.parse('{"spaces": [null, "lab"], "alert": "17"}') == SpacesChanged(("lab",))


@pytest.mark.parametrize("payload", ["", "spaces", "[]", "3", '{"spaces": 3}', '{"space": []}'])
def test_other_payloads_are_a_value_error(payload: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        SpacesChanged.parse(payload)


def test_every_channel_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text()
    assert [channel for channel in Channel if f"`{channel.name}` `{channel}`" not in text] == []
