"""``hubwell-edge doctor``: looks at clock, buses, readers, outbox and broker of this device.

Each finding is a sentence; a bad one says what to do.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import aiomqtt

from hubwell_edge.agent import mqtt_link
from hubwell_edge.agent.device import software
from hubwell_edge.clock import SystemClock, to_rfc3339
from hubwell_edge.drivers.hardware import machine_i2c
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.outbox.file import OutboxError
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.sources.build import build_sources
from hubwell_edge.taps.self_check import inspect_badges, inspect_muster
from hubwell_wire.messages import Meta
from hubwell_wire.topics import Channel, Topic

_I2C_DRIVERS: Final = frozenset({"scd4x", "bme280"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look gave."""

    part: str
    ok: bool
    text: str


def examine(settings: EdgeSettings) -> list[Finding]:
    """Look at everything; takes up to some ten seconds when the broker does not answer."""
    looks: tuple[Callable[[EdgeSettings], Iterator[Finding]], ...] = (
        _clock,
        _buses,
        _readers,
        _outbox,
        _badges,
        _broker,
    )
    return [finding for look in looks for finding in look(settings)]


def _clock(settings: EdgeSettings) -> Iterator[Finding]:
    now = SystemClock(settings.clock).now()
    text = f"{to_rfc3339(now.wall_ms)}, {now.state}"
    advice = (
        "" if now.synced else "; messages wait until it is: set up NTP, or clock = 'trust' if it is right"
    )
    yield Finding("clock", now.synced, text + advice)


def _buses(settings: EdgeSettings) -> Iterator[Finding]:
    wanted = {int(entry.get("bus", 1)) for entry in settings.sensor if entry.get("driver") in _I2C_DRIVERS}
    if not wanted:
        return
    for number in sorted(wanted):
        try:
            bus = machine_i2c(number)
            try:
                found = ", ".join(f"{address:#04x}" for address in bus.scan())
            finally:
                bus.deinit()
        except (OSError, ValueError, SensorError) as error:
            yield Finding(f"i2c-{number}", ok=False, text=f"{error}; switch I2C on and join the group i2c")
        else:
            yield Finding(f"i2c-{number}", bool(found), found or "no part answers: check power and wires")


def _readers(settings: EdgeSettings) -> Iterator[Finding]:
    """Open each badge reader for a moment; a running agent holds them, and tells of them in its log."""
    running = _agent_runs(settings)
    for station in build_sources(settings).stations:
        part, what = f"reader {station.reader.name}", f"{station.reader.driver} on {station.reader.bus}"
        if running:
            yield Finding(part, ok=True, text=f"{what}; the running agent has it, see its log")
            continue
        try:
            station.reader.open()
        except SensorError as error:
            yield Finding(part, ok=False, text=str(error))
        else:
            yield Finding(part, ok=True, text=f"{what} is ready")
        finally:
            station.reader.close()


def _agent_runs(settings: EdgeSettings) -> bool:
    if not settings.reader:
        return False
    try:
        Outbox(settings.outbox.dir, cap_bytes=settings.outbox.cap_bytes).close()
    except OutboxError as error:
        return "already uses" in str(error)
    return False


def _outbox(settings: EdgeSettings) -> Iterator[Finding]:
    try:
        outbox = Outbox(settings.outbox.dir, cap_bytes=settings.outbox.cap_bytes)
    except OutboxError as error:
        running = "already uses" in str(error)
        yield Finding("outbox", running, "in use by the running agent" if running else str(error))
        return
    try:
        yield Finding("outbox", ok=True, text=f"{outbox.pending} messages wait in {settings.outbox.dir}")
    finally:
        outbox.close()


def _badges(settings: EdgeSettings) -> Iterator[Finding]:
    if settings.reader:
        for look in inspect_badges(settings):
            yield Finding(look.part, look.ok, look.text)
    muster = inspect_muster(settings.outbox.dir)
    if muster.ok:
        yield Finding(muster.part, muster.ok, muster.text)


def _broker(settings: EdgeSettings) -> Iterator[Finding]:
    yield from asyncio.run(_ask_broker(settings))


async def _ask_broker(settings: EdgeSettings) -> list[Finding]:
    """Connect beside the agent and publish: to an own topic, and to one that must be refused."""
    refusals: list[str] = []
    where = f"{settings.address.host}:{settings.address.port}"
    try:
        async with mqtt_link.make_client(settings, suffix="-doctor") as client:
            mqtt_link.watch_refusals(client, refusals.append)
            # What the agent says too, so that nothing changes; and a command for a device that is none.
            sources = build_sources(settings)
            readers = tuple(station.meta for station in sources.stations)
            meta = Meta(
                v=1, name=settings.name, software=software(), sensors=sources.sensors, readers=readers
            ).encode()
            await client.publish(mqtt_link.topic(settings, Channel.META), meta, qos=1, retain=True)
            own = list(refusals)
            foreign = str(Topic(settings.site, "hubwell-doctor-foreign", Channel.CMD))
            await client.publish(foreign, b"{}", qos=1)
    except aiomqtt.MqttError as error:
        return [Finding("broker", ok=False, text=mqtt_link.explain(error, settings))]
    findings = [Finding("broker", ok=True, text=f"{where} answers")]
    if own:
        findings.append(Finding("rights", ok=False, text=f"may not publish to its own topics: {own[0]}"))
    elif len(refusals) > len(own):
        findings.append(Finding("rights", ok=True, text="may publish to its own topics and to no others"))
    else:
        text = "may publish, and to other devices' topics too: the broker has no rules (or speaks MQTT 3.1.1)"
        findings.append(Finding("rights", ok=True, text=text))
    return findings
