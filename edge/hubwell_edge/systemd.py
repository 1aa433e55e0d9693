"""Tells systemd that the agent is ready and alive (``Type=notify``, ``WatchdogSec=``).

Silent where nobody listens, that is without ``$NOTIFY_SOCKET``.
"""

import asyncio
import os
import socket
from collections.abc import Callable
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


async def stay_alive(is_well: Callable[[], bool]) -> None:
    """Feed the watchdog while `is_well` says so; a hung agent is then started again by systemd."""
    notify("READY=1")
    interval = watchdog_interval_s()
    while interval is not None:
        if is_well():
            notify("WATCHDOG=1")
        await asyncio.sleep(interval)
