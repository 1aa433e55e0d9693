"""``hubwell-edge doctor``: checks clock, buses, readers, outbox and broker of this device."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import aiomqtt

from hubwell_edge.agent import mqtt_link
from hubwell_edge.agent.device import software
from hubwell_edge.agent.link_state import LinkState
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

_PATIENCE_S: Final = 5.0
_DAY_S: Final = 86_400
_RENEW_DAYS: Final = 60
"""Days in which the end of the broker's certificate is announced, as on the server."""
_I2C_DRIVERS: Final = frozenset({"scd4x", "bme280"})


def examine(settings: EdgeSettings, secrets: Path | None = None) -> list[CheckResult]:
    """Run all checks; takes about ten seconds when the broker does not answer.

    `secrets` is the folder whose files systemd hands to the agent, where it is to be checked too.
    """
    checks: tuple[Callable[[EdgeSettings], Iterator[CheckResult]], ...] = (
        _clock,
        _buses,
        _readers,
        _outbox,
        _badges,
        _broker,
        _certificate,
    )
    found = [result for check in checks for result in check(settings)]
    return [*found, *(_secrets(secrets) if secrets is not None else ())]


def _secrets(folder: Path) -> Iterator[CheckResult]:
    """Check what the unit names: systemd does not start the agent where one is missing (243/CREDENTIALS)."""
    for part, exists, remedy in (
        ("mqtt_password", Path.is_file, "write the password of `hubwell-admin device add` into it"),
        ("badges", Path.is_dir, "make the folder, also without readers: install -d -m 700"),
    ):
        path = folder / part
        if not exists(path):
            text = f"{path} is missing, and systemd does not start the agent without it; {remedy}"
            yield CheckResult("secrets", ok=False, text=text)


def _certificate(settings: EdgeSettings) -> Iterator[CheckResult]:
    """Announce the end of the broker's certificate; one that is not accepted is a finding of the broker."""
    context = settings.broker.tls_context()
    if context is None:
        return
    try:
        with (
            socket.create_connection(settings.address[:2], timeout=_PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=settings.address.host) as connection,
        ):
            ends = ssl.cert_time_to_seconds(str((connection.getpeercert() or {})["notAfter"]))
    except (OSError, ValueError, KeyError):
        return
    days = int((ends - time.time()) // _DAY_S)
    text = f"the broker's is valid for {days} more days"
    if days < _RENEW_DAYS:
        yield CheckResult("certificate", ok=False, text=f"{text}: renew it on the server (hubwell-admin)")
    else:
        yield CheckResult("certificate", ok=True, text=text)


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
    running = bool(settings.reader) and _agent_runs(settings)
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
    # Where the account's name is the client id, a second connection would end the agent's.
    state = LinkState.read(settings.outbox.dir) if _agent_runs(settings) else None
    if state is not None:
        yield CheckResult("broker", state.ok, f"{state.text} (as of {state.at})")
        if state.refused and _is_recent(state.refused_at):
            yield CheckResult("orders", ok=False, text=f"{state.refused} (as of {state.refused_at})")
    else:
        yield from asyncio.run(_check_broker(settings))


def _is_recent(time: str) -> bool:
    """Return whether a time is less than an hour ago: the agent notes a further refusal after ten minutes."""
    return datetime.now(UTC) - datetime.fromisoformat(time) < timedelta(hours=1)


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
        account = settings.address.username or "anonymous"
        text = f"the account {account!r} may not publish to the topics of {settings.device!r}: {own[0]}"
        results.append(CheckResult("rights", ok=False, text=text))
    elif len(refusals) > len(own):
        results.append(CheckResult("rights", ok=True, text="may publish to its own topics and to no others"))
    else:
        text = "may publish, and to other devices' topics too: the broker has no rules (or speaks MQTT 3.1.1)"
        results.append(CheckResult("rights", ok=True, text=text))
    return results
