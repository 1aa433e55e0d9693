"""Close windows as the worker does every five minutes, from a test of either kind."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from hubwell.privacy.publish_counts import close_windows
from hubwell.settings import Settings
from hubwell.storage.connect import connect


def publish(url: str, now: datetime | None = None) -> None:
    """Publish the figures of the windows that have ended by then."""

    async def work() -> None:
        async with await connect(url, name="test") as conn, conn.transaction():
            await close_windows(conn, now or datetime.now(UTC), Settings(database_url=url))

    with ThreadPoolExecutor(1) as thread:  # a test may have an event loop of its own
        thread.submit(asyncio.run, work()).result()
