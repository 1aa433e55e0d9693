"""Messages wait here, on disk, until the server says that it has them.

Drafts come from the agent and get their number at the moment they are stored; the uplink takes rows out
and tells of receipts. Blocking: all calls come from one thread. What has to be dropped is declared by gap
events, so that the numbering never has a hole that nobody explains.
"""

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from hubwell_edge.clock import Stamp, kernel_boot_id
from hubwell_edge.outbox.file import OutboxFile, OutboxUnavailableError
from hubwell_edge.outbox.gaps import forget_old_boots, gaps, make_room
from hubwell_edge.outbox.message import ROW_BYTES, SEQ_BITS, SEQ_MASK, Draft, Kind, Row, event_draft, row_key
from hubwell_edge.outbox.taps import LIVE_TAPS, erase, is_tap_of, stored
from hubwell_edge.outbox.unwritten import PendingMessage, shed
from hubwell_wire.fields import as_text
from hubwell_wire.messages import FaultData, GapData, Receipt, new_message_id

logger: Final = logging.getLogger(__name__)

DEFAULT_CAP_BYTES: Final = 64 * 1024 * 1024
WAITING_BYTES: Final = 4 * 1024 * 1024
"""Memory for messages that the disk refuses."""
_RESERVE_BYTES: Final = 1024 * 1024
"""Space kept so that receipts can be applied on a full disk."""
_RETRY_S: Final = 1.0
_AHEAD: Final = 50
"""Taps that may be on their way before older rows: a receipt names at most a hundred ranges."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the outbox knows about itself without asking the file; changes only after a commit."""

    last_seq: int = 0
    pending: int = 0
    size: int = 0
    dropped: bool = False


