"""One thread for each bus. That thread is the bus lock, and a part that hangs stops only its own bus."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from hubwell_edge.drivers.sensor import SensorSilentError

T = TypeVar("T")


class BusBusyError(SensorSilentError):
    """Another call on this bus hangs, so this one was not even begun."""


class CallHungError(SensorSilentError):
    """The call did not come back in time; it still runs and holds the bus."""


class _Thread:
    """A single worker thread that does not keep the process from ending.

    `ThreadPoolExecutor` joins its threads at exit, so a read that never returns from the kernel would make
    the agent impossible to stop.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` after everything submitted before it."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it is handed to the caller, whatever it is
                future.set_exception(error)
            else:
                future.set_result(result)

        self._jobs.put(job)
        return future

    def stop(self) -> None:
        """End the thread after the jobs it has; a hung job is left behind."""
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
        """Return what `function` returns, run in the thread of the bus.

        Raises CallHungError if it takes longer than `timeout_s`, LaneHeldError while an earlier call hangs,
        and what `function` raises. The time waiting for other parts of the bus does not count.
        """
        async with self._turn:
            self._refuse_while_held(part)
            future = asyncio.wrap_future(self._thread.submit(function))
            self._running.add(future)
            future.add_done_callback(self._ended)
            # Not wait_for: it would cancel the future and hide that the thread is still busy.
            done, _ = await asyncio.wait({future}, timeout=timeout_s)
            if done:
                return future.result()
            self._hung = (part, future)
            raise CallHungError(
                f"{part} has not answered within {timeout_s:g} s and holds bus {self._bus}: if it stays so, "
                "take the power of the part away for a moment, or restart the agent"
            )

    def stop(self) -> None:
        """Let the thread end; what hangs is left behind."""
        for future in tuple(self._running):
            future.cancel()
        self._thread.stop()

    def _refuse_while_held(self, part: str) -> None:
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
            # Nobody may be waiting any more; looking at it keeps asyncio from calling it forgotten.
            future.exception()
