"""Builds the sources of a device from its settings: sensors, counters of load tests, badge readers.

No part is opened here, but all problems in the settings are reported.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from hubwell_edge.config_tables import TableError
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.drivers.poll import Poller
from hubwell_edge.registry import build_feedback, build_readers, build_sensors
from hubwell_edge.settings import EdgeSettings, SettingsError
from hubwell_edge.sources.counter import CounterSettings, CounterSource
from hubwell_edge.sources.observation import Source
from hubwell_edge.taps.assembly import Station
from hubwell_wire.messages import SensorMeta


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a device, the series that they send, and its badge readers."""

    all: tuple[Source, ...]
    sensors: tuple[SensorMeta, ...]
    stations: tuple[Station, ...] = ()

    @property
    def any(self) -> bool:
        """Whether the device has any source or reader."""
        return bool(self.all or self.stations)


def build_sources(settings: EdgeSettings, *, simulate_hardware: bool = False) -> Sources:
    """Build the sources that the ``[[sensor]]`` and ``[[reader]]`` tables name; no part is opened yet.

    Raises SettingsError with a line for each problem.
    """
    hardware = _hardware(simulate=simulate_hardware)
    counters = [_counter(entry) for entry in settings.sensor if entry.get("driver") == "steady"]
    sources: list[Source] = list(counters)
    sensors = [meta for counter in counters for meta in counter.meta()]
    tables = [entry for entry in settings.sensor if entry.get("driver") != "steady"]
    if tables:
        try:
            poller = Poller(build_sensors(tables, hardware))
        except TableError as error:
            raise SettingsError(str(error)) from error
        sources.append(poller)
        sensors += poller.meta()
    return Sources(tuple(sources), tuple(sensors), _stations(settings, hardware))


def _stations(settings: EdgeSettings, hardware: Hardware) -> tuple[Station, ...]:
    if not settings.reader:
        return ()
    try:
        readers = build_readers(settings.reader, hardware)
        feedback = build_feedback(settings.reader, hardware)
    except TableError as error:
        raise SettingsError(str(error)) from error
    return tuple(Station(reader, feedback[reader.name]) for reader in readers)


def _hardware(*, simulate: bool) -> Hardware:
    if simulate:
        from hubwell_edge.sim.chips import simulated_hardware  # noqa: PLC0415 - needed only with --simulate-hardware

        return simulated_hardware()
    return Hardware()


def _counter(entry: dict[str, object]) -> CounterSource:
    options = {name: value for name, value in entry.items() if name != "driver"}
    try:
        return CounterSource(CounterSettings.model_validate(options))
    except ValidationError as error:
        lines = [f"sensor steady.{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()]
        raise SettingsError("\n".join(lines)) from None
