"""The real application on a free port, in the test's own event loop."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hubwell import app as application
from hubwell.api.live.updates import FeedIntervals
from hubwell.settings import Settings
from lanes.database_lane import Database

_TLS = ssl.create_default_context()  # once: it takes a tenth of a second, and nothing here is encrypted
QUICK = FeedIntervals(between_updates=0.2, sweep=1.0, poll=0.3)


@dataclass(frozen=True, slots=True)
class Site:
    """A running server and how to reach it."""

    address: str
    client: httpx.AsyncClient
    database: Database


def browser(address: str, **options: Any) -> httpx.AsyncClient:
    """Return a client of the server at an address; `options` are httpx's."""
    return httpx.AsyncClient(base_url=address, timeout=20, verify=_TLS, **options)


@asynccontextmanager
async def serving(
    database: Database, pace: FeedIntervals = QUICK, *, assembly_point: str = ""
) -> AsyncIterator[Site]:
    """Serve the database's hub."""
    settings = Settings(database_url=database.url, hub_name="Test hub", assembly_point=assembly_point)
    app = application.create_app(settings, pace=pace)
    server = application._Server(application.server_config(app), app.state.api_parts.feed)
    with application._bind("127.0.0.1", 0) as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        running = asyncio.create_task(server.serve(sockets=[sock]))
        async with browser(address) as client:
            try:
                yield Site(address, client, database)
            finally:
                server.stop()
                await running


@contextmanager
def away(database: Database) -> Iterator[None]:
    """Let the database refuse everybody, as while it restarts."""
    name = conninfo_to_dict(database.url)["dbname"]
    with psycopg.connect(make_conninfo(database.url, dbname="postgres"), autocommit=True) as conn:
        conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
