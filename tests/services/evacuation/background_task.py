"""Run what a process runs beside a test, and end it with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def running(*works: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run these for as long as the block lasts; what one of them raises fails the test."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        async with asyncio.timeout(30):
            yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes
