"""Open connections the one way the whole server uses: UTC, named, quick to notice a dead peer."""

from typing import Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool

_KEEPALIVE: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # keepalives are silent while something sent waits for its answer
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
    """Open one blocking connection in autocommit mode, for commands."""
    return psycopg.connect(url, autocommit=True, application_name=f"hubwell-{name}", **_KEEPALIVE)


def connection_pool(
    url: str, *, name: str, largest: int = 8
) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
    """Return a closed pool; open it in the process's lifespan. Connections are checked before use."""
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=largest,
        open=False,
        timeout=5,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "application_name": f"hubwell-{name}", **_KEEPALIVE},
    )