class Outbox:
    """The store. Raises OutboxError from the constructor when the folder cannot be used.

    `boot` names the numbering: new when the file is new or the kernel was started again.
    """

    def __init__(
        self, folder: Path, *, cap_bytes: int = DEFAULT_CAP_BYTES, kernel_boot: str | None = None
    ) -> None:
        self._folder = folder
        self._cap = cap_bytes
        self._kernel = kernel_boot or kernel_boot_id()
        self._waiting: deque[PendingMessage] = deque()
        self._waiting_bytes = 0
        self._given_up = 0
        self._refused = False
        self._retry_at = 0.0
        self._n = self._newest = 0
        self._file = OutboxFile(folder, reserve_bytes=min(cap_bytes // 8, _RESERVE_BYTES))
        try:
            self._load()
        except BaseException:
            self._file.close()
            raise

    def _load(self) -> None:
        newest = self._file.read("SELECT n, boot, kernel, last_seq FROM boot ORDER BY n DESC LIMIT 1")
        n, boot, kernel, last_seq = newest[0] if newest else (0, "", "", 0)
        if kernel != self._kernel:
            # Above every number used before, so that keys of a file that was set aside never come again.
            n, boot, last_seq = max(n, self._n) + 1, str(uuid4()), 0
            row = (n, boot, self._kernel)
            sql = "INSERT INTO boot (n, boot, kernel) VALUES (?, ?, ?)"
            self._file.write(lambda db: db.execute(sql, row), durable=True)
        self._n, self.boot = n, UUID(boot)
        self._boots = {UUID(name): number for number, name in self._file.read("SELECT n, boot FROM boot")}
        count, size = self._file.read("SELECT count(*), coalesce(sum(length(body)), 0) FROM message")[0]
        dropped = bool(self._file.read("SELECT 1 FROM dropped LIMIT 1"))
        self._counts = _Counts(last_seq, count, size + count * ROW_BYTES, dropped)
        self._generation = self._file.generation

    def close(self) -> None:
        """Close the file. What the disk refuses until now is lost, and the log says so."""
        if not self.flush():
            count = self._given_up + sum(len(parcel.drafts) for parcel in self._waiting)
            logger.error("%d messages were never written to the disk", count, extra={"action": "outbox-lost"})
        self._file.close()

    @property
    def folder(self) -> Path:
        """Where the file is; other files of the device lie beside it."""
        return self._folder

    @property
    def last_seq(self) -> int:
        """Highest number given out in `boot`; 0 before the first."""
        return self._counts.last_seq

    @property
    def pending(self) -> int:
        """How many rows wait for a receipt."""
        return self._counts.pending

    @property
    def size(self) -> int:
        """Bytes that the rows count against the cap."""
        return self._counts.size

    @property
    def waiting(self) -> int:
        """How many messages wait in memory because the disk refuses."""
        return sum(len(parcel.drafts) for parcel in self._waiting)

    def crowded(self, rows: int) -> bool:
        """Tell whether a source that can wait should: `rows` pending, half the cap, or a refusing disk."""
        return self.pending >= rows or self.size > self._cap // 2 or bool(self._waiting)

    def cursor(self, source: str) -> str | None:
        """Return where this source has to go on, as of its last stored message."""
        rows = self._read("SELECT value FROM cursor WHERE source = ?", source)
        return str(rows[0][0]) if rows else None

    def put(self, drafts: Sequence[Draft], cursors: Mapping[str, str] | None = None) -> bool:
        """Store drafts and cursors in one transaction, events so that a power cut cannot undo them.

        Return False when the disk refuses: they then wait in memory (4 MiB; beyond that the oldest
        telemetry is given up and later declared), and `flush` or a call a second later tries again.
        """
        self._waiting.append(PendingMessage(list(drafts), dict(cursors or {})))
        self._waiting_bytes += sum(draft.size for draft in drafts)
        if time.monotonic() < self._retry_at:
            self._shed()
            return False
        return self.flush()

    def put_event(self, draft: Draft) -> tuple[UUID, int] | None:
        """Store one event and return the boot and the number that it got.

        None when the disk refuses: it then waits in memory like all others and gets its number later.
        """
        return (self.boot, self._newest) if self.put([draft]) else None

    def flush(self) -> bool:
        """Try to store what waits in memory; True when nothing waits any more."""
        if not self._waiting:
            return True
        durable = any(draft.kind != Kind.TELEMETRY for parcel in self._waiting for draft in parcel.drafts)
        try:
            counts = self._write(self._store_waiting, durable=durable)
        except OutboxUnavailableError as error:
            self._refusal(error)
            return False
        if counts.dropped and not self._counts.dropped:
            logger.warning(
                "the outbox is full (%d bytes): the oldest telemetry is dropped and will be declared",
                self._cap,
                extra={"action": "outbox-full"},
            )
        self._counts = counts
        # The declaration of what was given up comes last of all.
        self._newest = counts.last_seq - bool(self._given_up)
        self._waiting.clear()
        self._waiting_bytes = self._given_up = 0
        if self._refused:
            logger.warning("the outbox can be written again", extra={"action": "outbox-writable"})
        self._refused, self._retry_at = False, 0.0
        return True

    def unsent(
        self,
        limit: int,
        *,
        sent: Collection[int] = (),
        hold_from_ms: int | None = None,
        live_from_ms: int | None = None,
    ) -> list[Row]:
        """Return the oldest rows whose keys are not in `sent`: gap events first, then taps of just now.

        Rows that this kernel boot stamped with an unsynchronised clock at or after `hold_from_ms` of its
        boot clock are held back: they can still be corrected. Taps at or after `live_from_ms` go before
        what waits longer, some fifty of them: somebody stands there. None holds back, or prefers, nothing.
        """
        many = limit + len(sent)
        keys = self._read("SELECT key FROM message WHERE kind = 2 ORDER BY key LIMIT ?", many)
        if live_from_ms is not None:
            keys += self._read(LIVE_TAPS, self._n, live_from_ms, _AHEAD)
        keys += self._read(
            "SELECT key FROM message WHERE kind <> 2 AND (synced = 1 OR stamped <> ? OR mono_ms < ?)"
            " ORDER BY key LIMIT ?",
            self._n,
            2**62 if hold_from_ms is None else hold_from_ms,
            many,
        )
        # A tap of just now may be among the oldest too.
        return self.rows([key for key in dict.fromkeys(key for (key,) in keys) if key not in sent][:limit])

    def rows(self, keys: Iterable[int]) -> list[Row]:
        """Return the rows with these keys, in that order; those that are gone are left out."""
        names = {n: boot for boot, n in self._boots.items()}
        sql = "SELECT key, kind, wall_ms, mono_ms, synced, id, body FROM message WHERE key = ?"
        found = (row for key in keys for row in self._read(sql, key))
        return [
            Row(
                key,
                names[key >> SEQ_BITS],
                Kind(kind),
                Stamp(wall, mono, bool(synced)),
                UUID(bytes=name),
                body,
            )
            for key, kind, wall, mono, synced, name, body in found
        ]

    def apply(self, receipt: Receipt) -> int:
        """Delete what the receipt covers; return how many rows that were. An unknown boot deletes none.

        Raises OutboxUnavailableError when the disk refuses; a later receipt covers the same rows.
        """
        n = self._boots.get(receipt.boot)
        if n is None:
            return 0
        ranges = [(1, receipt.upto), *receipt.ranges, *((r.seq, r.seq) for r in receipt.rejected)]
        spans = [(row_key(n, first), row_key(n, last)) for first, last in ranges]
        upto = min(receipt.upto, SEQ_MASK)

        def delete(db: sqlite3.Connection) -> list[int]:
            sql = "DELETE FROM message WHERE key BETWEEN ? AND ? RETURNING length(body)"
            sizes = [size for span in spans for (size,) in db.execute(sql, span).fetchall()]
            db.execute("UPDATE boot SET safe_upto = ? WHERE n = ? AND safe_upto < ?", (upto, n, upto))
            if n != self._n:
                forget_old_boots(db, self._n)
            return sizes

        sizes = self._shrink(delete)
        size = self._counts.size - sum(sizes) - len(sizes) * ROW_BYTES
        self._counts = replace(self._counts, pending=self._counts.pending - len(sizes), size=size)
        return len(sizes)

    def declare(self, stamp: Stamp) -> int:
        """Turn dropped numbers into gap events of their boots; return how many events that made.

        The uplink calls it before it sends anything newer, so that the server learns of a hole before it
        could wonder. Numbers that a receipt covers meanwhile are no hole and are not declared.
        """
        if not self._counts.dropped:
            return 0
        sizes, last_seq = self._write(lambda db: self._store_gaps(db, stamp), durable=True)
        self._counts = _Counts(
            last_seq, self._counts.pending + len(sizes), self._counts.size + sum(sizes), dropped=False
        )
        return len(sizes)

    def restamp(self, now: Stamp) -> int:
        """Correct the rows that this kernel boot stamped before its clock was right; return how many.

        ``ts = now_wall - (now_boot - row_boot)``: the boot clock does not jump. Rows of earlier boots
        cannot be corrected and stay ``unsynced``. Raises ValueError if `now` is not synchronised.
        """
        if not now.synced:
            raise ValueError("a clock that is not synchronised itself cannot correct other times")
        for parcel in self._waiting:
            parcel.drafts = [draft.corrected(now) for draft in parcel.drafts]
        sql = "UPDATE message SET wall_ms = mono_ms + ?, synced = 1 WHERE synced = 0 AND stamped = ?"
        values = (now.offset_ms, self._n)
        return self._write(lambda db: db.execute(sql, values).rowcount, durable=False)

    def badges(self) -> set[str]:
        """Return the pseudonyms of all taps that wait here."""
        found = self._write(lambda db: list(stored(db)), durable=False)
        return {badge for _, _, badges in found for badge in badges}

    def erase(self, badges: Collection[str]) -> int:
        """Delete every tap of these badges so that no byte of it is left in the files; return how many.

        Their numbers are declared as `erased`. Files that were set aside as corrupt go too: nobody could say
        what is in them. Raises OutboxUnavailableError when the disk refuses.
        """
        for parcel in self._waiting:
            parcel.drafts = [draft for draft in parcel.drafts if not is_tap_of(draft, badges)]
        sizes = self._shrink(lambda db: erase(db, badges))
        left = self._counts
        size, dropped = left.size - sum(sizes), left.dropped or bool(sizes)
        self._counts = replace(left, pending=left.pending - len(sizes), size=size, dropped=dropped)
        self._file.scrub()
        return len(sizes)

    def take_fault(self) -> FaultData | None:
        """Return, once, that a corrupt file was set aside and a new one begun."""
        detail, self._file.set_aside = self._file.set_aside, None
        return FaultData(part="outbox", state="recovered", detail=as_text(detail)) if detail else None

    def _read(self, sql: str, *values: object) -> list[Any]:
        try:
            return self._file.read(sql, values)
        except OutboxUnavailableError:
            self._load_if_new()
            raise

    def _write(self, work: Callable[[sqlite3.Connection], Result], *, durable: bool) -> Result:
        try:
            return self._file.write(work, durable=durable)
        except OutboxUnavailableError:
            if not self._load_if_new():
                raise
        return self._file.write(work, durable=durable)

    def _shrink(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            return self._file.shrink(work)
        except OutboxUnavailableError:
            self._load_if_new()
            raise

    def _load_if_new(self) -> bool:
        """Begin a new numbering if the file was found corrupt and replaced."""
        if self._generation == self._file.generation:
            return False
        self._load()
        return True

    def _store_waiting(self, db: sqlite3.Connection) -> _Counts:
        drafts = [draft for parcel in self._waiting for draft in parcel.drafts]
        if self._given_up:
            drafts.append(event_draft(GapData(cause="disk-full", count=self._given_up), drafts[-1].stamp))
        last_seq = self._insert(db, self._n, self._counts.last_seq, drafts)
        cursors = [pair for parcel in self._waiting for pair in parcel.cursors.items()]
        db.executemany("INSERT OR REPLACE INTO cursor VALUES (?, ?)", cursors)
        size = self._counts.size + sum(draft.size for draft in drafts)
        sizes = make_room(db, size - self._cap)
        return _Counts(
            last_seq,
            self._counts.pending + len(drafts) - len(sizes),
            size - sum(sizes),
            self._counts.dropped or bool(sizes),
        )

    def _insert(self, db: sqlite3.Connection, n: int, last_seq: int, drafts: Sequence[Draft]) -> int:
        rows = [
            (
                row_key(n, seq),
                self._n,
                draft.kind,
                draft.stamp.synced,
                draft.stamp.wall_ms,
                draft.stamp.mono_ms,
                new_message_id().bytes,
                draft.body,
            )
            for seq, draft in enumerate(drafts, last_seq + 1)
        ]
        db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.execute("UPDATE boot SET last_seq = ? WHERE n = ?", (last_seq + len(rows), n))
        return last_seq + len(rows)

    def _store_gaps(self, db: sqlite3.Connection, stamp: Stamp) -> tuple[list[int], int]:
        sizes = []
        for n, gap in gaps(db):
            (last_seq,) = db.execute("SELECT last_seq FROM boot WHERE n = ?", (n,)).fetchone()
            draft = event_draft(gap, stamp)
            self._insert(db, n, last_seq, [draft])
            sizes.append(draft.size)
        db.execute("DELETE FROM dropped")
        return sizes, db.execute("SELECT last_seq FROM boot WHERE n = ?", (self._n,)).fetchone()[0]

    def _refusal(self, error: OutboxUnavailableError) -> None:
        if not self._refused:
            logger.error(
                "the outbox cannot be written (%s); messages wait in memory until it can",
                error,
                extra={"action": "outbox-refused"},
            )
        self._refused = True
        self._retry_at = time.monotonic() + _RETRY_S
        self._shed()

    def _shed(self) -> None:
        """Give up what memory may not hold."""
        given_up = shed(self._waiting, self._waiting_bytes - WAITING_BYTES)
        self._waiting_bytes -= sum(draft.size for draft in given_up)
        self._given_up += len(given_up)
