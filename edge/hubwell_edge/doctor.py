"""``hubwell-edge doctor``: checks clock, buses, readers, outbox and broker of this device."""

import asyncio
from collections.abc import Callable, Iterator
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
from hubwell_edge.taps.self_check import CheckResult, inspect_badges, inspect_muster
from hubwell_wire.messages import Meta
from hubwell_wire.topics import Channel, Topic

_I2C_DRIVERS: Final = frozenset({"scd4x", "bme280"})


def examine(settings: EdgeSettings) -> list[CheckResult]:
    """Run all checks; takes about ten seconds when the broker does not answer."""
    checks: tuple[Callable[[EdgeSettings], Iterator[CheckResult]], ...] = (
        _clock,
        _buses,
        _readers,
        _outbox,
        _badges,
        _broker,
    )
    return [result for check in checks for result in check(settings)]


def _clock(settings: EdgeSettings) -> Iterator[CheckResult]:
    now = SystemClock(settings.clock).now()
    text = f"{to_rfc3339(now.wall_ms)}, {now.state}"
    advice = (
        "" if now.synced else "; messages wait until it is: set up NTP, or clock = 'trust' if it is right"
    )
    yield CheckResult("clock", now.synced, text + advice)


def _buses(settings: EdgeSettings) -> Iterator[CheckResult]:
    numbers = {int(entry.get("bus", 1)) for entry in settings.sensor if entry.get("driver") in _I2C_DRIVERS}
    for number in sorted(numbers):
        try:
            bus = machine_i2c(number)
            try:
                addresses = ", ".join(f"{address:#04x}" for address in bus.scan())
            finally:
                bus.deinit()
        except (OSError, ValueError, SensorError) as error:
            yield CheckResult(
                f"i2c-{number}", ok=False, text=f"{error}; switch I2C on and join the group i2c"
            )
        else:
            yield CheckResult(
                f"i2c-{number}", bool(addresses), addresses or "no part answers: check power and wires"
            )


def _readers(settings: EdgeSettings) -> Iterator[CheckResult]:
    """Open each badge reader for a moment, unless a running agent uses it and reports on it in its log."""
    running = _agent_runs(settings)
    for station in build_sources(settings).stations:
        part, what = f"reader {station.reader.name}", f"{station.reader.driver} on {station.reader.bus}"
        if running:
            yield CheckResult(part, ok=True, text=f"{what}; in use by the running agent, see its log")
            continue
        try:
            station.reader.open()
        except SensorError as error:
            yield CheckResult(part, ok=False, text=str(error))
        else:
            yield CheckResult(part, ok=True, text=f"{what} is ready")
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


def _outbox(settings: EdgeSettings) -> Iterator[CheckResult]:
    try:
        outbox = Outbox(settings.outbox.dir, cap_bytes=settings.outbox.cap_bytes)
    except OutboxError as error:
        running = "already uses" in str(error)
        yield CheckResult("outbox", running, "in use by the running agent" if running else str(error))
        return
    try:
        yield CheckResult("outbox", ok=True, text=f"{outbox.pending} messages wait in {settings.outbox.dir}")
    finally:
        outbox.close()


def _badges(settings: EdgeSettings) -> Iterator[CheckResult]:
    if settings.reader:
        yield from inspect_badges(settings)
    muster = inspect_muster(settings.outbox.dir)
    if muster.ok:
        yield muster


def _broker(settings: EdgeSettings) -> Iterator[CheckResult]:
    yield from asyncio.run(_check_broker(settings))


async def _check_broker(settings: EdgeSettings) -> list[CheckResult]:
    """Connect beside the agent and publish to an own topic, and to one that the broker must refuse."""
    refusals: list[str] = []
    where = f"{settings.address.host}:{settings.address.port}"
    try:
        async with mqtt_link.make_client(settings, suffix="-doctor") as client:
            mqtt_link.watch_refusals(client, refusals.append)
            # The agent's own meta, so that the retained message stays the same; then a command to a device
            # that does not exist.
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
        return [CheckResult("broker", ok=False, text=mqtt_link.explain(error, settings))]
    results = [CheckResult("broker", ok=True, text=f"{where} answers")]
    if own:
        results.append(CheckResult("rights", ok=False, text=f"may not publish to its own topics: {own[0]}"))
    elif len(refusals) > len(own):
        results.append(CheckResult("rights", ok=True, text="may publish to its own topics and to no others"))
    else:
        text = "may publish, and to other devices' topics too: the broker has no rules (or speaks MQTT 3.1.1)"
        results.append(CheckResult("rights", ok=True, text=text))
    return results
