"""Run a process of the server: it ends in order and with success on SIGTERM, and feeds systemd's watchdog."""

import asyncio
import os
import signal
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_MICRO: Final = 1_000_000


def run_service(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or until SIGINT or SIGTERM cancels it; its clean-up is waited for.

    :raises Exception: what ended the work.
    """
    asyncio.run(_run(work))


async def _run(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        notify("STOPPING=1")
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    watchdog = asyncio.create_task(feed_watchdog(), name="watchdog")
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
    finally:
        watchdog.cancel()


async def feed_watchdog() -> None:
    """Report readiness, then life at half of systemd's limit until cancelled: a blocked event loop is silent.

    Does nothing outside a unit of systemd.
    """
    notify("READY=1")
    limit = os.environ.get("WATCHDOG_USEC", "")
    if not limit.isdigit():
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(limit) / _MICRO / 2)


def notify(state: str) -> None:
    """Send one line of sd_notify(3), for example ``READY=1``; nothing where systemd does not listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for Linux's abstract namespace, which the kernel writes as a zero byte.
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender, suppress(OSError):
        sender.sendto(state.encode(), target)
