"""Tells systemd that the agent is ready and alive (``Type=notify``, ``WatchdogSec=``).

Silent where nobody listens, that is without ``$NOTIFY_SOCKET``.
"""

import os
import socket
import time
from typing import Final

_MICRO: Final = 1_000_000


def notify(state: str) -> bool:
    """Send one line, for example ``READY=1``; return whether somebody was there to hear it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    # A leading @ stands for Linux's abstract namespace, which the kernel writes as a zero byte.
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), target)
        except OSError:
            return False
    return True


def watchdog_interval_s() -> float | None:
    """Return how often systemd wants to hear of us (half of its limit), or None if it does not."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    return int(limit) / _MICRO / 2 if limit.isdigit() else None


class Watchdog:
    """Feeds systemd's watchdog while `beat` is called; an agent that hangs is then started again."""

    def __init__(self) -> None:
        self._interval_s = watchdog_interval_s()
        self._last_s = 0.0

    def beat(self) -> None:
        """Note progress; call it as often as you like."""
        now = time.monotonic()
        if self._interval_s is not None and now - self._last_s >= self._interval_s:
            self._last_s = now
            notify("WATCHDOG=1")
