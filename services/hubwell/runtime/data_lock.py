"""One Hubwell per data folder: a lock that the kernel takes back however its holder ends."""

import fcntl
import os
from pathlib import Path

from hubwell.runtime.start_errors import CannotStartError

LOCK_NAME = "hubwell.lock"


class DataLock:
    """The right of this process to run Hubwell over one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._held: int | None = None

    def acquire(self) -> None:
        """Take the folder, and make it when it is missing; harmless when already held.

        :raises CannotStartError: another process has it.
        :raises OSError: the folder cannot be made or written.
        """
        if self._held is not None:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._lock(lock)
        except BaseException:
            os.close(lock)
            raise
        self._held = lock

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
        """Give the folder back; harmless when not held."""
        lock, self._held = self._held, None
        if lock is not None:
            os.close(lock)


def is_held(data_dir: Path) -> bool:
    """Tell whether some process runs Hubwell over `data_dir` now."""
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
