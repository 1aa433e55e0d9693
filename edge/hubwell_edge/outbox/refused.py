"""Readings that the server refused, kept for a replay: its summary names them, also after a restart."""

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from hubwell_edge.outbox.file import OutboxFile
from hubwell_edge.outbox.message import message_key
from hubwell_wire.messages import Receipt


class RefusedReading(NamedTuple):
    """A reading that the server will never store; the time is in milliseconds since 1970."""

    series: str
    at_ms: int
    value: float


class RefusedLog:
    """The refused readings of an outbox, each with the server's reason; keeps none until `keep` is called."""

    def __init__(self, file: OutboxFile) -> None:
        self._file = file
        self._kept = False
        self.readings: dict[RefusedReading, str] = {}

    def keep(self, *, earlier: bool) -> None:
        """Write down what is refused from now on; with `earlier` beside what was, else in its place."""
        self._kept = True
        if not earlier:
            self._file.write(lambda db: db.execute("DELETE FROM refused"), durable=False)
        rows = self._file.read("SELECT reason, reading FROM refused")
        self.readings = {RefusedReading(*json.loads(reading)): reason for reason, reading in rows}

    def record(self, db: sqlite3.Connection, n: int, receipt: Receipt) -> None:
        """Write down the readings that a receipt refuses, while their messages are still stored."""
        if not self._kept:
            return
        refused: dict[RefusedReading, str] = {}
        for refusal in receipt.rejected:
            refused |= dict.fromkeys(_readings(db, message_key(n, refusal.seq)), refusal.reason)
        for unstored in receipt.unstored:
            sent = list(_readings(db, message_key(n, unstored.seq)))
            chosen = (sent[place] for place in unstored.readings if place < len(sent))
            refused |= dict.fromkeys(chosen, unstored.reason)
        rows = [(reason, json.dumps(reading)) for reading, reason in refused.items()]
        db.executemany("INSERT INTO refused VALUES (?, ?)", rows)
        self.readings |= refused


def _readings(db: sqlite3.Connection, key: int) -> Iterator[RefusedReading]:
    row = db.execute("SELECT wall_ms, body FROM message WHERE key = ? AND kind = 0", (key,)).fetchone()
    for reading in json.loads(row[1])["r"] if row else ():
        yield RefusedReading(reading["s"], row[0] + reading.get("t", 0), reading["v"])
