"""Runs the processes of `hubwell up` in order, restarts them, and stops them in reverse order on a signal."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path

from hubwell.runtime.managed_process import Child, Part
from hubwell.runtime.start_errors import CannotStartError, refusal_for

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _ignore() -> None:
    """Do nothing; the default for `stopping`."""


class _StopRequested(Exception):  # noqa: N818  (not an error: it ends the group of tasks after a signal)
    """A signal requested the end."""


class Supervisor:
    """The child processes of one `hubwell up`, in the order of their start."""

    def __init__(
        self, logs: Path, report: Callable[[str], None], stopping: Callable[[], None] = _ignore
    ) -> None:
        """Set the folder for logs, one file per part.

        :param report: called with a sentence each time a part ends unexpectedly.
        :param stopping: called at the first signal to stop.
        """
        self._logs = logs
        self._report = report
        self._stopping = stopping
        self._groups: list[list[Child]] = []
        self._running: dict[Child, asyncio.Task[None]] = {}
        self._tasks = asyncio.TaskGroup()
        self._stop_requested = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, bring_up: Callable[["Supervisor"], Awaitable[None]]) -> None:
        """Start the system with `bring_up`, keep it up until SIGINT, SIGTERM or SIGHUP, stop it.

        A second signal kills it.

        :raises CannotStartError: a part could not be started; all other parts are stopped then.
        """
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        refused: CannotStartError | None = None
        try:
            async with self._tasks:
                self._tasks.create_task(self._stop_when_requested(), name="signals")
                await bring_up(self)
        except* _StopRequested:
            pass
        except* CannotStartError as errors:
            refused = _first(errors)  # raised below: Python before 3.11.4 wraps what is raised here
        finally:
            await self._take_down()
        if refused is not None:
            raise refused

    def launch(self, *parts: Part) -> None:
        """Start these parts; they stop together, before those that were launched earlier."""
        children = [Child(part, self._logs / f"{part.name}.log", self._report) for part in parts]
        self._groups.append(children)
        for child in children:
            self._begin_log(child.log)
            self._running[child] = self._tasks.create_task(child.run(), name=child.part.name)

    async def end(self, name: str) -> None:
        """Stop one part for good; nothing happens if it was not launched."""
        for group in self._groups:
            for child in [child for child in group if child.part.name == name]:
                group.remove(child)
                self._running.pop(child).cancel()
                await child.stop(self._hurry)

    def watch(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run this beside the parts until all of them are stopped."""
        self._tasks.create_task(work, name=name)

    async def ready(self) -> None:
        """Wait until every part that was launched is ready."""
        await asyncio.gather(*(child.ready.wait() for group in self._groups for child in group))

    def pids(self) -> dict[str, int]:
        """Process ids of the parts that run now."""
        children = [child for group in self._groups for child in group]
        return {child.part.name: child.pid for child in children if child.pid is not None}

    def _begin_log(self, log: Path) -> None:
        """Rename the log of the previous run to `NAME.log.1`, so that the reason of its end can be read.

        Raises CannotStartError when the folder cannot be written.
        """
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                log.replace(log.with_name(f"{log.name}.1"))
        except OSError as error:
            raise refusal_for(error, self._logs) from error

    def _on_signal(self) -> None:
        if self._stop_requested.is_set():
            self._hurry.set()
        else:
            self._stopping()
        self._stop_requested.set()

    async def _stop_when_requested(self) -> None:
        await self._stop_requested.wait()
        raise _StopRequested

    async def _take_down(self) -> None:
        for group in reversed(self._groups):
            await asyncio.gather(*(child.stop(self._hurry) for child in group))
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)


def _first(errors: BaseExceptionGroup[CannotStartError]) -> CannotStartError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
