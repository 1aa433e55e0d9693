"""One Hubwell per data folder: a file lock (flock), which the kernel releases whenever its holder ends."""

import fcntl
import os
import stat
from pathlib import Path

from hubwell.runtime.start_errors import CannotStartError

LOCK_NAME = "hubwell.lock"
_OTHERS = stat.S_IRWXO | stat.S_IRGRP | stat.S_IWGRP
"""Not the group's right to pass: with an access control list this bit is its mask."""


class DataLock:
    """The exclusive lock on one data folder; held from `acquire` to `release` or the end of the process."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Lock the folder and create it when it is missing; does nothing when already locked.

        :raises CannotStartError: another process holds the lock; the message has its process id.
        :raises OSError: the folder cannot be created or written.
        """
        if self._descriptor is not None:
            return
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (self.data_dir / LOCK_NAME).exists():
            self._close_to_others()
        lock = os.open(self.data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(lock)
        except BaseException:
            os.close(lock)
            raise
        self._descriptor = lock

    def _close_to_others(self) -> None:
        """Take all rights of other users from a folder that an earlier release made: it holds people's data.

        PostgreSQL's own user, where root starts Hubwell, gets its right to pass through again before the
        database starts. A folder like /tmp, which belongs to everybody (sticky bit), stays as it is.
        """
        mode = stat.S_IMODE(self.data_dir.stat().st_mode)
        if mode & _OTHERS and not mode & stat.S_ISVTX:
            self.data_dir.chmod(mode & ~(stat.S_IRWXG | stat.S_IRWXO))

    def _lock(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
            raise CannotStartError(
                f"Hubwell is already running with the data in {self.data_dir} (process {holder})."
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Unlock the folder; does nothing when not locked."""
        lock, self._descriptor = self._descriptor, None
        if lock is not None:
            os.close(lock)


def is_held(data_dir: Path) -> bool:
    """Return whether a process runs Hubwell over `data_dir` now."""
    try:
        lock = os.open(data_dir / LOCK_NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
