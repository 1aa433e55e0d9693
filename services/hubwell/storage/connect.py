"""Database connections of the server: in UTC, named by process, with quick detection of a dead peer."""

from typing import Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool

_KEEPALIVE: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # ms; keepalives are not sent while sent data are unacknowledged
    "options": "-c timezone=UTC",
}


async def connect(url: str, *, name: str) -> psycopg.AsyncConnection[Any]:
    """Open one asynchronous connection in autocommit mode: transactions are opened explicitly.

    Raises psycopg.OperationalError when the database cannot be reached.
    """
    return await psycopg.AsyncConnection.connect(
        url, autocommit=True, application_name=f"hubwell-{name}", **_KEEPALIVE
    )


def connect_sync(url: str, *, name: str) -> psycopg.Connection[Any]:
    """Open one blocking connection in autocommit mode, for commands. Raises psycopg.OperationalError."""
    return psycopg.connect(url, autocommit=True, application_name=f"hubwell-{name}", **_KEEPALIVE)


def connection_pool(
    url: str, *, name: str, largest: int = 8
) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
    """Return a pool that the caller opens. Connections are checked before use; waits end after 5 s."""
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=largest,
        open=False,
        timeout=5,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "application_name": f"hubwell-{name}", **_KEEPALIVE},
    )
