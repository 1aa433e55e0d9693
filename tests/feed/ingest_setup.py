"""The server's side of a test: spaces and devices in a database, and an ingest process without a broker."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from feed.simulated_device import SITE, Device, Packet
from hubwell.events import MessagesStored
from hubwell.ingest import rollup
from hubwell.ingest.consumer import Ingest
from hubwell.ingest.receipts import Receipt
from hubwell.ingest.store import Outcome
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect, connect_sync
from hubwell.switchboard import Switchboard

PATIENCE = 60.0
"""Seconds. Ingest itself waits for ever, also when the database refuses because of a mistake in the code."""

CLOSING = (datetime.now(UTC) + timedelta(hours=12)).time().replace(minute=0, second=0, microsecond=0)
"""Half a day away, so that no test runs into it; one with taps of a fixed day sets its own."""


def settings_for(url: str, **values: Any) -> Settings:
    """Give settings of a hub that does not close soon and counts badges that nobody enrolled."""
    usual: dict[str, Any] = {"zone": "UTC", "closing_time": CLOSING, "unknown_badges": "count"}
    return Settings(_env_file=None, database_url=url, site=SITE, **usual | values)


@asynccontextmanager
async def ingest_of(url: str, *, worker: str = "1", **values: Any) -> AsyncIterator[Ingest]:
    """Give an ingest process that reacts as the real one does; its batches come from the test."""
    settings = settings_for(url, **values)
    ingest = Ingest(settings, Switchboard.of(settings).commit, worker=worker)
    try:
        yield ingest
    finally:
        await ingest.close()


def commit(url: str, *batches: Sequence[Packet], **values: Any) -> list[Outcome]:
    """Commit batches one after the other in one ingest process; return what each part of them did."""

    async def work() -> list[Outcome]:
        async with asyncio.timeout(PATIENCE), ingest_of(url, **values) as ingest:
            return [outcome for batch in batches for outcome in await ingest.commit(batch)]

    return asyncio.run(work())


def roll_up(url: str) -> None:
    """Add up the hours of what was stored, as the worker does."""

    async def work() -> None:
        async with await connect(url, name="test") as conn, conn.transaction():
            await rollup.roll_up(conn, datetime.now(UTC), settings_for(url))

    asyncio.run(work())


def receipts(outcomes: Sequence[Outcome]) -> list[Receipt]:
    return [receipt for outcome in outcomes for receipt in outcome.receipts]


def device_in(url: str, space: str, name: str | None = None, *, capacity: int = 10) -> Device:
    """Register a space and a device in it."""
    device = Device(name or f"{space}-pi")
    with connect_sync(url, name="test") as conn:
        put_space(conn, space_id=space, name=space.title(), kind="workshop", capacity=capacity)
        put_device(conn, device_id=device.name, space_id=space)
    return device


def spaces_of(outcome: Outcome) -> set[str]:
    """Return the spaces whose devices sent something in a batch."""
    stored = [fact for fact in outcome.facts if isinstance(fact, MessagesStored)]
    return {space for fact in stored for space in fact.space_ids}


@contextmanager
def reading(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection to look at what is stored."""
    with connect_sync(url, name="test") as conn:
        yield conn


def rows(url: str, query: Any, *values: Any) -> list[tuple[Any, ...]]:
    with reading(url) as conn:
        return conn.execute(query, values or None).fetchall()


def one(url: str, query: Any, *values: Any) -> Any:
    """Return the single value that a query gives."""
    ((value,),) = rows(url, query, *values)
    return value
