"""What is looked at before anything is started; each finding is one sentence that says what to do."""

import errno
import shutil
import socket
from pathlib import Path

from hubwell.runtime.start_errors import CannotStartError, refusal_for

LEAST_SPACE = 500_000_000  # bytes: the database files, their log of changes, and a day of a demonstration hub
_LAST_OF_ROOT, _LAST = 1023, 65535


def check_space(data_dir: Path, least: int = LEAST_SPACE) -> None:
    """Look whether the disk under `data_dir` has `least` bytes left.

    :raises CannotStartError: it has not, or cannot be looked at.
    """
    there = data_dir.absolute()
    try:
        while not there.exists():
            there = there.parent
        left = shutil.disk_usage(there).free
    except OSError as error:
        raise refusal_for(error, data_dir) from error
    if left < least:
        raise CannotStartError(
            f"The disk that holds {data_dir} has {left / 1e6:.0f} MB left and Hubwell needs "
            f"{least / 1e6:.0f} MB: free some space, or choose another with --data."
        )


def check_port(host: str, port: int) -> int:
    """Look whether the pages can be served at `port`; return it, or a free one for 0.

    :raises CannotStartError: it is taken, or not allowed.
    """
    if port == 0:
        return free_port(host)
    refused = _refused(host, port)
    if refused is None:
        return port
    other = next((p for p in range(max(port, _LAST_OF_ROOT) + 1, _LAST) if not _refused(host, p)), _LAST)
    if refused == errno.EACCES:
        raise CannotStartError(
            f"Port {port} is for root only: choose another one, for example --port {other}."
        )
    raise CannotStartError(
        f"Port {port} is taken by another program: choose another one, for example --port {other}."
    )


def free_port(host: str, wanted: int = 0) -> int:
    """Find a free port: the wanted one, or any."""
    if wanted and _refused(host, wanted) is None:
        return wanted
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _refused(host: str, port: int) -> int | None:
    """Why `port` cannot be listened on, as an error number; None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do after a restart
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno
    return None
