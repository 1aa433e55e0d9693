"""Removes a server's folder when the process that made it is gone, however it ended, kill -9 included.

The guard is a small process beside the test run. It reads from a pipe that only the test run holds open: the
kernel closes it with the process. Then the guard waits for the server, which its leash ends, and removes
the folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_PATIENCE_S = 30.0
_POLL_S = 0.05


class FolderGuard:
    """The guard of one folder, for the life of this process or until `release`."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(folder)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # what ends a whole process group must not end the guard before its work
        )

    def release(self) -> None:
        """Remove the folder now and end the guard."""
        self._process.communicate()


def _server_runs(folder: Path) -> bool:
    """Tell whether the PostgreSQL server over this folder still runs: its lock file names its process."""
    try:
        first_line = (folder / "data" / "postmaster.pid").read_text().partition("\n")[0]
        os.kill(int(first_line), 0)
    except (OSError, ValueError):
        return False
    return True


def _remove(folder: Path) -> None:
    end = time.monotonic() + _PATIENCE_S
    while _server_runs(folder) and time.monotonic() < end:
        time.sleep(_POLL_S)
    while folder.exists() and time.monotonic() < end:
        with suppress(OSError):  # a process of the server that ends a moment later may still write
            shutil.rmtree(folder)
        time.sleep(_POLL_S)


def _main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    _remove(Path(sys.argv[1]))


if __name__ == "__main__":
    _main()
