"""The SQLite file of the outbox: its lock, its tables, and what happens when the file is corrupt.

`store.py` works on the opened file; no other module touches it.
"""

import errno
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from hubwell_edge.outbox.owner import hand_over

logger: Final = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS boot (
    n INTEGER PRIMARY KEY, boot TEXT NOT NULL UNIQUE, kernel TEXT NOT NULL,
    last_seq INTEGER NOT NULL DEFAULT 0, safe_upto INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS message (
    key INTEGER PRIMARY KEY, stamped INTEGER NOT NULL, kind INTEGER NOT NULL, synced INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, id BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS message_gap ON message (key) WHERE kind = 2;
CREATE INDEX IF NOT EXISTS message_event ON message (key) WHERE kind = 1;
CREATE TABLE IF NOT EXISTS dropped (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, cause TEXT NOT NULL DEFAULT 'outbox-full');
CREATE TABLE IF NOT EXISTS cursor (source TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refused (reason TEXT NOT NULL, reading TEXT NOT NULL);
"""
_CORRUPT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DISK_REFUSES: Final = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
)
_PRIMARY_CODE: Final = 0xFF
_MOST_FREE_PAGES: Final = 256

Result = TypeVar("Result")


class OutboxError(Exception):
    """The outbox cannot be used at all; the message gives the reason and what to do."""


class OutboxUnavailableError(Exception):
    """The disk refuses right now (full, read-only, broken); the same call may succeed later."""


class OutboxFile:
    """A locked SQLite file in `folder`, created if it does not exist.

    A file that SQLite reports as corrupt is renamed and replaced by a new one; `set_aside` then holds a
    sentence about it and `generation` is incremented. Raises OutboxError when the folder cannot be written or
    another agent has the file open.
    """

    def __init__(self, folder: Path, *, reserve_bytes: int, device: str = "") -> None:
        self._path = folder / "outbox.db"
        self._reserve = Reserve(folder / "outbox.reserve", reserve_bytes)
        self.set_aside: str | None = None
        self.generation = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock(folder / "outbox.lock")
        except OSError as error:
            raise OutboxError(
                f"cannot write to the outbox folder {folder}: {error.strerror}; "
                "give the agent a folder of its own with outbox.dir"
            ) from error
        try:
            if device:
                self._hand_over(device)
            self._db = self._open_checked()
        except BaseException:
            os.close(self._lock)
            raise
        self._reserve.make()

    def close(self) -> None:
        """Close the file and release its lock."""
        self._db.close()
        os.close(self._lock)

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        """Return all rows of a query. Raises OutboxUnavailableError like `write`."""
        return self._translate_errors(lambda: self._db.execute(sql, values).fetchall())

    def write(self, work: Callable[[sqlite3.Connection], Result], *, durable: bool) -> Result:
        """Run `work` in one transaction; with `durable` the call returns after the disk has written it.

        Without `durable` a power cut may undo the last transactions, but never out of order. Raises
        OutboxUnavailableError when the disk refuses; the transaction has then been rolled back.
        """
        return self._translate_errors(lambda: self._transaction(work, durable=durable))

    def shrink(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Like `write`, for work that only deletes: on a full disk it may use the reserve.

        SQLite writes deletions to its log as well, so without a reserve a full disk could never be relieved.
        """
        try:
            result = self.write(work, durable=False)
        except OutboxUnavailableError:
            if not self._reserve.release():
                raise
            try:
                return self.write(work, durable=False)
            finally:
                self._checkpoint()
        if self._log_bytes() > self._free_bytes():
            self._checkpoint()
        return result

    def scrub(self) -> None:
        """Remove every byte of deleted rows: checkpoint the log, and delete files that were set aside.

        Also those of other devices, whose content is as unknown.
        """
        self._checkpoint()
        for pattern in ("outbox-corrupt-*", "outbox-of-*"):
            for kept in self._path.parent.glob(pattern):
                logger.warning("%s is deleted for an erasure", kept.name, extra={"action": "outbox-erased"})
                overwrite(kept)
                kept.unlink()

    def _checkpoint(self) -> None:
        """Write the log into the file and return free pages to the disk, with the reserve as working space.

        SQLite's automatic checkpoint starts only when the log has grown to 4 MB, which a full disk prevents:
        the log of long-deleted rows would then keep the disk full permanently.
        """
        self._reserve.release()
        with suppress(sqlite3.Error):  # optional: it only frees space earlier
            for step in ("incremental_vacuum", "wal_checkpoint(TRUNCATE)"):
                self._db.execute(f"PRAGMA {step}").fetchall()
        self._reserve.make()

    def _log_bytes(self) -> int:
        log = self._path.with_name(self._path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def _translate_errors(self, step: Callable[[], Result]) -> Result:
        try:
            return step()
        except sqlite3.DatabaseError as error:
            code = error.sqlite_errorcode & _PRIMARY_CODE
            if code in _CORRUPT:
                self._replace_corrupt_file(error)
                raise OutboxUnavailableError(
                    f"the outbox was corrupt ({error}) and has been replaced"
                ) from error
            if code in _DISK_REFUSES:
                raise OutboxUnavailableError(f"the disk refuses: {error}") from error
            raise

    def _transaction(self, work: Callable[[sqlite3.Connection], Result], *, durable: bool) -> Result:
        # A process that dies leaves a WAL that the kernel still writes out, so NORMAL survives kill -9;
        # only a power cut can undo it, and then the kernel's boot id is new and so is the numbering.
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            # SQLite has already rolled back after some errors, and a corrupt file may refuse even that.
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise
        return result

    def _hand_over(self, device: str) -> None:
        try:
            hand_over(self._path, device)
        except OSError as error:
            raise OutboxError(f"cannot write to the outbox folder: {error}; free some space") from error

    def _open_checked(self) -> sqlite3.Connection:
        try:
            return _open(self._path)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE not in _CORRUPT:
                raise OutboxError(f"cannot open the outbox {self._path}: {error}; free some space") from error
            self._set_aside(error)
            return _open(self._path)

    def _replace_corrupt_file(self, error: sqlite3.DatabaseError) -> None:
        self._db.close()
        self._set_aside(error)
        self._db = _open(self._path)

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        corrupt = self._path.with_name(f"outbox-corrupt-{time.time_ns()}.db")
        for suffix in ("", "-wal", "-shm"):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                part.rename(corrupt.with_name(corrupt.name + suffix))
        reason = " ".join(str(error).split())
        self.set_aside = (
            f"outbox file was corrupt ({reason}); renamed to {corrupt.name}, a new one was created"
        )
        self.generation += 1
        logger.error("%s", self.set_aside, extra={"action": "outbox-set-aside"})


def overwrite(path: Path) -> None:
    """Write zeros over the content of a file. Copies in the spare blocks of an SSD are out of reach."""
    with suppress(OSError), path.open("r+b") as file:
        blank = bytes(64 * 1024)
        for _ in range(-(-path.stat().st_size // len(blank))):
            file.write(blank)
        file.flush()
        os.fsync(file.fileno())


class Reserve:
    """A file of `size` bytes that reserves space for the moment at which the disk is full."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def make(self) -> None:
        """Reserve the space unless it is reserved already or the disk has no room."""
        with suppress(OSError):  # no space now; the next call tries again
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # Allocated, not truncated to size: a sparse file would reserve no space.
                if os.fstat(handle).st_size < self._size:
                    os.posix_fallocate(handle, 0, self._size)
            finally:
                os.close(handle)

    def release(self) -> bool:
        """Free the reserved space; return whether there was any."""
        reserved = self._path.exists() and self._path.stat().st_size > 0
        self._path.unlink(missing_ok=True)
        return reserved


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            raise
        raise OutboxError(
            f"another agent (process {owner}) already uses the outbox {path.parent}; "
            "stop it, or give this agent a folder of its own with outbox.dir"
        ) from error
    # The process id is for the message of a second agent; the lock itself ends with this process.
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def make_private(path: Path) -> None:
    """Create an SQLite file readable by its owner only, or take the rights of others from it.

    SQLite gives the files beside it the same rights. Raises no error: SQLite then names the cause itself.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).chmod(0o600)


def _open(path: Path) -> sqlite3.Connection:
    make_private(path)
    # One thread at a time uses the connection, though not always the one that opened it.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # Taps are personal data: deleted content is overwritten, not only marked as free.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("PRAGMA cache_size = -1024")
        db.executescript(_SCHEMA)
        _add_cause(db)
        _check(db)
    except BaseException:
        db.close()
        raise
    return db


def _add_cause(db: sqlite3.Connection) -> None:
    """Add the column `cause` (why numbers were dropped) to files of release 0.1."""
    with closing(db.execute("PRAGMA table_info(dropped)")) as columns:
        if "cause" not in {column[1] for column in columns}:
            db.execute("ALTER TABLE dropped ADD COLUMN cause TEXT NOT NULL DEFAULT 'outbox-full'")


def _check(db: sqlite3.Connection) -> None:
    with closing(db.execute("PRAGMA quick_check(1)")) as rows:
        verdict = str(rows.fetchone()[0])
    if verdict != "ok":
        # Raised like SQLite's own error, so that the caller sets this file aside in the same way.
        broken = sqlite3.DatabaseError(verdict)
        broken.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise broken
    if db.execute("PRAGMA freelist_count").fetchone()[0] > _MOST_FREE_PAGES:
        db.execute("PRAGMA incremental_vacuum").fetchall()
