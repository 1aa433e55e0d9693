"""One device put together: outbox, agent and uplink, started writers first and stopped in reverse.

The command line runs one of these, the simulated hub one for each of its rooms.
"""

import asyncio
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from hubwell_edge.agent.loop import Agent
from hubwell_edge.agent.uplink import Uplink
from hubwell_edge.clock import Clock, SystemClock
from hubwell_edge.outbox.message import event_draft
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.sources.observation import Source
from hubwell_edge.taps.assembly import Station, open_desk, sources_of
from hubwell_edge.taps.commands import CommandHandler
from hubwell_edge.taps.tap_handler import TapHandler
from hubwell_wire.messages import Meta, ReaderMeta, SensorMeta

Watch = Callable[[Outbox], None]


async def run_device(
    settings: EdgeSettings,
    sources: Sequence[Source],
    *,
    stop: asyncio.Event,
    clock: Clock | None = None,
    sensors: tuple[SensorMeta, ...] = (),
    readers: tuple[ReaderMeta, ...] = (),
    stations: Sequence[Station] = (),
    watch: Watch | None = None,
    pulse: Callable[[], None] = lambda: None,
) -> bool:
    """Run one device until `stop` is set, or until its sources ended and the server has everything.

    Return whether everything has a receipt. `sensors` and `readers` describe what its sources will send,
    `stations` are badge readers that it serves itself; `watch` is called with the open outbox before the
    start, `pulse` about every second while the agent makes progress. Raises OutboxError, and SourceError when
    a source can never go on.
    """
    clock = clock or SystemClock(settings.clock)
    outbox = Outbox(settings.outbox.dir, cap_bytes=settings.outbox.cap_bytes)
    thread = OutboxThread(outbox)
    desk: TapHandler | None = None
    try:
        if watch is not None:
            watch(outbox)
        fault = outbox.take_fault()
        if fault is not None:
            await thread.put([event_draft(fault, clock.now())], {})
        readers = (*readers, *(station.meta for station in stations))
        meta = Meta(v=1, name=settings.name, software=software(), sensors=sensors, readers=readers)
        uplink = Uplink(settings, thread, clock=clock, meta=meta)
        if stations:
            desk = open_desk(settings, thread, clock, lambda: uplink.online)
            desk.start()
            sources = [*sources, *sources_of(stations, desk)]
        uplink.set_command_handler(CommandHandler(thread, desk, clock))
        agent = Agent(thread, sources, clock=clock, batch=settings.batch, pulse=pulse)
        return await _run(agent, uplink, thread, stop)
    finally:
        if desk is not None:
            await desk.close()
        await thread.close()


async def _run(agent: Agent, uplink: Uplink, thread: OutboxThread, stop: asyncio.Event) -> bool:
    silence = asyncio.Event()
    sending = asyncio.create_task(uplink.run(silence), name="uplink.run")
    working = asyncio.create_task(_read_and_drain(agent, thread), name="agent.run")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({sending, working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        # Reading stops first, so that its last batch is stored before the uplink's last look.
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    finally:
        stopped.cancel()
        silence.set()
        await sending
    return not thread.outbox.pending and not thread.outbox.waiting


async def _read_and_drain(agent: Agent, thread: OutboxThread) -> None:
    await agent.run()
    await thread.wait_until_empty()


def software() -> str:
    """Return what runs here, for the device's `meta` message."""
    try:
        own = version("hubwell")
    except PackageNotFoundError:
        own = "unpackaged"
    return f"hubwell-edge {own}, Python {platform.python_version()}"
