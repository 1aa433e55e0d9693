"""Which rows are on their way to the server, and when to send them again.

Pure bookkeeping for the uplink: no network, no disk; times are seconds of the event loop's clock.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from hubwell_edge.outbox.message import Row
from hubwell_wire.messages import Receipt

MOST_PATIENT: Final = 4
"""While no receipt comes at all, rows are repeated up to this many times more slowly."""


@dataclass(slots=True)
class _Sent:
    boot: UUID
    seq: int
    due: float
    acknowledged: bool = False


class Flight:
    """Rows that were published and have no receipt yet, at most `window` of them."""

    def __init__(self, window: int, resend_s: float) -> None:
        self._window = window
        self._resend_s = resend_s
        self._patience = 1
        self._sent: dict[int, _Sent] = {}

    @property
    def keys(self) -> Collection[int]:
        """The rows on their way."""
        return self._sent.keys()

    @property
    def room(self) -> int:
        """How many more rows may be sent."""
        return self._window - len(self._sent)

    def sent(self, rows: Iterable[Row], now: float) -> None:
        """Note that rows are being published."""
        due = now + self._resend_s * self._patience
        for row in rows:
            self._sent[row.key] = _Sent(row.boot, row.seq, due)

    def acknowledged(self, key: int) -> None:
        """Note that the broker has the row: it may arrive even if we lose the connection."""
        if key in self._sent:
            self._sent[key].acknowledged = True

    def landed(self, receipt: Receipt) -> None:
        """Forget what the server has."""
        self._patience = 1
        refused = {refusal.seq for refusal in receipt.rejected}
        self._sent = {
            key: sent
            for key, sent in self._sent.items()
            if sent.boot != receipt.boot or not (receipt.covers(sent.seq) or sent.seq in refused)
        }

    def forget(self, keys: Iterable[int]) -> None:
        """Forget rows that are not in the outbox any more."""
        for key in keys:
            self._sent.pop(key, None)

    def overdue(self, now: float) -> list[int]:
        """Return the rows to send again, and be more patient with them the next time."""
        keys = [key for key, sent in self._sent.items() if sent.due <= now]
        if keys:
            self._patience = min(self._patience * 2, MOST_PATIENT)
        return keys

    def next_due(self) -> float | None:
        """Return when the first row has to be sent again."""
        return min((sent.due for sent in self._sent.values()), default=None)

    def reconnected(self) -> None:
        """Make rows that the broker never confirmed free to be sent at once."""
        self._sent = {key: sent for key, sent in self._sent.items() if sent.acknowledged}
