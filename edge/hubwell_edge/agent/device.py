"""Runs one device: builds outbox, agent and uplink, starts them in that order and stops them in reverse.

The command line runs one device, the simulated hub one for each of its rooms.
"""

import asyncio
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from hubwell_edge.agent.loop import Agent
from hubwell_edge.agent.uplink import Uplink
from hubwell_edge.clock import Clock, SystemClock
from hubwell_edge.outbox.message import draft_event
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.sources.observation import Source
from hubwell_edge.taps.assembly import Station, build_tap_handler, build_tap_sources
from hubwell_edge.taps.commands import CommandDispatcher
from hubwell_edge.taps.tap_handler import TapHandler
from hubwell_wire.commands import Answer
from hubwell_wire.messages import Meta, ReaderMeta, SensorMeta

OnOpened = Callable[[Outbox], None]


class VirtualReader(Protocol):
    """A reader without hardware, of a simulated device: sends taps by itself, and hears every answer."""

    def connect(self, outbox: OutboxThread, clock: Clock) -> None:
        """Send through this outbox from now on."""
        ...

    def answered(self, answer: Answer) -> None:
        """Take an answer of the server."""
        ...


async def run_device(
    settings: EdgeSettings,
    sources: Sequence[Source],
    *,
    stop: asyncio.Event,
    clock: Clock | None = None,
    sensors: tuple[SensorMeta, ...] = (),
    readers: tuple[ReaderMeta, ...] = (),
    stations: Sequence[Station] = (),
    virtual_reader: VirtualReader | None = None,
    on_opened: OnOpened | None = None,
    on_notice: Callable[[str], None] = lambda _: None,
    pulse: Callable[[], None] = lambda: None,
) -> bool:
    """Run one device until `stop` is set, or until its sources have ended and every message has a receipt.

    Returns whether every message has a receipt. `sensors` and `readers` describe what the sources will send;
    `stations` are badge readers that the device serves itself. `on_opened` is called with the open outbox
    before the start, `on_notice` with the server's notice of why it stores nothing, `pulse` about every
    second while the agent makes progress. Raises OutboxError, and SourceError when a source cannot continue.
    """
    clock = clock or SystemClock(settings.clock)
    outbox = Outbox(settings.outbox.dir, cap_bytes=settings.outbox.cap_bytes, device=settings.device)
    thread = OutboxThread(outbox)
    tap_handler: TapHandler | None = None
    try:
        if on_opened is not None:
            on_opened(outbox)
        # Stored before any source starts, so that the server learns first why the numbering is new.
        fault = outbox.take_fault()
        if fault is not None:
            await thread.put([draft_event(fault, clock.now())], {})
        readers = (*readers, *(station.meta for station in stations))
        meta = Meta(v=1, name=settings.name, software=software(), sensors=sensors, readers=readers)
        uplink = Uplink(settings, thread, clock=clock, meta=meta, on_notice=on_notice)
        if stations:
            tap_handler = build_tap_handler(settings, thread, clock, lambda: uplink.online)
            tap_handler.start()
            sources = [*sources, *build_tap_sources(stations, tap_handler)]
        if virtual_reader is not None:
            virtual_reader.connect(thread, clock)
        on_answer = None if virtual_reader is None else virtual_reader.answered
        uplink.set_command_handler(CommandDispatcher(thread, tap_handler, clock, on_answer=on_answer))
        agent = Agent(thread, sources, clock=clock, batch=settings.batch, pulse=pulse)
        return await _run(agent, uplink, thread, stop)
    finally:
        if tap_handler is not None:
            await tap_handler.close()
        await thread.close()


async def _run(agent: Agent, uplink: Uplink, thread: OutboxThread, stop: asyncio.Event) -> bool:
    stop_sending = asyncio.Event()
    sending = asyncio.create_task(uplink.run(stop_sending), name="uplink.run")
    working = asyncio.create_task(_read_and_drain(agent, thread), name="agent.run")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({sending, working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        # Reading stops first, so that its last batch is stored before the uplink looks for the last time.
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    finally:
        stopped.cancel()
        stop_sending.set()
        await sending
    return not thread.outbox.pending and not thread.outbox.unwritten


async def _read_and_drain(agent: Agent, thread: OutboxThread) -> None:
    await agent.run()
    await thread.wait_until_empty()


def software() -> str:
    """Return name and version of this program, for the device's `meta` message."""
    try:
        own = version("hubwell")
    except PackageNotFoundError:
        own = "unpackaged"
    return f"hubwell-edge {own}, Python {platform.python_version()}"
