"""The running processes, by a connection each: its name in the database, and a query on it at intervals.

The database ends the entry with the process, and shows how old its last query is: a process that hangs is
connected and silent. A lock that belongs to the connection keeps a second process from the same name.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, Connection

from hubwell.storage.connect import connect
from hubwell.storage.queries import Queries
from hubwell.storage.retry import Backoff, WarnOnce
from hubwell.vocabulary import HANGS_AFTER, SIGN_OF_LIFE_EVERY

_LOG: Final = logging.getLogger(__name__)
_SQL: Final = Queries("hubwell.service")
_PREFIX: Final = "alive-"
_LET_GO_S: Final = 30.0
"""Seconds for which a name may still be held by the connection of a process that is gone."""
_RETRY_S: Final = 0.5
NUMBERS: Final = tuple(str(number) for number in range(1, 65))
"""Numbers of processes of one kind, of which each takes the first free one."""


class NameTakenError(Exception):
    """Another process of this kind and name runs over the same database; the text says what to do."""


class SignOfLife:
    """The entry of this process. `claim` takes a name, `run` holds it and shows that the process works."""

    def __init__(self, url: str, kind: str, names: Sequence[str] = NUMBERS) -> None:
        """Set the kind of process, and the names of which the first free one is taken."""
        self._url = url
        self._kind = kind
        self._names = names
        self._conn: AsyncConnection[Any] | None = None
        self._warn = WarnOnce(_LOG, "waiting for the database: %s", action="database-away")

    async def claim(self) -> str:
        """Wait for the database and return the name taken. Raises NameTakenError after 30 s without one."""
        backoff = Backoff()
        deadline: float | None = None
        now = asyncio.get_running_loop().time
        while True:
            try:
                name = await self._try()
            except psycopg.OperationalError as error:
                self._warn(error)
                await backoff.wait()
                continue
            if name is not None:
                self._warn.clear()
                self._names = (name,)
                return name
            deadline = deadline or now() + _LET_GO_S
            if now() > deadline:
                raise NameTakenError(
                    f"Another {self._kind} process runs as {self._names[0]}: give this one another number "
                    "with --worker, or leave the option out."
                )
            await asyncio.sleep(_RETRY_S)

    async def run(self) -> None:
        """Hold the name until cancelled, over losses of the database. Raises NameTakenError."""
        try:
            while True:
                if self._conn is None:
                    await self.claim()
                with suppress(psycopg.OperationalError):
                    await self._beat()
                await self._close()
        finally:
            await self._close()

    async def _try(self) -> str | None:
        for name in self._names:
            conn = await connect(self._url, name=f"{_PREFIX}{self._kind}-{name}")
            try:
                row = await (await conn.execute(_SQL["claim"], {"name": f"{self._kind}-{name}"})).fetchone()
                if row is not None and row[0]:
                    self._conn = conn
                    return name
            finally:
                if self._conn is not conn:
                    await conn.close()
        return None

    async def _beat(self) -> None:
        while self._conn is not None:
            await self._conn.execute(_SQL["beat"])
            await asyncio.sleep(SIGN_OF_LIFE_EVERY.total_seconds())

    async def _close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()


def silent_for(conn: Connection[Any], kind: str) -> dict[str, timedelta]:
    """Return the age of the last sign of life of each running process of a kind, by its name."""
    prefix = f"hubwell-{_PREFIX}{kind}-"
    signs = conn.execute(_SQL["signs_of_life"], {"prefix": prefix}).fetchall()
    now = datetime.now(UTC)
    return {name.removeprefix(prefix): max(now - at, timedelta()) for name, at in signs}


def hangs(age: timedelta) -> bool:
    """Return whether a process with a sign of life of this age does not work any more."""
    return age > HANGS_AFTER
