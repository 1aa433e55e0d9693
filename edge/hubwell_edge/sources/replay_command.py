"""``hubwell-edge replay``: sends one recorded file through the real agent, with a progress bar.

Succeeds only when the server has confirmed every row as committed.
"""

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hubwell_edge.agent.device import run_device
from hubwell_edge.agent.run import stop_on_signals
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.sources.replay import ReplaySource
from hubwell_edge.sources.replay_map import load_map
from hubwell_wire.messages import SensorMeta

_REFRESH_S = 0.2
_READINGS_PER_MESSAGE = 400
_BACKLOG = 2000


@dataclass(slots=True)
class ReplayJob:
    """Validated inputs of a replay."""

    settings: EdgeSettings
    source: ReplaySource
    sensors: tuple[SensorMeta, ...]
    temporary: TemporaryDirectory[str] | None
    outbox: Outbox | None = None

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
    ) -> Self:
        """Validate the inputs; `speed` None is unlimited. Raises SettingsError and SourceError."""
        columns = load_map(layout)
        source = ReplaySource(file, columns, speed=speed)
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
        return cls(settings, source, columns.sensors, temporary)

    @property
    def waiting(self) -> int:
        """Number of messages that have no receipt yet."""
        return self.outbox.pending + self.outbox.unwritten if self.outbox else 0


def play(job: ReplayJob) -> bool:
    """Run the replay, printing progress and a summary; return whether every row has arrived."""
    started = time.monotonic()
    try:
        complete = asyncio.run(_play(job))
    finally:
        if job.temporary is not None:
            job.temporary.cleanup()
    rows, total = job.source.progress.rows, job.source.progress.total
    seconds = time.monotonic() - started
    if complete and rows == total:
        sys.stdout.write(f"{total} rows of {job.source.name} arrived ({seconds:.1f} s)\n")
        return True
    where = job.settings.outbox.dir
    again = (
        f"continue with --outbox {where}"
        if job.temporary is None
        else "use --outbox DIR to be able to continue"
    )
    sys.stdout.write(
        f"stopped after {rows} of {total} rows, {job.waiting} messages have no receipt; {again}\n"
    )
    return False


async def _play(job: ReplayJob) -> bool:
    stop = asyncio.Event()
    stop_on_signals(stop)

    def opened(outbox: Outbox) -> None:
        job.outbox = outbox

    bar = asyncio.create_task(_show(job), name="replay.bar")
    try:
        return await run_device(job.settings, [job.source], stop=stop, sensors=job.sensors, on_opened=opened)
    finally:
        bar.cancel()


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
        task = bar.add_task(job.source.name, total=progress.total, waiting=0)
        while True:
            bar.update(task, completed=progress.rows, waiting=job.waiting)
            await asyncio.sleep(_REFRESH_S)
