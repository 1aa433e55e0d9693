"""Worker and ingest follow what administrators choose, without a restart by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
import pytest

from hubwell.access.principal import Principal
from hubwell.hub_profile.follow import follow
from hubwell.settings import Settings
from hubwell.switchboard import Switchboard
from hubwell.workflows import hub
from lanes.database_lane import Database

CLI = Principal(actor="cli")


class Work:
    """Notes with which settings it began, and whether one run is on at a time."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[Settings] = asyncio.Queue()
        self.running = 0
        self.most = 0

    async def __call__(self, settings: Settings) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.put_nowait(settings)
        try:
            await asyncio.Event().wait()
        finally:
            self.running -= 1

    async def next(self) -> Settings:
        async with asyncio.timeout(10):
            return await self.begun.get()


async def change(database: Database, settings: Settings, **values: str) -> None:
    """Do what page, API and command do."""
    conn: psycopg.AsyncConnection[Any]
    async with await psycopg.AsyncConnection.connect(database.url) as conn:
        facts = await hub.change(conn, CLI, values, settings)
        await Switchboard.of(settings).commit(conn, facts)


@asynccontextmanager
async def following(settings: Settings, work: Work) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(settings, work, name="test"))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert work.running == 0


async def test_work_begins_with_what_was_chosen_and_again_when_that_changes(database: Database) -> None:
    settings, work = Settings(database_url=database.url), Work()
    await change(database, settings, zone="Europe/Riga")
    async with following(settings, work):
        first = await work.next()
        assert (first.zone, first.language) == ("Europe/Riga", "en")

        await change(database, settings, language="lv", assembly_point="Behind the oak")

        second = await work.next()
        assert (second.zone, second.language, second.assembly_point) == (
            "Europe/Riga",
            "lv",
            "Behind the oak",
        )
        await change(database, settings, zone="")
        assert (await work.next()).zone == "Europe/Helsinki"
    assert (work.most, work.begun.empty()) == (1, True)


async def test_what_the_environment_sets_stays_and_interrupts_nothing(database: Database) -> None:
    open_to_all, work = Settings(database_url=database.url), Work()
    fixed = Settings(database_url=database.url, zone="Europe/Rome")
    async with following(fixed, work):
        assert (await work.next()).zone == "Europe/Rome"
        await change(database, open_to_all, zone="Europe/Riga")
        await change(database, open_to_all, language="lv")
        assert ((newest := await work.next()).zone, newest.language) == ("Europe/Rome", "lv")
    assert work.begun.empty()


async def test_failure_of_the_work_is_raised(database: Database) -> None:
    async def work(settings: Settings) -> None:
        del settings
        raise LookupError("the number is taken")

    with pytest.raises(LookupError):
        await follow(Settings(database_url=database.url), work, name="test")


async def test_zone_that_this_machine_does_not_know_is_left_out(database: Database) -> None:
    settings, work = Settings(database_url=database.url), Work()
    await change(database, settings, language="lv")
    conn: psycopg.AsyncConnection[Any]
    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as conn:
        await conn.execute("UPDATE hub_profile SET zone = 'Europe/Atlantis'")
    async with following(settings, work):
        assert ((first := await work.next()).zone, first.language) == ("Europe/Helsinki", "lv")
