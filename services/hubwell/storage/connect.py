"""Database connections of the server: in UTC, named by process, with quick detection of a dead peer."""

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
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

_SYSTEMD: Final = Path("/etc/hubwell")
"""Folder of a server's settings: where it is, systemd runs the services."""


class WrongEncodingError(psycopg.OperationalError):
    """The database stores text in another encoding than UTF-8."""


_ADVICE: Final = (
    (
        "password authentication failed",
        "The password in HUBWELL_DATABASE_URL is not the one of the database's role.",
    ),
    (
        "Peer authentication failed",
        "Run the command as the user of the services; `sudo hubwell` does so on a server.",
    ),
    ("does not exist", "Create it as docs/deployment.md says, or correct HUBWELL_DATABASE_URL."),
    ("no password supplied", "Write the password into HUBWELL_DATABASE_URL."),
)
"""Parts of PostgreSQL's refusals of a connection, and what to do. Connections have no SQLSTATE to go by."""
_ON_SERVER: Final = "Start it (`systemctl start postgresql`), or set HUBWELL_DATABASE_URL to its address."
_ANYWHERE: Final = "Start it (`scripts/up`), or set HUBWELL_DATABASE_URL to its address."


def advice_for(error: psycopg.Error) -> str:
    """Return what an operator does about a connection that failed; empty where the error itself says it."""
    if isinstance(error, WrongEncodingError):
        return ""
    text = str(error)
    advice_text = next((advice for part, advice in _ADVICE if part in text), None)
    return advice_text or (_ON_SERVER if _SYSTEMD.is_dir() else _ANYWHERE)


async def connect(url: str, *, name: str) -> psycopg.AsyncConnection[Any]:
    """Open one asynchronous connection in autocommit mode: transactions are opened explicitly.

    Raises psycopg.OperationalError when the database cannot be reached or is not in UTF-8.
    """
    conn: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
        url, autocommit=True, application_name=f"hubwell-{name}", **_KEEPALIVE
    )
    try:
        _check_encoding(conn.info)
    except WrongEncodingError:
        await conn.close()
        raise
    return conn


@asynccontextmanager
async def connection(url: str, *, name: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Give a connection as `connect` opens it, and close it at the end.

    `async with` of psycopg's own connection waits for its lock before it closes. A task that is cancelled
    more than once, as the stream of a page that was left is, would leave that connection open.
    """
    conn = await connect(url, name=name)
    try:
        yield conn
    finally:
        await conn.close()


def connect_sync(url: str, *, name: str) -> psycopg.Connection[Any]:
    """Open one blocking connection in autocommit mode, for commands.

    Raises psycopg.OperationalError when the database cannot be reached or is not in UTF-8.
    """
    conn: psycopg.Connection[Any] = psycopg.connect(
        url, autocommit=True, application_name=f"hubwell-{name}", **_KEEPALIVE
    )
    try:
        _check_encoding(conn.info)
    except WrongEncodingError:
        conn.close()
        raise
    return conn


def _check_encoding(info: psycopg.ConnectionInfo) -> None:
    """Refuse a database in which texts would not be what they are, as in a cluster without a locale."""
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise WrongEncodingError(
            f"the database {info.dbname} has the encoding {encoding}, Hubwell needs UTF8: create it with "
            f"`createdb --template template0 --encoding UTF8 --locale C.UTF-8 "
            f"--owner {info.user} {info.dbname}`"
        )


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
        check=_check,
        kwargs={"autocommit": True, "application_name": f"hubwell-{name}", **_KEEPALIVE},
    )


async def _check(conn: psycopg.AsyncConnection[Any]) -> None:
    """Ask the server whether a connection still works, where something has come from it meanwhile.

    A server that ends says so, and one that dies is reported by the kernel: both can be read. From an idle
    connection that works comes nothing, and the question would cost as much as a query.
    Raises psycopg.OperationalError.
    """
    if conn.closed or _has_received(conn.fileno()):
        await AsyncConnectionPool.check_connection(conn)


def _has_received(file: int) -> bool:
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(0))
