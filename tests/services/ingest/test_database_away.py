"""A batch waits for a database that is away, fails or has no tables, and is stored once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection

from feed.ingest_setup import device_in, ingest_of, one, receipts, rows, settings_for
from feed.simulated_device import Device
from hubwell.events import Facts, TapAnswered
from hubwell.ingest.consumer import Ingest
from hubwell.storage.connect import connect_sync
from hubwell.storage.migrate import migrate
from hubwell.switchboard import Switchboard
from lanes.database_lane import Database
from services.ingest.hour_of_messages import NOW, day


def test_connection_lost_in_the_middle_is_tried_again(database: Database) -> None:
    """The database ends the connection after the rows were written and before the commit."""
    url = database.url
    pi = device_in(url, "lab")
    packets = day([pi])
    settings = settings_for(url)
    kills = 3

    async def react_and_die(conn: AsyncConnection[Any], facts: Facts) -> list[TapAnswered]:
        nonlocal kills
        answers = await Switchboard.of(settings).commit(conn, facts)
        if kills:
            kills -= 1
            with connect_sync(url, name="killer") as killer:
                killer.execute("SELECT pg_terminate_backend(%s, 5000)", (conn.info.backend_pid,))
        return answers

    async def work() -> list[Any]:
        ingest = Ingest(settings, react_and_die)
        try:
            return [outcome for half in (packets[:40], packets[40:]) for outcome in await ingest.commit(half)]
        finally:
            await ingest.close()

    outcomes = asyncio.run(work())
    assert kills == 0
    assert receipts(outcomes)[-1].message.upto == pi.seq
    assert rows(url, "SELECT DISTINCT copies FROM message") == [(1,)]
    assert one(url, "SELECT count(*) FROM message") == pi.seq
    assert one(url, "SELECT count(*) FROM reading") == 60 * 3


def test_queue_that_fails_is_waited_for(database: Database) -> None:
    """Queueing an alert is part of the transaction: whatever goes wrong in it, the batch is kept."""
    url = database.url
    pi = device_in(url, "lab")
    start = datetime.now(UTC) - timedelta(minutes=20)  # of this moment: an old alert is not sent
    stuffy = [pi.telemetry(start + timedelta(minutes=n), {"co2": 1500.0, "presence": 1.0}) for n in range(20)]
    rename = "ALTER FUNCTION {} RENAME TO {}"
    ((name,),) = rows(url, "SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate_defer_jobs_v%'")

    async def work() -> list[Any]:
        async with ingest_of(url) as ingest:
            committing = asyncio.create_task(ingest.commit(stuffy))
            await asyncio.sleep(0.3)
            assert not committing.done()
            with connect_sync(url, name="test") as conn:
                conn.execute(rename.format("away", name))
            return await asyncio.wait_for(committing, 20)

    with connect_sync(url, name="test") as conn:
        conn.execute(rename.format(name, "away"))
    (receipt,) = receipts(asyncio.run(work()))
    assert (receipt.message.upto, receipt.message.rejected) == (20, ())
    assert one(url, "SELECT count(*) FROM procrastinate_jobs") == 1


def test_database_without_tables_is_waited_for(empty_database: Database) -> None:
    url = empty_database.url
    pi = Device("lab-pi")

    async def work() -> list[Any]:
        async with ingest_of(url) as ingest:
            committing = asyncio.create_task(ingest.commit([pi.telemetry(NOW, {"co2": 1.0})]))
            await asyncio.sleep(0.3)
            assert not committing.done()
            await asyncio.to_thread(migrate, url)
            await asyncio.to_thread(device_in, url, "lab")
            return await asyncio.wait_for(committing, 20)

    asyncio.run(work())
    assert one(url, "SELECT count(*) FROM rejected WHERE code <> 'unknown-device'") == 0


def test_registry_survives_a_rollback(database: Database) -> None:
    """Series and streams of a transaction that was rolled back are not taken for real."""
    url = database.url
    pi = device_in(url, "lab")
    settings = settings_for(url)
    fail = [True]

    async def react_once_badly(_conn: AsyncConnection[Any], _facts: Facts) -> list[TapAnswered]:
        if fail:
            fail.clear()
            raise psycopg.errors.SerializationFailure("try again")
        return []

    async def work() -> list[Any]:
        ingest = Ingest(settings, react_once_badly)
        try:
            return await ingest.commit([pi.telemetry(NOW, {"co2": 1.0})])
        finally:
            await ingest.close()

    (receipt,) = receipts(asyncio.run(work()))
    assert receipt.message.upto == 1
    assert one(url, "SELECT count(*) FROM reading r JOIN series s ON s.id = r.series_id") == 1
