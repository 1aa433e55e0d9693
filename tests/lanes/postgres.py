"""A PostgreSQL server for tests over an installation that somebody else describes: its files, its databases.

One server serves the whole run; every test gets a database of its own, cloned from a template.
"""

import itertools
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql

from lanes.database_lane import Database, Template, fill
from lanes.folder_guard import FolderGuard
from lanes.servers import Server, free_port

_OWNER = "hubwell"


class Installation(Protocol):
    """PostgreSQL's programs on this machine and the user they run as."""

    engine: str
    settings: Mapping[str, str]
    in_memory: bool
    """Whether its databases are files in memory."""

    def command(self, program: str) -> list[str]:
        """Command line, without arguments, that runs one of PostgreSQL's programs no longer than this one."""

    def new_folder(self) -> Path:
        """Make an empty folder that PostgreSQL may write."""

    def inside(self, folder: Path) -> str:
        """Return the name of a folder as PostgreSQL's programs see it."""


class PostgresServer:
    """A cluster in a temporary folder; the implementation of `Lane` for real servers.

    Data is flushed to disk as in production (`fsync`) unless `settings` say otherwise.
    """

    def __init__(self, installation: Installation, settings: Mapping[str, str] | None = None) -> None:
        self.engine = installation.engine
        self._installation = installation
        self._settings = {**installation.settings, **(settings or {})}
        self.folder: Path | None = None
        self._guard: FolderGuard | None = None
        self._server: Server | None = None
        self._port = 0
        self._numbers = itertools.count(1)
        self._templates: set[Template] = set()

    def url(self, name: str) -> str:
        """Where clients connect to the database of this name."""
        return f"postgresql://{_OWNER}@127.0.0.1:{self._port}/{name}"

    @property
    def pid(self) -> int:
        """Process id of the server, to send signals to."""
        if self._server is None:
            raise RuntimeError(f"{self.engine} was not started")
        return self._server.pid

    def start(self) -> None:
        """Start the server: over new files the first time, over the same files after `kill`."""
        if self.folder is None:
            self.folder = self._installation.new_folder()
            self._guard = FolderGuard(self.folder)
            self._initdb(self.folder / "data")
            self._port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            **self._settings,
        }
        command = [
            *self._installation.command("postgres"),
            *("-D", self._installation.inside(self.folder / "data")),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]
        self._server = Server(self.engine, command, self.folder / "log", cwd=Path("/"))
        self._server.start(self._answers)

    def stop(self) -> None:
        """Stop the server and remove its files."""
        if self._server is not None:
            self._server.stop(signal.SIGINT)
        if self._guard is not None:
            self._guard.release()

    def kill(self) -> None:
        """End the server as a power cut would; `start` brings it back over the same files."""
        if self._server is not None:
            self._server.kill()

    def create(self, template: Template) -> Database:
        """Make a fresh database as a copy of a template, which is made at first need."""
        if template not in self._templates:
            self._make(template, source="template0")
            fill(Database(self.url(template), self.engine), template)
            self._close(template)
            self._templates.add(template)
        name = f"test_{next(self._numbers)}"
        self._make(name, source=template)
        return Database(self.url(name), self.engine)

    def drop(self, database: Database) -> None:
        """Remove a database, whoever is still connected."""
        name = database.url.rpartition("/")[2]
        with self._admin() as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _make(self, name: str, *, source: str) -> None:
        # As files, in memory: they include the template's catalogue cache, and nothing goes to the log.
        strategy = "FILE_COPY" if self._installation.in_memory else "WAL_LOG"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
            sql.Identifier(name), sql.Identifier(source), sql.SQL(strategy)
        )
        with self._admin() as conn:
            conn.execute(statement)

    def _close(self, name: str) -> None:
        """Let nobody in any more, TimescaleDB's scheduler included: a copy can be made only of what rests."""
        with self._admin() as conn:
            conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
            conn.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name]
            )

    def _admin(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=10)

    def _answers(self) -> bool:
        try:
            with self._admin() as conn:
                conn.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _initdb(self, data: Path) -> None:
        made = subprocess.run(
            [
                *self._installation.command("initdb"),
                *("-D", self._installation.inside(data), "-U", _OWNER),
                *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"{self.engine}: initdb failed:\n{made.stdout}{made.stderr}")
