"""Health and metrics, computed from the database: what is committed counts, not what a process remembers."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import psycopg
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg import AsyncConnection
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api import live_state
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.storage.connect import connect_sync
from hubwell.storage.engine import DatabaseVersion, detect
from hubwell.storage.revisions import current_revision, newest_revision

Metric = CounterMetricFamily | GaugeMetricFamily
STEP: Final = 100
"""A counter that steps by one between two messages of a sensor would reveal a tap to its readers."""

_HEALTH: Final[dict[str, Any]] = {
    "status": "ok",
    "database": {"engine": "timescale-community", "postgresql": "17.2", "timescaledb": "2.23.0"},
    "schema": {"current": "0001", "needed": "0001"},
    "newest_reading": {"measured_at": "2026-11-22T12:20:08.512Z", "age_s": 1.4},
    "deliveries_waiting": 0,
    "stream": "live",
}


class DatabaseHealth(BaseModel):
    """What answers at the other end."""

    engine: Literal["plain", "timescale-apache", "timescale-community"]
    postgresql: str
    timescaledb: str | None


class SchemaHealth(BaseModel):
    """Whether the tables are those of this release."""

    current: str | None
    needed: str


class NewestReading(BaseModel):
    """The newest reading that was committed. Taps are left out."""

    measured_at: datetime | None
    age_s: float | None = Field(description="Seconds.")


class Health(BaseModel):
    """Whether Hubwell works, judged from its database."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HEALTH]}, populate_by_name=True)

    status: Literal["ok"]
    database: DatabaseHealth
    schema_state: SchemaHealth = Field(alias="schema")
    newest_reading: NewestReading
    deliveries_waiting: int
    stream: Literal["live", "polling", "away"] = Field(
        description="How changes reach the board: at once, every few seconds, or not at all."
    )


async def health(database: Database, stream: str) -> Health:
    """Ask the database how Hubwell is. Raises DatabaseAwayError or SchemaMissingError."""
    version, revision = await asyncio.to_thread(_inspect, database.url)
    needed = newest_revision()
    if revision != needed:
        raise SchemaMissingError(f"the database has revision {revision}, this release needs {needed}")
    async with database.connection() as conn:
        newest = await _value(conn, "newest_reading")
        waiting = await _value(conn, "deliveries_waiting")
    age = None if newest is None else (datetime.now(UTC) - newest).total_seconds()
    return Health.model_validate(
        {
            "status": "ok",
            "database": DatabaseHealth(
                engine=version.engine.value, postgresql=version.postgresql, timescaledb=version.timescaledb
            ),
            "schema": SchemaHealth(current=revision, needed=needed),
            "newest_reading": NewestReading(measured_at=newest, age_s=age),
            "deliveries_waiting": waiting,
            "stream": stream,
        }
    )


def _inspect(url: str) -> tuple[DatabaseVersion, str | None]:
    try:
        with connect_sync(url, name="api-health") as conn:
            return detect(conn), current_revision(conn)
    except psycopg.OperationalError as error:
        raise DatabaseAwayError(str(error)) from error


async def _value(conn: AsyncConnection[Any], query: str) -> Any:  # noqa: ANN401 (one value of any query)
    row = await (await conn.execute(live_state.SQL[query])).fetchone()
    return None if row is None else row[0]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of the metrics page; nothing in it is about a person."""

    committed: int
    rejected: int
    duplicates: int
    newest: datetime | None
    devices: int
    silent: int
    waiting: int
    oldest_waiting: datetime | None
    episodes: list[tuple[str, int]]


async def figures(conn: AsyncConnection[Any]) -> Figures:
    """Count, in the database."""
    odd = await (await conn.execute(live_state.SQL["messages_odd"])).fetchone() or (0, 0)
    waiting = await (await conn.execute(live_state.SQL["deliveries_waiting"])).fetchone() or (0, None)
    devices = await live_state.rows(conn, "devices", {"exact": False, "device": None})
    return Figures(
        committed=await _value(conn, "messages_committed"),
        rejected=odd[0],
        duplicates=odd[1],
        newest=await _value(conn, "newest_reading"),
        devices=len(devices),
        silent=sum(device["silent"] for device in devices),
        waiting=waiting[0],
        oldest_waiting=waiting[1],
        episodes=await (await conn.execute(live_state.SQL["open_episodes"])).fetchall(),
    )


class FiguresCollector(Collector):
    """Hands figures to Prometheus' exposition; `None` means that the database is away."""

    def __init__(self, counted: Figures | None) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Yield one family for each figure."""
        up = GaugeMetricFamily("hubwell_database_up", "Whether the database answers.")
        up.add_metric([], self._counted is not None)
        yield up
        if self._counted is not None:
            yield from _messages(self._counted)
            yield from _state(self._counted)


def _messages(counted: Figures) -> Iterator[Metric]:
    verdicts = CounterMetricFamily(
        "hubwell_messages",
        f"Messages that are committed, by verdict; those stored in steps of {STEP}, for taps are among them.",
        labels=["verdict"],
    )
    verdicts.add_metric(["stored"], (counted.committed - counted.rejected) // STEP * STEP)
    verdicts.add_metric(["rejected"], counted.rejected)
    yield verdicts
    yield CounterMetricFamily(
        "hubwell_messages_duplicate", "Copies that came again and changed nothing.", value=counted.duplicates
    )


def _state(counted: Figures) -> Iterator[Metric]:
    yield _gauge("hubwell_devices", "Devices that are registered.", counted.devices)
    yield _gauge("hubwell_devices_silent", "Devices that are not heard.", counted.silent)
    yield _gauge("hubwell_deliveries_waiting", "Alerts that are not delivered yet.", counted.waiting)
    if counted.newest is not None:
        text = "When the newest reading was taken, in seconds since 1970."
        yield _gauge("hubwell_newest_reading_timestamp_seconds", text, counted.newest.timestamp())
    if counted.oldest_waiting is not None:
        text = "Since when the oldest alert waits, in seconds since 1970."
        yield _gauge("hubwell_oldest_delivery_timestamp_seconds", text, counted.oldest_waiting.timestamp())
    episodes = GaugeMetricFamily("hubwell_episodes_open", "Rules that hold now, by rule.", labels=["rule"])
    for rule, count in counted.episodes:
        episodes.add_metric([rule], count)
    yield episodes


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def registry_of(counted: Figures | None) -> CollectorRegistry:
    """Return a registry with these figures and nothing else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FiguresCollector(counted))
    return registry
