"""Small makers for the edge tests: stamps, drafts, receipts, settings, a clock that is set by hand."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from hubwell_edge.agent.device import run_device
from hubwell_edge.clock import Stamp
from hubwell_edge.outbox.message import DraftMessage, draft_event, draft_telemetry
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.sources.observation import Observation, Source
from hubwell_wire.messages import Reading, Receipt, TapData
from lanes.servers import leashed

NOON = 1_795_348_800_000  # 2026-11-22T12:00:00Z
BADGE = "0123456789abcdef" * 2
ROOT = Path(__file__).parents[2]


def stamp(wall_ms: int = NOON, mono_ms: int = 1000, *, synced: bool = True) -> Stamp:
    return Stamp(wall_ms, mono_ms, synced)


def reading(value: float = 812.0, t: int = 0) -> Reading:
    return Reading(s="scd41/co2", v=value, u="ppm", t=t)


def telemetry(value: float = 812.0, when: Stamp | None = None) -> DraftMessage:
    return draft_telemetry((reading(value),), when or stamp())


def tap(when: Stamp | None = None) -> DraftMessage:
    return draft_event(TapData(reader="desk", badge=BADGE, epoch=1), when or stamp())


def receipt(boot: UUID, upto: int, *ranges: tuple[int, int]) -> Receipt:
    return Receipt(v=1, boot=boot, upto=upto, ranges=ranges)


def seqs(outbox: Outbox) -> list[int]:
    return [row.seq for row in outbox.unsent(1_000_000)]


@dataclass
class ManualClock:
    """Moves only when told."""

    at: Stamp

    def now(self) -> Stamp:
        return self.at

    def advance(self, ms: int, *, step_ms: int = 0, synced: bool | None = None) -> None:
        at = self.at
        self.at = replace(
            at,
            wall_ms=at.wall_ms + ms + step_ms,
            mono_ms=at.mono_ms + ms,
            synced=at.synced if synced is None else synced,
        )


@dataclass
class ListSource:
    """Yields what it is given, then ends, or waits for ever."""

    given: Sequence[Observation]
    name: str = "list"
    ends: bool = True
    taken: int = 0

    async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        for observation in self.given[int(cursor) if cursor else 0 :]:
            yield observation
            self.taken += 1
        if not self.ends:
            await asyncio.Event().wait()


def settings(url: str, folder: Path, **values: Any) -> EdgeSettings:
    broker = {"url": url, "resend_s": 0.3, **values.pop("broker", {})}
    return EdgeSettings.from_values(
        site="hub",
        device=values.pop("device", "room-1"),
        clock=values.pop("clock", "trust"),
        broker=broker,
        outbox={"dir": folder, **values.pop("outbox", {})},
        batch={"readings": 5, "seconds": 0.05, **values.pop("batch", {})},
        **values,
    )


@asynccontextmanager
async def running(device: EdgeSettings, *sources: Source, **more: Any) -> AsyncIterator[asyncio.Task[bool]]:
    """Run a device beside the test and stop it at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_device(device, sources, stop=stop, **more))
    try:
        yield task
    finally:
        stop.set()
        await task


async def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is true; fail when it does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


def start_agent(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """Start ``hubwell-edge`` as a process of its own."""
    command = leashed([sys.executable, "-m", "hubwell_edge", *arguments])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "edge")}
    with log.open("ab") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, env=environment)
