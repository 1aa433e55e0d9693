"""Bookkeeping of the messages that were published and have no receipt yet, and when to send them again.

Pure: no network, no disk. Times are seconds of the event loop's clock.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from hubwell_edge.outbox.message import StoredMessage
from hubwell_wire.messages import Receipt

SLOWEST_RESEND: Final = 4
"""While no receipt arrives at all, the resend interval grows up to this many times its setting."""


@dataclass(slots=True)
class _Published:
    boot: UUID
    seq: int
    due: float
    acknowledged: bool = False

    def is_settled_by(self, receipt: Receipt, refused: Collection[int]) -> bool:
        """Return whether the receipt confirms or refuses the message."""
        return self.boot == receipt.boot and (receipt.covers(self.seq) or self.seq in refused)


class InFlight:
    """Published messages without a receipt, at most `window` of them."""

    def __init__(self, window: int, resend_s: float) -> None:
        self._window = window
        self._resend_s = resend_s
        self._slowdown = 1
        self._messages: dict[int, _Published] = {}

    @property
    def keys(self) -> Collection[int]:
        """Keys of the messages in flight."""
        return self._messages.keys()

    @property
    def room(self) -> int:
        """How many more messages may be sent."""
        return self._window - len(self._messages)

    def published(self, messages: Iterable[StoredMessage], now: float) -> None:
        """Record messages that are being published at `now`."""
        due = now + self._resend_s * self._slowdown
        for message in messages:
            self._messages[message.key] = _Published(message.boot, message.seq, due)

    def acknowledged(self, key: int) -> None:
        """Record the broker's PUBACK: the message may reach the server even if the connection is lost."""
        if key in self._messages:
            self._messages[key].acknowledged = True

    def confirm(self, receipt: Receipt) -> None:
        """Remove the messages that a receipt confirms or refuses."""
        self._slowdown = 1
        refused = {refusal.seq for refusal in receipt.rejected}
        self._messages = {
            key: message
            for key, message in self._messages.items()
            if not message.is_settled_by(receipt, refused)
        }

    def discard(self, keys: Iterable[int]) -> None:
        """Remove messages that are no longer in the outbox."""
        for key in keys:
            self._messages.pop(key, None)

    def overdue(self, now: float) -> list[int]:
        """Return the keys of the messages to send again, and double the interval until the next time."""
        keys = [key for key, message in self._messages.items() if message.due <= now]
        if keys:
            self._slowdown = min(self._slowdown * 2, SLOWEST_RESEND)
        return keys

    def next_due(self) -> float | None:
        """Return the time at which the first message has to be sent again; None with nothing in flight."""
        return min((message.due for message in self._messages.values()), default=None)

    def reconnected(self) -> None:
        """Make messages that the broker never acknowledged available for sending at once."""
        self._messages = {key: message for key, message in self._messages.items() if message.acknowledged}
