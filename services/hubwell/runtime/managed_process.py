"""Keeps one child process running: starts it, waits until it is ready, starts it again when it ends.

A part is described once (`Part`) and kept by a `Child`, whose `run` is one task of the supervisor.
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

_POLL = 0.05  # seconds between two questions whether it is ready
_STEADY = 2.0  # seconds after which a part without such a question counts as ready
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds before a part is started again
_CALM = 30.0  # seconds of running after which the pause is short again
_TRIES = 4  # a part that never was ready is given up after so many
_LAST_WORDS = 400  # characters of the log


async def _nothing() -> None:
    """Do nothing before a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the system: what runs, and how to tell that it works."""

    name: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ready: Callable[[], Awaitable[bool]] | None = None
    before: Callable[[], Awaitable[None]] = _nothing
    explain: Callable[[], CannotStartError] | None = None  # why it never was ready, where the log says it
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 2.0  # seconds to stop by itself


class Child:
    """A part, its process, and its log."""

    def __init__(self, part: Part, log: Path, tell: Callable[[str], None]) -> None:
        """Take the part; `tell` gets a sentence for every end that nobody asked for."""
        self.part = part
        self.log = log
        self.ready = asyncio.Event()
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._was_ready = False

    @property
    def pid(self) -> int | None:
        """Process id, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Keep the part running until cancelled; the process is left to `stop`.

        :raises CannotStartError: it ended several times without ever being ready.
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
            self._tell(f"{self.part.name} {ending(code)}; it starts again. Its log: {self.log}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask the process to stop and see it gone; with `hurry` set, or out of patience, kill it."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(self.part.stop_signal)
        gone = asyncio.ensure_future(process.wait())
        hurried = asyncio.ensure_future(hurry.wait())
        await asyncio.wait({gone, hurried}, timeout=self.part.patience, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # it, if it is still there, and what it may have started
        await gone
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
                watching.result()  # a fault in the question itself is not to be waited out
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
        words = self.log.read_text(errors="replace").strip().splitlines()[-1:]
        said = f' with "{words[0][-_LAST_WORDS:]}"' if words else ""
        return CannotStartError(f"The {self.part.name} {ending(code)}{said}: see {self.log}.")


def ending(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended by itself (code {code})"
