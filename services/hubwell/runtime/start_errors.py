"""Errors of the start: one sentence for the person at the terminal, with the problem and the remedy."""

import errno
import getpass
from pathlib import Path

_SPACE = {errno.ENOSPC, errno.EDQUOT}
_RIGHTS = {errno.EACCES, errno.EPERM}
_NOT_A_FOLDER = {errno.ENOTDIR, errno.EEXIST}


class CannotStartError(Exception):
    """Hubwell cannot start; the message is one sentence for the person at the terminal."""


def refusal_for(error: OSError, folder: Path) -> CannotStartError:
    """Turn an error of the operating system about `folder` into a sentence."""
    if error.errno in _SPACE:
        return disk_full(folder)
    if error.errno in _RIGHTS:
        return CannotStartError(
            f"The data folder {folder} is not writable for the user {_user()}: "
            "choose another one with --data, or change its owner."
        )
    if error.errno == errno.EROFS:
        return CannotStartError(
            f"The data folder {folder} is on a read-only disk: choose another one with --data."
        )
    if error.errno in _NOT_A_FOLDER:
        return CannotStartError(f"{folder} is a file, not a folder: choose another one with --data.")
    return CannotStartError(f"The data folder {folder} cannot be used: {error.strerror or error}.")


def disk_full(folder: Path) -> CannotStartError:
    """Return the error for a full disk under `folder`."""
    return CannotStartError(
        f"The disk that holds {folder} is full: free some space, or choose another with --data."
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "running this"
