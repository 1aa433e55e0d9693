"""One Hubwell per data folder: a file lock (flock), which the kernel releases whenever its holder ends."""

import fcntl
import os
from pathlib import Path

from hubwell.runtime.start_errors import CannotStartError

LOCK_NAME = "hubwell.lock"


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
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._lock(lock)
        except BaseException:
            os.close(lock)
            raise
        self._descriptor = lock

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
