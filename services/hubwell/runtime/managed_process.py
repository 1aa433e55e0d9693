"""Keeps one child process running: starts it, waits until it is ready, restarts it when it ends.

A `Part` describes the process; a `Child` runs it, as one task of the supervisor.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hubwell.runtime.start_errors import CannotStartError

_POLL = 0.05  # seconds between two readiness probes
_STEADY = 2.0  # seconds of running after which a part without a readiness probe is considered ready
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds before a restart
_CALM = 30.0  # seconds of running after which the next restart waits for the first pause only
_TRIES = 4  # starts after which a part that was never ready is given up
_LAST_WORDS = 400  # characters of the log's last line that an error quotes


async def _nothing() -> None:
    """Do nothing before a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the system: its command, environment, readiness probe and way to stop."""

    name: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ready: Callable[[], Awaitable[bool]] | None = None
    before: Callable[[], Awaitable[None]] = _nothing
    explain: Callable[[], CannotStartError] | None = None  # why it was never ready; else the log's last line
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 2.0  # seconds between the stop signal and SIGKILL


class Child:
    """A part, its process, and its log."""

    def __init__(self, part: Part, log: Path, report: Callable[[str], None]) -> None:
        """Describe the process; `report` is called with a sentence each time it ends unexpectedly."""
        self.part = part
        self.log = log
        self.ready = asyncio.Event()
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._was_ready = False

    @property
    def pid(self) -> int | None:
        """Process id, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Keep the part running until cancelled; ending the process is the task of `stop`.

        :raises CannotStartError: it ended four times without ever being ready.
        """
        pause, tries = _FIRST_PAUSE, 0
        while True:
            started = time.monotonic()
            code = await self._run_once()
            tries += 1
            if not self._was_ready and tries == _TRIES:
                raise self._gave_up(code)
            if time.monotonic() - started > _CALM:
                pause = _FIRST_PAUSE
            self._report(f"{self.part.name} {ending(code)}; it is restarted. Its log: {self.log}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Send the stop signal and wait for the end; kill it after its patience or once `hurry` is set."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(self.part.stop_signal)
        ended = asyncio.ensure_future(process.wait())
        hurried = asyncio.ensure_future(hurry.wait())
        await asyncio.wait({ended, hurried}, timeout=self.part.patience, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # the process if it still runs, and its children
        await ended
        self._process = None

    async def _run_once(self) -> int:
        await self.part.before()
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *self.part.command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.part.environment,
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )
        ended = asyncio.ensure_future(process.wait())
        watching = asyncio.ensure_future(self._watch())
        try:
            await asyncio.wait({ended, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()  # an exception in the readiness probe must surface
            return await ended
        finally:
            watching.cancel()
            ended.cancel()
            self.ready.clear()

    async def _watch(self) -> None:
        if self.part.ready is None:
            await asyncio.sleep(_STEADY)
        else:
            while True:
                if await self.part.ready():
                    break
                await asyncio.sleep(_POLL)
        self._was_ready = True
        self.ready.set()

    def _gave_up(self, code: int) -> CannotStartError:
        if self.part.explain:
            return self.part.explain()
        last_line = self.log.read_text(errors="replace").strip().splitlines()[-1:]
        quote = f' with "{last_line[0][-_LAST_WORDS:]}"' if last_line else ""
        return CannotStartError(f"The {self.part.name} {ending(code)}{quote}: see {self.log}.")


def ending(code: int) -> str:
    """Describe how a process ended: its exit code, or the signal of a negative code."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"exited (code {code})"
