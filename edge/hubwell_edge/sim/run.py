"""Runs the simulated hub: one real agent with outbox and uplink per simulated device, in one process.

Only the sensors and readers are simulated: observations take the same path to the server as the readings of a
Raspberry Pi. After a restart, every device continues where its outbox left off.
"""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr, ValidationError

from hubwell_edge.agent.device import run_device
from hubwell_edge.settings import BatchSettings, BrokerSettings, EdgeSettings, OutboxSettings
from hubwell_edge.sim.faults import SimulatedFault, check_faults, load_faults, parse_fault
from hubwell_edge.sim.hub import DOOR, Device, devices
from hubwell_edge.sim.network_cut import NetworkCut
from hubwell_edge.sim.pace import UNLIMITED, Pace
from hubwell_edge.sim.people import simulated_key
from hubwell_edge.sim.scenario import Scenario, load_scenario, sensors
from hubwell_edge.sim.virtual_cards import VirtualReader, serving
from hubwell_edge.sources.observation import Observation

logger: Final = logging.getLogger(__name__)

BACKFILL: Final = timedelta(hours=3)
"""How much of the past is filled in at the start, so that the plots are not empty."""
ALREADY_THERE: Final = timedelta(hours=8)
"""Longer than any stay: taps this long before the first readings give the people who are already inside."""
SOURCE: Final = "simulation"
Protocol = Literal[5, 311]
"""The version of MQTT. 3.1.1 by default: every broker supports it, as does the embedded one for devices."""
_BATCH: Final = BatchSettings(seconds=1.0)
"""A demonstration is watched live, so a reading waits at most a second for others."""


class SimulationError(Exception):
    """The simulation cannot be run with these arguments; the sentence names the one to change."""


@dataclass(frozen=True, slots=True)
class Span:
    """Hub time to simulate, in Unix milliseconds; without an end the simulation runs until stopped."""

    start_ms: int
    until_ms: int | None = None


class SimulatedSource:
    """One simulated device as a source of its agent."""

    name = SOURCE

    def __init__(self, device: Device, pace: Pace, span: Span, network: NetworkCut | None = None) -> None:
        self._device = device
        self._pace = pace
        self._span = span
        self._network = network

    async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
        """Yield the device's observations after the cursor: readings of the span, and earlier taps too.

        People who are in a space when the span begins have tapped before. Without those taps the server would
        take their taps on leaving for arrivals.
        """
        sensing_ms = self._span.start_ms - 1
        after_ms = max(sensing_ms - _ms(ALREADY_THERE), int(cursor or 0))
        for timed in self._device.timeline(after_ms, measure_after_ms=sensing_ms):
            if self._span.until_ms is not None and timed.at_ms > self._span.until_ms:
                break
            await self._pace.wait_until(timed.at_ms)
            await self._set_network(connected=self._device.connected(timed.at_ms / 1000))
            yield timed.observation
        await self._set_network(connected=True)

    async def _set_network(self, *, connected: bool) -> None:
        if self._network is not None:
            await (self._network.connect() if connected else self._network.cut())


