"""Runs the parts of a system in order, keeps them running, and stops them in reverse on a signal."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from hubwell.runtime.managed_process import Child, Part
from hubwell.runtime.start_errors import CannotStartError, refusal_for

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _quiet() -> None:
    """Say nothing."""


class _StopAsked(Exception):  # noqa: N818  (no error: how a signal ends the group of tasks)
    """Somebody asked the system to stop."""


class Supervisor:
    """The children of one `hubwell up`, in the order of their start."""

    def __init__(
        self, logs: Path, tell: Callable[[str], None], stopping: Callable[[], None] = _quiet
    ) -> None:
        """Keep a log per part in `logs`.

        :param tell: gets a sentence for every end of a part that nobody asked for.
        :param stopping: called when somebody asks for the end.
        """
        self._logs = logs
        self._tell = tell
        self._stopping = stopping
        self._groups: list[list[Child]] = []
        self._tasks = asyncio.TaskGroup()
        self._asked = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, bring_up: Callable[["Supervisor"], Awaitable[None]]) -> None:
        """Bring the system up with `bring_up`, keep it up until SIGINT, SIGTERM or SIGHUP, take it down.

        A second signal takes it down by force.

        :raises CannotStartError: a part could not be started; everything else is down again then.
        """
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        refused: CannotStartError | None = None
        try:
            async with self._tasks:
                self._tasks.create_task(self._stop_when_asked(), name="signals")
                await bring_up(self)
        except* _StopAsked:
            pass
        except* CannotStartError as errors:
            refused = _first(errors)  # raised below: Python before 3.11.4 wraps what is raised in here
        finally:
            await self._take_down()
        if refused is not None:
            raise refused

    def launch(self, *parts: Part) -> None:
        """Start these parts; they stop together, before those that were launched earlier."""
        children = [Child(part, self._logs / f"{part.name}.log", self._tell) for part in parts]
        self._groups.append(children)
        for child in children:
            self._begin_log(child.log)
            self._tasks.create_task(child.run(), name=child.part.name)

    async def ready(self) -> None:
        """Wait until every part that was launched is ready."""
        await asyncio.gather(*(child.ready.wait() for group in self._groups for child in group))

    def pids(self) -> dict[str, int]:
        """Process ids of the parts that run now."""
        children = [child for group in self._groups for child in group]
        return {child.part.name: child.pid for child in children if child.pid is not None}

    def _begin_log(self, log: Path) -> None:
        """Keep the log of the run before beside it, so that the reason of its end can be read."""
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                log.replace(log.with_name(f"{log.name}.1"))
        except OSError as error:
            raise refusal_for(error, self._logs) from error

    def _on_signal(self) -> None:
        if self._asked.is_set():
            self._hurry.set()
        else:
            self._stopping()
        self._asked.set()

    async def _stop_when_asked(self) -> None:
        await self._asked.wait()
        raise _StopAsked

    async def _take_down(self) -> None:
        for group in reversed(self._groups):
            await asyncio.gather(*(child.stop(self._hurry) for child in group))
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)


def _first(errors: BaseExceptionGroup[CannotStartError]) -> CannotStartError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
