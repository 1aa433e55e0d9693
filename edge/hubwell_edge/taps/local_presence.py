"""What this device knows of who is in at its own door: pseudonyms, for sixteen hours, beside the outbox.

Read from memory, written behind on the outbox's thread. It decides between "in" and "out" while the server is
silent, and brings a muster up to date that is opened here.
"""

import logging
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from hubwell_edge.clock import Stamp

logger: Final = logging.getLogger(__name__)

FILE: Final = "presence.db"
KEPT_MS: Final = 16 * 3600 * 1000
"""Longer than anybody stays, shorter than until the next day's opening."""
STAY_MS: Final = 12 * 3600 * 1000
"""Whoever came in longer ago takes up no room any more: the server's rule too (`presence.rules.LONGEST`)."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS seen (
    badge TEXT PRIMARY KEY, inside INTEGER NOT NULL, reader TEXT NOT NULL,
    wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, synced INTEGER NOT NULL,
    boot TEXT, seq INTEGER) WITHOUT ROWID;
"""
_COLUMNS: Final = "badge, inside, reader, wall_ms, mono_ms, synced, boot, seq"
_READ: Final = f"SELECT {_COLUMNS} FROM seen"  # noqa: S608 - constants

Number = tuple[UUID, int]
"""Boot and number of a message."""
_Row = tuple[str, int, str, int, int, int, str | None, int | None]


@dataclass(frozen=True, slots=True)
class Seen:
    """The last thing that is known of one badge at this device, and the tap that it is known by."""

    badge: str
    inside: bool
    reader: str
    at: Stamp
    number: Number | None = None

    def row(self) -> tuple[object, ...]:
        """Return it as it is stored."""
        at = self.at
        boot, seq = (str(self.number[0]), self.number[1]) if self.number is not None else (None, None)
        return (self.badge, self.inside, self.reader, at.wall_ms, at.mono_ms, at.synced, boot, seq)

    @classmethod
    def of(cls, row: _Row) -> Self:
        """Return what a row says."""
        badge, inside, reader, wall_ms, mono_ms, synced, boot, seq = row
        number = (UUID(boot), seq) if boot is not None and seq is not None else None
        return cls(badge, bool(inside), reader, Stamp(wall_ms, mono_ms, bool(synced)), number)

    def is_later_than(self, number: Number | None) -> bool:
        """Tell whether it is known by a later tap than this one."""
        known = self.number
        return known is not None and number is not None and known[0] == number[0] and known[1] > number[1]


