"""Which badges are inside, as far as this device knows from taps at its own doors.

Holds pseudonyms, for sixteen hours, in a file beside the outbox; read from memory, written in the outbox's
thread. Decides between "in" and "out" while the server cannot be reached, and brings a muster that is opened
on this device up to date.
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
RETENTION_MS: Final = 16 * 3600 * 1000
"""How long a state is stored: longer than any stay, shorter than until the next day's opening."""
LONGEST_STAY_MS: Final = 12 * 3600 * 1000
"""Who came in longer ago is no longer inside, as on the server (`vocabulary.LONGEST_VISIT`)."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS seen (
    badge TEXT PRIMARY KEY, inside INTEGER NOT NULL, reader TEXT NOT NULL,
    wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, synced INTEGER NOT NULL,
    boot TEXT, seq INTEGER) WITHOUT ROWID;
"""
_COLUMNS: Final = "badge, inside, reader, wall_ms, mono_ms, synced, boot, seq"
_SELECT: Final = f"SELECT {_COLUMNS} FROM seen"  # noqa: S608 - constants

Number = tuple[UUID, int]
"""Boot and sequence number of a message."""
_Row = tuple[str, int, str, int, int, int, str | None, int | None]


@dataclass(frozen=True, slots=True)
class BadgeState:
    """Whether a badge is inside, and reader, time and message number of the tap that decided it."""

    badge: str
    inside: bool
    reader: str
    at: Stamp
    number: Number | None = None

    def row(self) -> tuple[object, ...]:
        """Return the state as a row of the table `seen`."""
        at = self.at
        boot, seq = (str(self.number[0]), self.number[1]) if self.number is not None else (None, None)
        return (self.badge, self.inside, self.reader, at.wall_ms, at.mono_ms, at.synced, boot, seq)

    @classmethod
    def of(cls, row: _Row) -> Self:
        """Return the state that a row of the table `seen` holds."""
        badge, inside, reader, wall_ms, mono_ms, synced, boot, seq = row
        number = (UUID(boot), seq) if boot is not None and seq is not None else None
        return cls(badge, bool(inside), reader, Stamp(wall_ms, mono_ms, bool(synced)), number)

    def is_newer_than(self, number: Number | None) -> bool:
        """Return whether the state comes from a later tap of the same boot than `number`."""
        own = self.number
        return own is not None and number is not None and own[0] == number[0] and own[1] > number[1]


