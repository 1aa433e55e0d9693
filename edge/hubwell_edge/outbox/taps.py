"""Taps among the rows of the outbox: whose they are, for the day on which somebody is to be forgotten.

Functions of a SQLite connection inside a transaction of `outbox.py`, and of drafts that are still in memory.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from typing import Final

from hubwell_edge.outbox.gaps import drop
from hubwell_edge.outbox.message import ROW_BYTES, Draft, Kind

Badges = frozenset[str]
"""The pseudonyms of one tap: of its epoch, and of the one before where it is given."""


LIVE_TAPS: Final = (
    "SELECT key FROM message WHERE kind = 1 AND synced = 1 AND stamped = ? AND mono_ms >= ?"
    """ AND substr(body, 1, 13) = CAST('{"type":"tap"' AS BLOB) ORDER BY key LIMIT ?"""
)
"""Keys of the taps that this kernel boot stamped at or after a moment of its boot clock, oldest first."""


def badges_of(body: bytes) -> Badges:
    """Return the pseudonyms in the body of an event; none for anything but a tap."""
    event = json.loads(body)
    if event.get("type") != "tap":
        return frozenset()
    return frozenset(found for name in ("badge", "was") if (found := event["data"].get(name)))


def stored(db: sqlite3.Connection) -> Iterator[tuple[int, int, Badges]]:
    """Yield key, size and badges of every tap in the outbox."""
    sql = "SELECT key, body FROM message WHERE kind = ?"
    for key, body in db.execute(sql, (Kind.EVENT,)).fetchall():
        badges = badges_of(body)
        if badges:
            yield key, len(body) + ROW_BYTES, badges


def erase(db: sqlite3.Connection, badges: Collection[str]) -> list[int]:
    """Delete the taps of these badges, remember their numbers as erased, and return their sizes."""
    wanted = frozenset(badges)
    found = [(key, size) for key, size, its in stored(db) if its & wanted]
    for key, _ in sorted(found):
        drop(db, key, "erased")
    return [size for _, size in found]


def is_tap_of(draft: Draft, badges: Collection[str]) -> bool:
    """Tell whether a draft is a tap of one of these badges."""
    return draft.kind == Kind.EVENT and not badges_of(draft.body).isdisjoint(badges)