class Presence:
    """Who was seen here last, and whether coming or going. Reading is cheap; `save` blocks for the disk.

    A file that cannot be used is begun anew: what it knew comes back with the next answers of the server.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._db = _open(self._path)
        self._seen = {row[0]: Seen.of(row) for row in self._db.execute(_READ)}
        self._trouble = False

    @property
    def badges(self) -> set[str]:
        """The pseudonyms that are known here."""
        return set(self._seen)

    def inside(self, badges: Iterable[str], now: Stamp) -> bool:
        """Tell whether a person with one of these badges came in and did not go out again."""
        found = (self._seen.get(badge) for badge in badges)
        return any(seen.inside and _fresh(seen, now) for seen in found if seen is not None)

    def count(self, now: Stamp) -> int:
        """Return how many people came in by this device's doors and are probably still there."""
        here = (seen for seen in list(self._seen.values()) if seen.inside and _fresh(seen, now, STAY_MS))
        # A badge has a pseudonym for each epoch: those that one tap noted are one person.
        return len({seen.number or (seen.reader, seen.at) for seen in here})

    def note(
        self, badges: Iterable[str], reader: str, at: Stamp, *, inside: bool, number: Number | None = None
    ) -> list[Seen]:
        """Remember that somebody came or went with the tap of this number; return what `save` has to write.

        What is known by a later tap stays. A badge that was noted with another one by the same tap, as its
        pseudonyms of two epochs are, is the same person's: what is noted of one is true of both.
        """
        noted = [Seen(badge, inside, reader, at, number) for badge in self._same_people(badges)]
        noted = [
            seen
            for seen in noted
            if (known := self._seen.get(seen.badge)) is None or not known.is_later_than(number)
        ]
        self._seen.update((seen.badge, seen) for seen in noted)
        return noted

    def _same_people(self, badges: Iterable[str]) -> list[str]:
        badges = list(badges)
        taps = {self._seen[badge].number for badge in badges if badge in self._seen} - {None}
        known = (seen.badge for seen in list(self._seen.values()) if seen.number in taps)
        return list(dict.fromkeys([*badges, *known]))

    def known_by(self, number: Number) -> list[Seen]:
        """Return what is known by this tap and no later one."""
        return [seen for seen in list(self._seen.values()) if seen.number == number]

    def leave(self, number: Number) -> list[str]:
        """Forget who came in with this tap, if they did not tap here again; return whom `unsave` deletes.

        Nothing is noted instead: they may be elsewhere, and a muster must not take them for gone.
        """
        left = [seen.badge for seen in self.known_by(number)]
        for badge in left:
            del self._seen[badge]
        return left

    def unsave(self, badges: Iterable[str]) -> None:
        """Delete on the disk who left."""
        self._write("DELETE FROM seen WHERE badge = ?", ((badge,) for badge in badges))

    def save(self, noted: Iterable[Seen]) -> None:
        """Write what was noted. A disk that refuses is told of once and does not stop anything."""
        sql = f"INSERT OR REPLACE INTO seen ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        self._write(sql, (seen.row() for seen in noted))

    def prune(self, now: Stamp) -> None:
        """Delete what is older than sixteen hours, once the clock can be believed."""
        if not now.synced:
            return
        # A copy, because taps go on being noted in another thread.
        late = [seen for seen in list(self._seen.values()) if _comes_late(seen.at, now)]
        for seen in late:
            wall_ms = seen.at.mono_ms + now.offset_ms
            self._seen[seen.badge] = replace(seen, at=replace(seen.at, wall_ms=wall_ms, synced=True))
        self.save(self._seen[seen.badge] for seen in late)
        self._delete(badge for badge, seen in list(self._seen.items()) if not _fresh(seen, now))

    def forget(self, badges: Collection[str]) -> None:
        """Delete badges so that no byte of them is left in the files."""
        self._delete(badges)
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _delete(self, badges: Iterable[str]) -> None:
        gone = [badge for badge in badges if self._seen.pop(badge, None) is not None]
        if gone:
            self.unsave(gone)

    def _write(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        try:
            with self._db:
                self._db.executemany(sql, rows)
        except sqlite3.Error as error:
            if not self._trouble:
                logger.warning("who is in cannot be written: %s", error, extra={"action": "presence-refused"})
            self._trouble = True


def read_since(folder: Path, since_ms: int) -> list[Seen]:
    """Return what was seen after a moment (Unix milliseconds), oldest first, beside a running agent too.

    What was seen with a clock that was not set counts as later: it cannot be from before this start.
    Raises sqlite3.Error when there is a file and it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return []
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        sql = f"{_READ} WHERE wall_ms > ? OR synced = 0 ORDER BY wall_ms"
        return [Seen.of(row) for row in db.execute(sql, (since_ms,))]
    finally:
        db.close()


def _comes_late(at: Stamp, now: Stamp) -> bool:
    """Tell whether a time of a clock that was not set can be corrected now, as the outbox does."""
    return not at.synced and at.mono_ms <= now.mono_ms


def _fresh(seen: Seen, now: Stamp, within_ms: int = KEPT_MS) -> bool:
    return not (seen.at.synced and now.synced) or now.wall_ms - seen.at.wall_ms <= within_ms


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connected(path)
    except sqlite3.DatabaseError as error:
        logger.warning("%s is begun anew: %s", path.name, error, extra={"action": "presence-anew"})
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    # One thread at a time uses the connection, though not always the one that opened it.
    db = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        path.chmod(0o600)
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -256")
        db.executescript(_SCHEMA)
        db.execute(f"{_READ} LIMIT 1").fetchone()  # a file of an older version has other columns
    except BaseException:
        db.close()
        raise
    return db
