"""Lane `timescale-apache`: PostgreSQL 17 and TimescaleDB's Apache edition from Debian trixie's packages.

They live in a root file system that scripts/prepare-lanes makes; the programs run through chroot.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lanes.missing_part import missing
from lanes.paths import TRIXIE
from lanes.postgres import PostgresServer

_PROGRAMS = "/usr/lib/postgresql/17/bin"
_HOME = "var/lib/postgresql"


class _Trixie:
    engine = "timescale-apache"
    in_memory = False
    settings: Mapping[str, str] = {
        "jit": "off",
        "shared_preload_libraries": "timescaledb",
        "timescaledb.telemetry_level": "off",
        "timescaledb.max_background_workers": "8",
        "max_worker_processes": "24",
    }

    def command(self, program: str) -> list[str]:
        # As `leashed` does, but inside: the change of user clears a leash put on outside.
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=INT", "--"]
        return ["chroot", str(TRIXIE), *become, f"{_PROGRAMS}/{program}"]

    def new_folder(self) -> Path:
        home = TRIXIE / _HOME
        folder = Path(tempfile.mkdtemp(prefix="hubwell-", dir=home))
        owner = home.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        return folder

    def inside(self, folder: Path) -> str:
        return f"/{folder.relative_to(TRIXIE)}"


def apache(settings: Mapping[str, str] | None = None) -> PostgresServer:
    """Return the lane, not yet started; skips where the root file system or root is missing."""
    if not (TRIXIE / _PROGRAMS.lstrip("/") / "postgres").exists():
        missing("TimescaleDB from Debian trixie")
    if os.geteuid() != 0 or shutil.which("chroot") is None:
        missing("the right to chroot into Debian trixie", "run the tests as root")
    return PostgresServer(_Trixie(), settings)
