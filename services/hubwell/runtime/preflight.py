"""Checks before the start of `hubwell up`: disk space and port. Each failure is a sentence with a remedy."""

import errno
import shutil
import socket
from pathlib import Path

from hubwell.runtime.start_errors import CannotStartError, refusal_for

LEAST_SPACE = 500_000_000  # bytes: the database files, their write-ahead log, a day of the demonstration hub
_LAST_OF_ROOT, _LAST = 1023, 65535


def check_space(data_dir: Path, least: int = LEAST_SPACE) -> None:
    """Check that the disk under `data_dir`, which need not exist yet, has `least` bytes free.

    :raises CannotStartError: it has less, or cannot be read.
    """
    existing = data_dir.absolute()
    try:
        while not existing.exists():
            existing = existing.parent
        free = shutil.disk_usage(existing).free
    except OSError as error:
        raise refusal_for(error, data_dir) from error
    if free < least:
        raise CannotStartError(
            f"The disk that holds {data_dir} has {free / 1e6:.0f} MB left and Hubwell needs "
            f"{least / 1e6:.0f} MB: free some space, or choose another with --data."
        )


def check_port(host: str, port: int) -> int:
    """Check that the pages can be served at `port`, and return it.

    :raises CannotStartError: the port does not exist, is in use, or is reserved for root.
    """
    problem = port_problem(port)
    if problem is not None:
        raise CannotStartError(problem)
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


def port_problem(port: int) -> str | None:
    """Return a sentence with the nearest port if there is no such port, else None."""
    if 0 <= port <= _LAST:
        return None
    return f"There is no port {port}: ports go up to {_LAST}, so the nearest is {min(max(port, 1), _LAST)}."


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen at `port`."""
    return _refused(host, port) is None


def _refused(host: str, port: int) -> int | None:
    """Error number of an attempt to bind `port`; None if it can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do after a restart
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno
    return None
