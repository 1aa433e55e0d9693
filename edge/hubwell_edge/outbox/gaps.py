"""Sequence numbers of dropped messages: recorded in the file until a gap event declares them.

Functions of a SQLite connection, called inside a transaction of `store.py`.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final, Literal

from hubwell_edge.outbox.message import OVERHEAD_BYTES, SEQ_BITS, SEQ_MASK
from hubwell_wire.messages import GapData

Cause = Literal["outbox-full", "erased"]

_CHUNK: Final = 200


def make_room(db: sqlite3.Connection, excess: int) -> list[int]:
    """Drop the oldest telemetry until `excess` bytes are free; return the size of each dropped message."""
    sizes: list[int] = []
    freed = 0
    sql = "SELECT key, length(body) FROM message WHERE kind = 0 ORDER BY key LIMIT ?"
    while freed < excess and (oldest := db.execute(sql, (_CHUNK,)).fetchall()):
        for key, length in oldest:
            if freed >= excess:
                break
            drop(db, key, "outbox-full")
            sizes.append(length + OVERHEAD_BYTES)
            freed += sizes[-1]
    return sizes


def drop(db: sqlite3.Connection, key: int, cause: Cause) -> None:
    """Delete a message and record its number, joined to the range that ends just before it."""
    db.execute("DELETE FROM message WHERE key = ?", (key,))
    before = db.execute(
        "SELECT first, last, cause FROM dropped WHERE first < ? ORDER BY first DESC LIMIT 1", (key,)
    ).fetchone()
    if before and before[1:] == (key - 1, cause):
        db.execute("UPDATE dropped SET last = ? WHERE first = ?", (key, before[0]))
    else:
        db.execute("INSERT INTO dropped (first, last, cause) VALUES (?, ?, ?)", (key, key, cause))


def undeclared_gaps(db: sqlite3.Connection) -> Iterator[tuple[int, GapData]]:
    """Yield each gap to declare, with the local number of its boot.

    Numbers that a receipt has covered in the meantime are not a gap.
    """
    for first_key, last_key, cause in db.execute(
        "SELECT first, last, cause FROM dropped ORDER BY first"
    ).fetchall():
        n, last = first_key >> SEQ_BITS, last_key & SEQ_MASK
        (safe_upto,) = db.execute("SELECT safe_upto FROM boot WHERE n = ?", (n,)).fetchone()
        first = max(first_key & SEQ_MASK, safe_upto + 1)
        if first <= last:
            yield n, GapData(cause=cause, count=last - first + 1, first=first, last=last)


def delete_old_boots(db: sqlite3.Connection, current: int) -> None:
    """Delete earlier boots that have neither messages nor undeclared gaps."""
    db.execute(
        "DELETE FROM boot WHERE n < ?1"
        " AND NOT EXISTS (SELECT 1 FROM message WHERE key BETWEEN n << ?2 AND (n << ?2) + ?3)"
        " AND NOT EXISTS (SELECT 1 FROM dropped WHERE first BETWEEN n << ?2 AND (n << ?2) + ?3)",
        (current, SEQ_BITS, SEQ_MASK),
    )