async def simulate(
    scenario: Scenario,
    *,
    broker: BrokerSettings,
    data: Path,
    stop: asyncio.Event,
    accounts: Path | None = None,
    speed: float = 1.0,
    span: Span | None = None,
    faults: Sequence[SimulatedFault] = (),
    only: Collection[str] = (),
    taps: Path | None = None,
) -> bool:
    """Run all devices until `stop` is set, or until every message up to the end of the span has a receipt.

    Returns whether every message has a receipt. `only` are the ids of the devices to run, if not all. `taps`
    is the socket at which virtual cards are held to the doors.
    `data` holds one outbox per device; `accounts` one file per device with its password at the broker. Raises
    OutboxError if the former cannot be used, SimulationError if a password is missing in the latter.
    """
    span = span or Span(_now_ms() - _ms(BACKFILL))
    pace = Pace(speed, span.start_ms)
    readers: dict[str, VirtualReader] = {}
    async with AsyncExitStack() as stack:
        runs = []
        for device in devices(scenario, faults):
            if only and device.name not in only:
                continue
            settings = device_settings(scenario, device, broker, data, accounts)
            network = None
            if any(fault.device == device.name and fault.kind == "network-gone" for fault in faults):
                network = await stack.enter_async_context(_network(settings))
                settings = _via(network, settings)
            source = SimulatedSource(device, pace, span, network)
            readers[device.name] = VirtualReader(simulated_key(scenario))
            runs.append(
                run_device(
                    settings,
                    [source],
                    stop=stop,
                    sensors=sensors(scenario),
                    readers=(DOOR,),
                    virtual_reader=readers[device.name],
                )
            )
        if taps is not None:
            await stack.enter_async_context(serving(taps, readers))
        outcomes = await asyncio.gather(*(_ends_all(run, stop) for run in runs), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return all(outcomes)


async def _ends_all(run: Coroutine[object, object, bool], stop: asyncio.Event) -> bool:
    """Run one device; if it fails, stop the others in order, so that none of their messages are lost."""
    try:
        return await run
    except BaseException:
        stop.set()
        raise


def device_settings(
    scenario: Scenario, device: Device, broker: BrokerSettings, data: Path, accounts: Path | None = None
) -> EdgeSettings:
    """Return the settings of one simulated device; its outbox is in a folder below `data`."""
    return EdgeSettings(
        site=scenario.site,
        device=device.name,
        name=f"{device.room.space.name} (simulated)",
        clock="trust",
        broker=broker,
        outbox=OutboxSettings(dir=data / device.name),
        batch=_BATCH,
        mqtt_username=None if accounts is None else device.name,
        mqtt_password=None if accounts is None else _password(accounts, device),
    )


def _password(accounts: Path, device: Device) -> SecretStr:
    file = accounts / device.name
    try:
        return SecretStr(file.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise SimulationError(
            f"cannot read the password of {device.name} from {file}: {error.strerror}"
        ) from error


def _network(settings: EdgeSettings) -> NetworkCut:
    address = settings.address
    if address.tls:
        raise SimulationError("a fault of kind network-gone needs a broker without TLS (mqtt://)")
    return NetworkCut(address.host, address.port)


def _via(network: NetworkCut, settings: EdgeSettings) -> EdgeSettings:
    address = settings.address
    url = f"mqtt://127.0.0.1:{network.port}"
    return settings.model_copy(
        update={
            "broker": settings.broker.model_copy(update={"url": url}),
            "mqtt_username": address.username,
            "mqtt_password": SecretStr(address.password) if address.password else None,
        }
    )


def main(
    *,
    broker: str,
    data: Path,
    site: str | None = None,
    scenario: Path | None = None,
    seed: int | None = None,
    speed: float = 1.0,
    start: datetime | None = None,
    until: datetime | None = None,
    faults: Sequence[str] = (),
    faults_file: Path | None = None,
    protocol: Protocol = 311,
    ca_file: Path | None = None,
    accounts: Path | None = None,
    only: Collection[str] = (),
    taps: Path | None = None,
) -> bool:
    """Run the simulated hub until SIGINT or SIGTERM; return whether every message has a receipt.

    `speed` is 1 for real time, more for faster, UNLIMITED for the server's own pace (`until` then defaults to
    now). `start` defaults to three hours ago; both need a zone. `ca_file` is the certificate authority
    of a broker with TLS, `accounts` a folder with a file per device that holds its password. `only`
    are the ids of the devices to run, if not all, `taps` the socket for virtual cards. Raises OutboxError,
    and SimulationError with advice.
    """
    hub, ordered = _prepared(scenario, {"site": site, "seed": seed}, faults, faults_file)
    connection = _broker(broker, protocol, ca_file)
    span = _span(start, until, speed)
    logger.info(
        "%s: %d spaces, seed %d, from %s",
        hub.title,
        len(hub.spaces),
        hub.seed,
        datetime.fromtimestamp(span.start_ms / 1000, hub.zone).isoformat(timespec="seconds"),
        extra={"action": "simulate"},
    )

    async def run() -> bool:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await simulate(
            hub,
            broker=connection,
            data=data,
            stop=stop,
            accounts=accounts,
            speed=speed,
            span=span,
            faults=ordered,
            only=only,
            taps=taps,
        )

    return asyncio.run(run())


def _prepared(
    scenario: Path | None, changes: dict[str, str | int | None], lines: Sequence[str], file: Path | None
) -> tuple[Scenario, tuple[SimulatedFault, ...]]:
    try:
        overrides = {key: value for key, value in changes.items() if value is not None}
        hub = Scenario.model_validate({**load_scenario(scenario).model_dump(), **overrides})
        faults = (*(load_faults(file) if file else ()), *map(parse_fault, lines))
        check_faults(faults, hub)
    except OSError as error:
        raise SimulationError(f"cannot read {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise SimulationError(_sentence(error)) from error
    return hub, faults


def _broker(url: str, protocol: Protocol, ca_file: Path | None) -> BrokerSettings:
    try:
        broker = BrokerSettings(url=url, protocol=protocol, ca_file=ca_file)
        broker.tls_context()
    except OSError as error:
        raise SimulationError(
            f"cannot read the certificate authority {ca_file}: {error.strerror or error}"
        ) from error
    except ValueError as error:
        raise SimulationError(f"broker {url!r}: {_sentence(error)}") from error
    return broker


def _sentence(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}".lstrip(": ") for p in error.errors())


def _span(start: datetime | None, until: datetime | None, speed: float) -> Span:
    now_ms = _now_ms()
    if speed <= 0:
        raise SimulationError(f"the speed must be above 0, got {speed:g}")
    for name, moment in (("--from", start), ("--until", until)):
        if moment is not None and moment.tzinfo is None:
            raise SimulationError(f"{name} {moment.isoformat()} needs a zone, for example 'Z' at the end")
    start_ms = now_ms - _ms(BACKFILL) if start is None else round(start.timestamp() * 1000)
    until_ms = None if until is None else round(until.timestamp() * 1000)
    if speed == UNLIMITED:
        until_ms = now_ms if until_ms is None else until_ms
        if until_ms > now_ms:
            raise SimulationError("--speed max ends at --until, which cannot be in the future")
    if start_ms > now_ms:
        raise SimulationError("--from cannot be in the future: the server rejects readings from the future")
    if until_ms is not None and until_ms <= start_ms:
        raise SimulationError("--until must be after --from (three hours ago unless given)")
    return Span(start_ms, until_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
