"""``hubwell-edge replay``: sends one recorded file through the real agent, with a progress bar.

Succeeds only when the server has stored every row.
"""

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hubwell_edge.agent.device import run_device
from hubwell_edge.agent.run import stop_on_signals
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.replay.layout import load_map
from hubwell_edge.replay.report import result_of
from hubwell_edge.replay.source import ReplaySource
from hubwell_edge.settings import EdgeSettings
from hubwell_wire.messages import SensorMeta

_REFRESH_S: Final = 0.2
_READINGS_PER_MESSAGE: Final = 400
_BACKLOG: Final = 2000
_SILENCE_S: Final = 7.0
"""Time without any receipt after which the likely causes are printed."""


@dataclass(slots=True)
class ReplayJob:
    """Validated inputs of a replay, and what the server said while it ran."""

    settings: EdgeSettings
    source: ReplaySource
    sensors: tuple[SensorMeta, ...]
    name: str
    temporary: TemporaryDirectory[str] | None
    outbox: Outbox | None = None
    notice: str = ""

    @classmethod
    def build(
        cls,
        file: Path,
        layout: Path,
        *,
        url: str,
        protocol: int,
        site: str,
        device: str,
        speed: float | None,
        outbox: Path | None,
        skip_bad: bool = False,
    ) -> Self:
        """Validate the inputs and parse the whole file; `speed` None is unlimited.

        Raises SettingsError, and SourceError for a map or a file that cannot be right.
        """
        columns = load_map(layout)
        source = ReplaySource(file, columns, speed=speed, skip_bad=skip_bad)
        temporary = None if outbox else TemporaryDirectory(prefix="hubwell-replay-")
        folder = outbox or Path(temporary.name if temporary else "")
        settings = EdgeSettings.from_values(
            site=site,
            device=device,
            name=f"replay of {file.name}"[:120],
            clock="trust",
            broker={"url": url, "protocol": protocol},
            outbox={"dir": folder},
            batch={"readings": _READINGS_PER_MESSAGE, "seconds": 1.0, "backlog": _BACKLOG},
        )
        return cls(settings, source, columns.sensors, file.name, temporary)

    @property
    def waiting(self) -> int:
        """Number of messages that have no receipt yet."""
        return self.outbox.pending + self.outbox.unwritten if self.outbox else 0

    @property
    def is_silent(self) -> bool:
        """Whether messages were given out and none has a receipt."""
        return self.outbox is not None and 0 < self.outbox.last_seq == self.outbox.pending

    def opened(self, outbox: Outbox) -> None:
        """Take the open outbox: what was refused of the same content before still counts."""
        self.outbox = outbox
        outbox.refused.keep(earlier=self.source.rows_taken(outbox.cursor(self.source.name)) > 0)


def play(job: ReplayJob) -> bool:
    """Run the replay, printing progress and a summary; return whether the server has stored every row."""
    started = time.monotonic()
    complete = False
    try:
        complete = asyncio.run(_play(job))
    except KeyboardInterrupt:  # before or after the event loop handled signals
        pass
    finally:
        if job.temporary is not None:
            job.temporary.cleanup()
    if complete and job.source.progress.complete and job.outbox is not None:
        result = result_of(job.source, job.name, job.outbox.refused.readings)
        sys.stdout.write(result.sentences(time.monotonic() - started))
        return not result.refused
    sys.stdout.write(_interrupted(job))
    return False


def _interrupted(job: ReplayJob) -> str:
    again = (
        f"continue with --outbox {job.settings.outbox.dir}"
        if job.temporary is None
        else "use --outbox DIR to be able to continue"
    )
    progress = job.source.progress
    stopped = (
        f"stopped after {progress.rows} of {progress.total} rows, {job.waiting} messages have no receipt"
    )
    reason = f"{job.notice}\n" if job.notice else ""
    return f"{reason}{stopped}; {again}\n"


async def _play(job: ReplayJob) -> bool:
    stop = asyncio.Event()
    stop_on_signals(stop)

    def noticed(text: str) -> None:
        job.notice = text
        stop.set()

    beside = [
        asyncio.create_task(_show(job), name="replay.bar"),
        asyncio.create_task(_explain_silence(job), name="replay.silence"),
    ]
    try:
        return await run_device(
            job.settings,
            [job.source],
            stop=stop,
            sensors=job.sensors,
            on_opened=job.opened,
            on_notice=noticed,
        )
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _explain_silence(job: ReplayJob) -> None:
    await asyncio.sleep(_SILENCE_S)
    if job.is_silent:
        settings = job.settings
        sys.stderr.write(
            f"No receipt of the server yet. Check that `hubwell ingest` runs for site {settings.site!r} at "
            "this broker, and that the device is registered: "
            f"`hubwell device add {settings.device} --space SPACE`.\n"
        )


async def _show(job: ReplayJob) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows, {task.fields[waiting]} messages without receipt"),
        TimeRemainingColumn(),
    )
    progress = job.source.progress
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(job.name, total=progress.total, waiting=0)
        while True:
            bar.update(task, completed=progress.rows, waiting=job.waiting)
            await asyncio.sleep(_REFRESH_S)