class LocalPresence:
    """The latest state of each badge at this device. Reading is cheap; `save` and `delete` wait for the disk.

    A file that cannot be used is replaced by an empty one: later answers of the server restore its content.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._db = _open(self._path)
        self._states = {row[0]: BadgeState.of(row) for row in self._db.execute(_SELECT)}
        self._write_failed = False

    @property
    def badges(self) -> set[str]:
        """The pseudonyms that have a state."""
        return set(self._states)

    def inside(self, badges: Iterable[str], now: Stamp) -> bool:
        """Return whether a person with one of these badges came in and has not gone out again."""
        states = (self._states.get(badge) for badge in badges)
        return any(
            state.inside and _is_recent(state, now, LONGEST_STAY_MS) for state in states if state is not None
        )

    def count(self, now: Stamp) -> int:
        """Return how many people came in by this device's doors and are probably still inside."""
        # list() copies in one step, because another thread may record a tap meanwhile.
        states = [
            state
            for state in list(self._states.values())
            if state.inside and _is_recent(state, now, LONGEST_STAY_MS)
        ]
        # A badge has a pseudonym for each epoch: states recorded by one tap belong to one person.
        return len({state.number or (state.reader, state.at) for state in states})

    def record(
        self, badges: Iterable[str], reader: str, at: Stamp, *, inside: bool, number: Number | None = None
    ) -> list[BadgeState]:
        """Record that a person with these badges came in or went out; return the states to `save`.

        A state from a later tap is left as it is. Badges that an earlier tap recorded together are pseudonyms
        of one person, so the new state is recorded for all of them.
        """
        states = [BadgeState(badge, inside, reader, at, number) for badge in self._with_linked_badges(badges)]
        changed = [
            state
            for state in states
            if (before := self._states.get(state.badge)) is None or not before.is_newer_than(number)
        ]
        self._states.update((state.badge, state) for state in changed)
        return changed

    def _with_linked_badges(self, badges: Iterable[str]) -> list[str]:
        badges = list(badges)
        taps = {self._states[badge].number for badge in badges if badge in self._states} - {None}
        linked = (state.badge for state in list(self._states.values()) if state.number in taps)
        return list(dict.fromkeys([*badges, *linked]))

    def states_from(self, number: Number) -> list[BadgeState]:
        """Return the states that come from this tap and from no later one."""
        return [state for state in list(self._states.values()) if state.number == number]

    def end_visit(self, number: Number) -> list[str]:
        """Drop the states that come from this tap; return the badges to `delete`.

        No "outside" is recorded in their place: the person may be in another space of the hub, and a muster
        must not list them as gone.
        """
        badges = [state.badge for state in self.states_from(number)]
        for badge in badges:
            del self._states[badge]
        return badges

    def delete(self, badges: Iterable[str]) -> None:
        """Delete badges from the file."""
        self._write("DELETE FROM seen WHERE badge = ?", ((badge,) for badge in badges))

    def save(self, states: Iterable[BadgeState]) -> None:
        """Write states to the file. A disk that refuses is logged once and stops nothing."""
        sql = f"INSERT OR REPLACE INTO seen ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        self._write(sql, (state.row() for state in states))

    def prune(self, now: Stamp) -> None:
        """Delete states older than sixteen hours; does nothing while the clock is unsynchronised."""
        if not now.synced:
            return
        # A copy, because another thread goes on recording taps.
        uncorrected = [state for state in list(self._states.values()) if _can_be_corrected(state.at, now)]
        for state in uncorrected:
            wall_ms = state.at.mono_ms + now.offset_ms
            self._states[state.badge] = replace(state, at=replace(state.at, wall_ms=wall_ms, synced=True))
        self.save(self._states[state.badge] for state in uncorrected)
        self._drop(badge for badge, state in list(self._states.items()) if not _is_recent(state, now))

    def forget(self, badges: Collection[str]) -> None:
        """Delete badges and overwrite their bytes in the file."""
        self._drop(badges)
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _drop(self, badges: Iterable[str]) -> None:
        dropped = [badge for badge in badges if self._states.pop(badge, None) is not None]
        if dropped:
            self.delete(dropped)

    def _write(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        try:
            with self._db:
                self._db.executemany(sql, rows)
        except sqlite3.Error as error:
            if not self._write_failed:
                logger.warning("who is in cannot be written: %s", error, extra={"action": "presence-refused"})
            self._write_failed = True


def read_since(folder: Path, since_ms: int) -> list[BadgeState]:
    """Return the states decided after a time (Unix milliseconds), oldest first; works beside a running agent.

    A state with an unsynchronised time counts as later: it cannot be older than this boot. Raises
    sqlite3.Error when the file exists and cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return []
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        sql = f"{_SELECT} WHERE wall_ms > ? OR synced = 0 ORDER BY wall_ms"
        return [BadgeState.of(row) for row in db.execute(sql, (since_ms,))]
    finally:
        db.close()


def _can_be_corrected(at: Stamp, now: Stamp) -> bool:
    """Return whether `now` can correct an unsynchronised time of the same boot, as in the outbox."""
    return not at.synced and at.mono_ms <= now.mono_ms


def _is_recent(state: BadgeState, now: Stamp, within_ms: int = RETENTION_MS) -> bool:
    return not (state.at.synced and now.synced) or now.wall_ms - state.at.wall_ms <= within_ms


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        logger.warning(
            "%s is replaced by an empty file: %s", path.name, error, extra={"action": "presence-anew"}
        )
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    # One thread at a time uses the connection, though not always the one that opened it.
    db = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        path.chmod(0o600)
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -256")
        db.executescript(_SCHEMA)
        db.execute(f"{_SELECT} LIMIT 1").fetchone()  # fails for the columns of an older version
    except BaseException:
        db.close()
        raise
    return db
