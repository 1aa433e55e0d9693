"""Try again without crowding: pauses that grow and differ between processes, and one warning per reason."""

import asyncio
import logging
import random
from typing import Final

from hubwell.errors import first_line

_JITTER: Final = (0.5, 1.5)


class Backoff:
    """The pauses between attempts, in seconds: each twice the one before, up to a limit, with jitter.

    Without jitter all processes that lost a server would come back to it at the same moment.
    """

    def __init__(self, first_s: float = 0.5, longest_s: float = 5.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Return the pause before the next attempt."""
        pause = self._next_s
        self._next_s = min(2 * pause, self._longest_s)
        return pause * random.uniform(*_JITTER)  # noqa: S311 - jitter, not a secret

    async def wait(self) -> None:
        """Sleep for the next pause."""
        await asyncio.sleep(self.next_s())

    def reset(self) -> None:
        """Begin with the shortest pause again: an attempt succeeded."""
        self._next_s = self._first_s


class WarnOnce:
    """Logs a warning when its reason is another than the last time, not on every attempt.

    `message` has one ``%s``, for the reason; `action` goes into the log record.
    """

    def __init__(self, logger: logging.Logger, message: str, *, action: str) -> None:
        self._logger = logger
        self._message = message
        self._action = action
        self._reason: str | None = None

    def __call__(self, reason: BaseException | str) -> None:
        """Warn, unless this was the reason already; of an exception its first line is the reason."""
        text = first_line(reason) if isinstance(reason, BaseException) else reason
        if text != self._reason:
            self._reason = text
            self._logger.warning(self._message, text, extra={"action": self._action})

    def clear(self) -> bool:
        """Forget the reason, because an attempt succeeded; return whether there was one."""
        failed, self._reason = self._reason is not None, None
        return failed
