"""Run a process with the settings of the hub as they are, and again with others when they change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import psycopg

from hubwell.hub_profile import actions
from hubwell.settings import Settings
from hubwell.storage.connect import connection
from hubwell.storage.notify import Channel, listen
from hubwell.storage.retry import Backoff, WarnOnce

_LOG: Final = logging.getLogger(__name__)


async def follow(installation: Settings, work: Callable[[Settings], Awaitable[None]], *, name: str) -> None:
    """Do the work with the hub's settings until cancelled; begin it anew when administrators change them.

    Waits for the database first: with the default zone a visit could be ended at a wrong time.
    The work ends by cancellation, as at the end of the process. An exception of the work is raised.
    """
    url, changed = installation.database_url, asyncio.Event()

    async def receive(channel: Channel, payload: str) -> None:
        del channel, payload  # there is one channel, and it has none
        changed.set()

    listening = asyncio.create_task(
        listen(url, [Channel.HUB], receive, name=f"{name}-hub", on_listening=changed.set),
        name=f"hubwell-{name}[hub]",
    )
    try:
        current = await _read(installation)
        while True:
            current = await _until_changed(installation, current, work, changed)
            _LOG.info("the hub's settings changed: beginning anew", extra={"action": "hub-changed"})
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _until_changed(
    installation: Settings,
    current: Settings,
    work: Callable[[Settings], Awaitable[None]],
    changed: asyncio.Event,
) -> Settings:
    """Work until the settings are others; return them."""
    working = asyncio.ensure_future(work(current))
    try:
        while True:
            woken = asyncio.ensure_future(changed.wait())
            await asyncio.wait({working, woken}, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
            if working.done():
                working.result()
                raise RuntimeError("work that follows the hub's settings ends by cancellation only")
            changed.clear()
            newest = await _read(installation)
            if newest != current:
                return newest
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def _read(installation: Settings) -> Settings:
    """Read the settings; waits for a database that is away or has no tables of this release yet."""
    backoff = Backoff()
    warn = WarnOnce(_LOG, "the hub's settings cannot be read, trying again: %s", action="database-away")
    while True:
        try:
            async with connection(installation.database_url, name="hub") as conn:
                return installation.with_profile(await actions.read(conn))
        except psycopg.Error as error:
            warn(error)
        await backoff.wait()
