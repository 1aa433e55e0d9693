"""Notifies systemd that the agent is ready and alive (``Type=notify``, ``WatchdogSec=``).

Does nothing without ``$NOTIFY_SOCKET``.
"""

import os
import socket
import time
from typing import Final

_MICRO: Final = 1_000_000


def notify(state: str) -> bool:
    """Send one line, for example ``READY=1``; return whether it was sent."""
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
    """Return the interval in seconds at which systemd expects a sign of life (half its limit), or None."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    return int(limit) / _MICRO / 2 if limit.isdigit() else None


class Watchdog:
    """Feeds systemd's watchdog while `beat` is called; systemd restarts an agent that hangs."""

    def __init__(self) -> None:
        self._interval_s = watchdog_interval_s()
        self._last_s = 0.0

    def beat(self) -> None:
        """Report progress; may be called at any rate."""
        now = time.monotonic()
        if self._interval_s is not None and now - self._last_s >= self._interval_s:
            self._last_s = now
            notify("WATCHDOG=1")
