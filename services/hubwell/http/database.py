"""The pool of connections of pages and API; its failures become two errors with a remedy.

Handlers get connections from `hubwell.http.dependencies`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from hubwell.storage.connect import connect_sync, connection_pool
from hubwell.storage.engine import Engine, detect

_PATIENCE_S: Final = 2.0
"""How long a request waits for a connection before it is answered that the database is away."""
_LONGEST_QUERY_S: Final = 15.0


class DatabaseAwayError(Exception):
    """The database cannot be reached, or answers too slowly to wait for."""


class SchemaMissingError(Exception):
    """The database is there, but without the tables of this release."""


class Database:
    """A pool of connections for the life of the application, and which engine is behind it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = connection_pool(url, name="api")
        # After an outage the next request tries at once, instead of after the pool's growing pauses.
        self._pool.reconnect_timeout = _PATIENCE_S
        self._engine: Engine | None = None

    async def open(self) -> None:
        """Begin to connect; the database may come later."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=1)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Borrow a connection. Raises DatabaseAwayError or SchemaMissingError, also for errors inside."""
        try:
            async with asyncio.timeout(_LONGEST_QUERY_S), self._pool.connection(_PATIENCE_S) as conn:
                yield conn
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            raise SchemaMissingError(str(error)) from error
        except (PoolTimeout, TimeoutError, psycopg.OperationalError) as error:
            raise DatabaseAwayError(str(error)) from error

    async def engine(self) -> Engine:
        """Return the engine, asked once. Raises DatabaseAwayError."""
        if self._engine is None:
            self._engine = await asyncio.to_thread(self._detect)
        return self._engine

    def _detect(self) -> Engine:
        try:
            with connect_sync(self.url, name="api") as conn:
                return detect(conn).engine
        except psycopg.OperationalError as error:
            raise DatabaseAwayError(str(error)) from error
