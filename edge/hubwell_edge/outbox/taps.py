"""Taps among the messages of the outbox, by badge: what an erasure has to delete.

Functions of a SQLite connection, called inside a transaction of `store.py`, and of drafts still in memory.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from typing import Final

from hubwell_edge.outbox.gaps import drop
from hubwell_edge.outbox.message import OVERHEAD_BYTES, DraftMessage, Kind

Badges = frozenset[str]
"""The pseudonyms of one tap: that of its epoch, and that of the epoch before where the tap carries it."""


RECENT_TAPS: Final = (
    "SELECT key FROM message WHERE kind = 1 AND synced = 1 AND stamped = ? AND mono_ms >= ?"
    """ AND substr(body, 1, 13) = CAST('{"type":"tap"' AS BLOB) ORDER BY key LIMIT ?"""
)
"""Keys of the taps that this kernel boot stamped at or after a time of its boot clock, oldest first."""


def badges_of(body: bytes) -> Badges:
    """Return the pseudonyms in the body of an event; empty for anything but a tap."""
    event = json.loads(body)
    if event.get("type") != "tap":
        return frozenset()
    return frozenset(badge for name in ("badge", "was") if (badge := event["data"].get(name)))


def stored_taps(db: sqlite3.Connection) -> Iterator[tuple[int, int, Badges]]:
    """Yield key, size in bytes and pseudonyms of every tap in the outbox."""
    sql = "SELECT key, body FROM message WHERE kind = ?"
    for key, body in db.execute(sql, (Kind.EVENT,)).fetchall():
        badges = badges_of(body)
        if badges:
            yield key, len(body) + OVERHEAD_BYTES, badges


def erase(db: sqlite3.Connection, badges: Collection[str]) -> list[int]:
    """Delete the taps of these badges, record their numbers as erased, and return their sizes."""
    erased = frozenset(badges)
    matches = [(key, size) for key, size, its in stored_taps(db) if its & erased]
    for key, _ in sorted(matches):
        drop(db, key, "erased")
    return [size for _, size in matches]


def is_tap_of(draft: DraftMessage, badges: Collection[str]) -> bool:
    """Return whether a draft is a tap of one of these badges."""
    return draft.kind == Kind.EVENT and not badges_of(draft.body).isdisjoint(badges)
