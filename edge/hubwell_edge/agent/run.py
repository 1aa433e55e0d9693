"""``hubwell-edge run`` and ``check``: from settings to one running device, with signals and systemd."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hubwell_edge.agent.device import run_device
from hubwell_edge.clock import SystemClock, to_rfc3339
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.settings import EdgeSettings, SettingsError
from hubwell_edge.sources.build import Sources, build_sources
from hubwell_edge.systemd import Watchdog, notify
from hubwell_edge.taps.self_check import check_badges, inspect_badges

logger: Final = logging.getLogger(__name__)


def serve(config: Path | None, secrets: Path | None, *, simulate_hardware: bool) -> None:
    """Run the agent until SIGINT or SIGTERM. Raises SettingsError, OutboxError, SourceError."""
    settings = EdgeSettings.load(config, secrets)
    sources = build_sources(settings, simulate_hardware=simulate_hardware)
    if not sources.any:
        raise SettingsError(
            "there is nothing to read: add a [[sensor]] or [[reader]] table to the device file"
        )
    if sources.stations:
        check_badges(settings)
    asyncio.run(_serve(settings, sources))


async def _serve(settings: EdgeSettings, sources: Sources) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)

    def started(outbox: Outbox) -> None:
        logger.info(
            "%s/%s: %d messages wait in %s",
            settings.site,
            settings.device,
            outbox.pending,
            settings.outbox.dir,
            extra={"action": "start", "device": settings.device},
        )
        notify("READY=1")

    beat = Watchdog().beat
    try:
        await run_device(
            settings,
            sources.all,
            stop=stop,
            sensors=sources.sensors,
            stations=sources.stations,
            on_opened=started,
            pulse=beat,
        )
    finally:
        notify("STOPPING=1")


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGINT (Ctrl-C) and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def describe(config: Path | None, secrets: Path | None) -> Iterator[str]:
    """Yield lines that describe what the agent would do with these settings. Raises SettingsError."""
    settings = EdgeSettings.load(config, secrets)
    sources = build_sources(settings)
    address = settings.address
    secure = "with TLS" if address.tls else "without TLS"
    now = SystemClock(settings.clock).now()
    yield f"device {settings.device!r} of site {settings.site!r}: the settings are valid"
    yield f"sends to {address.host}:{address.port} {secure} as {address.username or 'anonymous'}"
    yield f"keeps up to {settings.outbox.cap_bytes / 2**20:.0f} MiB in {settings.outbox.dir}"
    yield f"one message every {settings.batch.seconds:g} s or {settings.batch.readings} readings"
    yield f"clock {settings.clock!r}: now {to_rfc3339(now.wall_ms)}, {now.state}"
    for sensor in sources.sensors:
        rhythm = f" every {sensor.every_s:g} s" if sensor.every_s else ""
        yield f"reads {sensor.s} in {sensor.u}{rhythm}"
    for station in sources.stations:
        yield f"reads badges at {station.reader.name!r} ({station.reader.driver})"
    if sources.stations:
        for result in inspect_badges(settings):
            yield result.text
    if not sources.any:
        yield "reads nothing: add a [[sensor]] or [[reader]] table"
