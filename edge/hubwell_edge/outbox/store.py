"""The outbox: stores messages on disk until the server confirms that it has them.

Drafts come from the agent and get their number at the moment they are stored; the uplink reads stored
messages and applies receipts. Blocking: all calls come from one thread. Messages that have to be dropped are
declared by gap events, so that every gap in the numbering is explained.
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
from hubwell_edge.outbox.gaps import delete_old_boots, make_room, undeclared_gaps
from hubwell_edge.outbox.message import (
    MESSAGE_COLUMNS,
    OVERHEAD_BYTES,
    SEQ_BITS,
    SEQ_MASK,
    DraftMessage,
    Kind,
    StoredMessage,
    draft_event,
    message_key,
)
from hubwell_edge.outbox.refused import RefusedLog
from hubwell_edge.outbox.taps import RECENT_TAPS, erase, is_tap_of, stored_taps
from hubwell_edge.outbox.unwritten import UnwrittenDrafts, drop_oldest
from hubwell_wire.fields import as_text
from hubwell_wire.messages import FaultData, GapData, Receipt

logger: Final = logging.getLogger(__name__)

DEFAULT_CAP_BYTES: Final = 64 * 1024 * 1024
UNWRITTEN_BYTES: Final = 4 * 1024 * 1024
"""Memory for drafts that the disk refuses."""
_RESERVE_BYTES: Final = 1024 * 1024
"""Disk space held in reserve so that receipts can be applied on a full disk."""
_RETRY_S: Final = 1.0
_MOST_RECENT_TAPS: Final = 50
"""How many recent taps are sent before older messages. The server's receipt then names each of them as a
range of its own, and a receipt has at most a hundred ranges.
"""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Counts:
    """Figures of the file, held in memory so that reading them needs no query; set after a commit."""

    last_seq: int = 0
    pending: int = 0
    size: int = 0
    dropped: bool = False


class Outbox:
    """The store of one device. The constructor raises OutboxError when the folder cannot be used.

    `boot` identifies the numbering; it is a new UUID when the file is new or the kernel was restarted.
    `refused` can keep the readings that the server refuses.
    """

    def __init__(
        self, folder: Path, *, cap_bytes: int = DEFAULT_CAP_BYTES, kernel_boot: str = "", device: str = ""
    ) -> None:
        self._folder = folder
        self._cap = cap_bytes
        self._kernel = kernel_boot or kernel_boot_id()
        self._unwritten: deque[UnwrittenDrafts] = deque()
        self._unwritten_bytes = 0
        self._dropped_unnumbered = 0
        self._refused = False
        self._retry_at = 0.0
        self._n = self._newest = 0
        self._file = OutboxFile(folder, reserve_bytes=min(cap_bytes // 8, _RESERVE_BYTES), device=device)
        self.refused = RefusedLog(self._file)
        try:
            self._load()
        except BaseException:
            self._file.close()
            raise

    def _load(self) -> None:
        newest = self._file.read("SELECT n, boot, kernel, last_seq FROM boot ORDER BY n DESC LIMIT 1")
        n, boot, kernel, last_seq = newest[0] if newest else (0, "", "", 0)
        if kernel != self._kernel:
            # Above every number used before: keys of a file that was set aside must not be used again.
            n, boot, last_seq = max(n, self._n) + 1, str(uuid4()), 0
            row = (n, boot, self._kernel)
            sql = "INSERT INTO boot (n, boot, kernel) VALUES (?, ?, ?)"
            self._file.write(lambda db: db.execute(sql, row), durable=True)
        self._n, self.boot = n, UUID(boot)
        self._boots = {UUID(name): number for number, name in self._file.read("SELECT n, boot FROM boot")}
        count, size = self._file.read("SELECT count(*), coalesce(sum(length(body)), 0) FROM message")[0]
        dropped = bool(self._file.read("SELECT 1 FROM dropped LIMIT 1"))
        self._counts = _Counts(last_seq, count, size + count * OVERHEAD_BYTES, dropped)
        self._generation = self._file.generation

    def close(self) -> None:
        """Close the file. Drafts that the disk still refuses are lost; their count is logged."""
        if not self.flush():
            count = self._dropped_unnumbered + sum(len(batch.drafts) for batch in self._unwritten)
            logger.error("%d messages were never written to the disk", count, extra={"action": "outbox-lost"})
        self._file.close()

    @property
    def folder(self) -> Path:
        """The folder of the file; other files of the device are stored beside it."""
        return self._folder

    @property
    def last_seq(self) -> int:
        """Highest number assigned in `boot`; 0 before the first."""
        return self._counts.last_seq

    @property
    def pending(self) -> int:
        """Number of stored messages without a receipt."""
        return self._counts.pending

    @property
    def size(self) -> int:
        """Bytes that the stored messages count against the cap."""
        return self._counts.size

    @property
    def unwritten(self) -> int:
        """Number of drafts that wait in memory because the disk refuses them."""
        return sum(len(batch.drafts) for batch in self._unwritten)

    def crowded(self, messages: int) -> bool:
        """Return whether sources that can wait should wait.

        That is so with `messages` or more pending, with more than half the cap used, or with unwritten
        drafts.
        """
        return self.pending >= messages or self.size > self._cap // 2 or bool(self._unwritten)

    def cursor(self, source: str) -> str | None:
        """Return the cursor of a source as of its last stored message, or None."""
        rows = self._read("SELECT value FROM cursor WHERE source = ?", source)
        return str(rows[0][0]) if rows else None

    def put(self, drafts: Sequence[DraftMessage], cursors: Mapping[str, str] | None = None) -> bool:
        """Store drafts and cursors in one transaction; a power cut cannot undo stored events.

        Returns False when the disk refuses. The drafts then wait in memory (up to 4 MiB; beyond that the
        oldest telemetry is dropped and later declared), and `flush`, or another call a second later, tries
        again.
        """
        self._unwritten.append(UnwrittenDrafts(list(drafts), dict(cursors or {})))
        self._unwritten_bytes += sum(draft.size for draft in drafts)
        # While the disk refuses it is tried once a second, not for every batch.
        if time.monotonic() < self._retry_at:
            self._limit_memory()
            return False
        return self.flush()

    def put_event(self, draft: DraftMessage) -> tuple[UUID, int] | None:
        """Store one event and return its boot and number.

        Returns None when the disk refuses: the event then waits in memory and gets its number later.
        """
        return (self.boot, self._newest) if self.put([draft]) else None

    def flush(self) -> bool:
        """Try to store the drafts that wait in memory; return whether none is left."""
        if not self._unwritten:
            return True
        durable = any(draft.kind != Kind.TELEMETRY for batch in self._unwritten for draft in batch.drafts)
        try:
            counts = self._write(self._store_unwritten, durable=durable)
        except OutboxUnavailableError as error:
            self._on_disk_refusal(error)
            return False
        if counts.dropped and not self._counts.dropped:
            logger.warning(
                "the outbox is full (%d bytes): the oldest telemetry is dropped and will be declared",
                self._cap,
                extra={"action": "outbox-full"},
            )
        self._counts = counts
        # The gap event of dropped drafts is stored last, so the newest event is the one before it.
        self._newest = counts.last_seq - bool(self._dropped_unnumbered)
        self._unwritten.clear()
        self._unwritten_bytes = self._dropped_unnumbered = 0
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
        recent_from_ms: int | None = None,
    ) -> list[StoredMessage]:
        """Return the oldest messages whose keys are not in `sent`: gap events first, then recent taps.

        Messages that this kernel boot stamped with an unsynchronised clock at or after `hold_from_ms` of its
        boot clock (milliseconds) are held back, because their time can still be corrected. Up to fifty taps
        at or after `recent_from_ms` come before older messages, because a person waits for the answer. None
        turns off holding back, or the preference.
        """
        many = limit + len(sent)  # messages in `sent` are left out after the query
        keys = self._read("SELECT key FROM message WHERE kind = 2 ORDER BY key LIMIT ?", many)
        if recent_from_ms is not None:
            keys += self._read(RECENT_TAPS, self._n, recent_from_ms, _MOST_RECENT_TAPS)
        keys += self._read(
            "SELECT key FROM message WHERE kind <> 2 AND (synced = 1 OR stamped <> ? OR mono_ms < ?)"
            " ORDER BY key LIMIT ?",
            self._n,
            2**62 if hold_from_ms is None else hold_from_ms,
            many,
        )
        # A recent tap may be among the oldest messages too; it is sent once.
        return self.load([key for key in dict.fromkeys(key for (key,) in keys) if key not in sent][:limit])

    def load(self, keys: Iterable[int]) -> list[StoredMessage]:
        """Return the messages with these keys, in that order; keys that are no longer stored are left out."""
        names = {n: boot for boot, n in self._boots.items()}
        sql = f"SELECT {MESSAGE_COLUMNS} FROM message WHERE key = ?"  # noqa: S608 - a constant
        rows = (row for key in keys for row in self._read(sql, key))
        return [StoredMessage.of(row, names[row[0] >> SEQ_BITS]) for row in rows]

    def apply(self, receipt: Receipt) -> int:
        """Delete the messages that a receipt covers; return how many (none for an unknown boot).

        Raises OutboxUnavailableError when the disk refuses; a later receipt covers the same messages.
        """
        n = self._boots.get(receipt.boot)
        if n is None:
            return 0
        ranges = [(1, receipt.upto), *receipt.ranges, *((r.seq, r.seq) for r in receipt.rejected)]
        spans = [(message_key(n, first), message_key(n, last)) for first, last in ranges]
        upto = min(receipt.upto, SEQ_MASK)  # the contract has no upper limit, SQLite's integers have

        def delete(db: sqlite3.Connection) -> list[int]:
            self.refused.record(db, n, receipt)
            sql = "DELETE FROM message WHERE key BETWEEN ? AND ? RETURNING length(body)"
            sizes = [size for span in spans for (size,) in db.execute(sql, span).fetchall()]
            db.execute("UPDATE boot SET safe_upto = ? WHERE n = ? AND safe_upto < ?", (upto, n, upto))
            if n != self._n:
                delete_old_boots(db, self._n)
            return sizes

        sizes = self._shrink(delete)
        size = self._counts.size - sum(sizes) - len(sizes) * OVERHEAD_BYTES
        self._counts = replace(self._counts, pending=self._counts.pending - len(sizes), size=size)
        return len(sizes)

    def declare(self, stamp: Stamp) -> int:
        """Turn the recorded numbers of dropped messages into gap events of their boots; return how many.

        The uplink calls this before it sends anything newer, so that the server learns of a gap before it
        could report it as unexplained. Numbers that a receipt has covered in the meantime are not declared.
        """
        if not self._counts.dropped:
            return 0
        sizes, last_seq = self._write(lambda db: self._store_gaps(db, stamp), durable=True)
        self._counts = _Counts(
            last_seq, self._counts.pending + len(sizes), self._counts.size + sum(sizes), dropped=False
        )
        return len(sizes)

    def restamp(self, now: Stamp) -> int:
        """Correct messages stamped in this kernel boot before its clock was set; return how many.

        ``ts = now_wall - (now_boot - message_boot)``: the boot clock does not jump. Messages of earlier boots
        cannot be corrected and stay ``unsynced``. Raises ValueError if `now` is not synchronised.
        """
        if not now.synced:
            raise ValueError("a clock that is not synchronised itself cannot correct other times")
        for batch in self._unwritten:
            batch.drafts = [draft.corrected(now) for draft in batch.drafts]
        sql = "UPDATE message SET wall_ms = mono_ms + ?, synced = 1 WHERE synced = 0 AND stamped = ?"
        values = (now.offset_ms, self._n)
        return self._write(lambda db: db.execute(sql, values).rowcount, durable=False)

    def badges(self) -> set[str]:
        """Return the pseudonyms of all stored taps."""
        taps = self._write(lambda db: list(stored_taps(db)), durable=False)
        return {badge for _, _, badges in taps for badge in badges}

    def erase(self, badges: Collection[str]) -> int:
        """Delete every tap of these badges and overwrite its bytes in the files; return how many were stored.

        Their numbers are declared as `erased`. Files that were set aside as corrupt are deleted too, because
        their content is unknown. Raises OutboxUnavailableError when the disk refuses.
        """
        for batch in self._unwritten:
            batch.drafts = [draft for draft in batch.drafts if not is_tap_of(draft, badges)]
        sizes = self._shrink(lambda db: erase(db, badges))
        counts = self._counts
        size, dropped = counts.size - sum(sizes), counts.dropped or bool(sizes)
        self._counts = replace(counts, pending=counts.pending - len(sizes), size=size, dropped=dropped)
        self._file.scrub()
        return len(sizes)

    def take_fault(self) -> FaultData | None:
        """Return, once, the fault of a corrupt file that was set aside and replaced; None without one."""
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
            # After the replacement of a corrupt file the same work succeeds in the new one.
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
        """Start a new numbering if the file was corrupt and has been replaced."""
        if self._generation == self._file.generation:
            return False
        self._load()
        return True

    def _store_unwritten(self, db: sqlite3.Connection) -> _Counts:
        drafts = [draft for batch in self._unwritten for draft in batch.drafts]
        if self._dropped_unnumbered:
            drafts.append(
                draft_event(GapData(cause="disk-full", count=self._dropped_unnumbered), drafts[-1].stamp)
            )
        last_seq = self._insert(db, self._n, self._counts.last_seq, drafts)
        cursors = [pair for batch in self._unwritten for pair in batch.cursors.items()]
        db.executemany("INSERT OR REPLACE INTO cursor VALUES (?, ?)", cursors)
        size = self._counts.size + sum(draft.size for draft in drafts)
        sizes = make_room(db, size - self._cap)
        return _Counts(
            last_seq,
            self._counts.pending + len(drafts) - len(sizes),
            size - sum(sizes),
            self._counts.dropped or bool(sizes),
        )

    def _insert(self, db: sqlite3.Connection, n: int, last_seq: int, drafts: Sequence[DraftMessage]) -> int:
        rows = [
            draft.row(message_key(n, seq), stamped_in=self._n)
            for seq, draft in enumerate(drafts, last_seq + 1)
        ]
        db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.execute("UPDATE boot SET last_seq = ? WHERE n = ?", (last_seq + len(rows), n))
        return last_seq + len(rows)

    def _store_gaps(self, db: sqlite3.Connection, stamp: Stamp) -> tuple[list[int], int]:
        sizes = []
        for n, gap in undeclared_gaps(db):
            (last_seq,) = db.execute("SELECT last_seq FROM boot WHERE n = ?", (n,)).fetchone()
            draft = draft_event(gap, stamp)
            self._insert(db, n, last_seq, [draft])
            sizes.append(draft.size)
        db.execute("DELETE FROM dropped")
        return sizes, db.execute("SELECT last_seq FROM boot WHERE n = ?", (self._n,)).fetchone()[0]

    def _on_disk_refusal(self, error: OutboxUnavailableError) -> None:
        if not self._refused:
            logger.error(
                "the outbox cannot be written (%s); messages wait in memory until it can",
                error,
                extra={"action": "outbox-refused"},
            )
        self._refused = True
        self._retry_at = time.monotonic() + _RETRY_S
        self._limit_memory()

    def _limit_memory(self) -> None:
        """Drop the drafts that exceed the memory for unwritten drafts."""
        dropped = drop_oldest(self._unwritten, self._unwritten_bytes - UNWRITTEN_BYTES)
        self._unwritten_bytes -= sum(draft.size for draft in dropped)
        self._dropped_unnumbered += len(dropped)
