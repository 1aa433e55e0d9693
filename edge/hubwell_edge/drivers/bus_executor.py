"""Runs the blocking calls of one bus in one thread.

The thread serves as the lock of the bus, and a part that hangs stops only its own bus.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from hubwell_edge.drivers.sensor import SensorSilentError

T = TypeVar("T")


class BusBusyError(SensorSilentError):
    """Another call on this bus hangs, so this call was not started."""


class CallHungError(SensorSilentError):
    """The call did not return in time; it still runs and occupies the bus."""


class _Thread:
    """A single worker thread that does not keep the process from ending.

    `ThreadPoolExecutor` joins its threads at exit, so a read that never returns from the kernel would make
    the agent impossible to stop.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` after all calls submitted before it."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - passed on to the caller
                future.set_exception(error)
            else:
                future.set_result(result)

        self._jobs.put(job)
        return future

    def stop(self) -> None:
        """End the thread after its queued jobs; a hung job is left behind."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


class BusExecutor:
    """Runs the blocking calls of all parts of one bus, one after the other, each with a time limit."""

    def __init__(self, bus: str) -> None:
        self._bus = bus
        self._thread = _Thread(f"bus-{bus}")
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Future[Any]] = set()
        self._hung: tuple[str, asyncio.Future[Any]] | None = None

    async def call(self, part: str, function: Callable[[], T], timeout_s: float) -> T:
        """Run `function` in the thread of the bus and return its result.

        Raises CallHungError if it takes longer than `timeout_s`, BusBusyError while an earlier call hangs,
        and the exceptions of `function`. Time spent waiting for other parts of the bus is not included.
        """
        async with self._turn:
            self._refuse_while_hung(part)
            future = asyncio.wrap_future(self._thread.submit(function))
            self._running.add(future)
            future.add_done_callback(self._ended)
            # wait_for would cancel the future, and with it the information that the thread is still busy.
            finished, _ = await asyncio.wait({future}, timeout=timeout_s)
            if finished:
                return future.result()
            self._hung = (part, future)
            raise CallHungError(
                f"{part} has not answered within {timeout_s:g} s and holds bus {self._bus}: if this "
                "persists, disconnect the power of the part for a moment, or restart the agent"
            )

    def stop(self) -> None:
        """End the thread; a hung call is left behind."""
        for future in tuple(self._running):
            future.cancel()
        self._thread.stop()

    def _refuse_while_hung(self, part: str) -> None:
        if self._hung is None:
            return
        holder, future = self._hung
        if not future.done():
            raise BusBusyError(
                f"{part} cannot be reached while {holder} hangs on bus {self._bus}: see {holder}"
            )
        self._hung = None

    def _ended(self, future: asyncio.Future[Any]) -> None:
        self._running.discard(future)
        if not future.cancelled():
            # The caller may be gone; reading the exception avoids asyncio's "never retrieved" log line.
            future.exception()
