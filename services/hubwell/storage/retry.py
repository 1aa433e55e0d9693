"""Retries: pauses with exponential growth and jitter, and one warning per reason."""

import asyncio
import logging
import random
from typing import Final

from hubwell.errors import first_line

_JITTER: Final = (0.5, 1.5)


class Backoff:
    """The pauses between attempts, in seconds: each twice the one before, up to a limit, with jitter.

    Without jitter all processes that lost a server would reconnect at the same moment.
    """

    def __init__(self, first_s: float = 0.5, longest_s: float = 5.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Return the pause before the next attempt, in seconds."""
        pause = self._next_s
        self._next_s = min(2 * pause, self._longest_s)
        return pause * random.uniform(*_JITTER)  # noqa: S311 - jitter, not a secret

    async def wait(self) -> None:
        """Sleep for the next pause."""
        await asyncio.sleep(self.next_s())

    def reset(self) -> None:
        """Start with the first pause again, after a successful attempt."""
        self._next_s = self._first_s


class WarnOnce:
    """Logs a warning only when its reason differs from the previous one, not on every attempt.

    `message` has one ``%s``, for the reason; `action` goes into the log record.
    """

    def __init__(self, logger: logging.Logger, message: str, *, action: str) -> None:
        self._logger = logger
        self._message = message
        self._action = action
        self._reason: str | None = None

    def __call__(self, reason: BaseException | str) -> None:
        """Log the warning, unless the reason is the same; the reason of an exception is its first line."""
        text = first_line(reason) if isinstance(reason, BaseException) else reason
        if text != self._reason:
            self._reason = text
            self._logger.warning(self._message, text, extra={"action": self._action})

    def clear(self) -> bool:
        """Clear the reason after a successful attempt; return whether there was one."""
        failed, self._reason = self._reason is not None, None
        return failed
