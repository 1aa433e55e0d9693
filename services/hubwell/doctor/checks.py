"""Checks of the parts of a running hub, each as its users see it, with findings as sentences."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

import httpx
import psycopg
from psycopg import Connection

from hubwell.errors import first_line
from hubwell.mqtt.subscriber import MqttSource
from hubwell.settings import Settings
from hubwell.storage.connect import connect_sync
from hubwell.storage.engine import detect
from hubwell.storage.queries import Queries
from hubwell.storage.revisions import current_revision, is_current, newest_revision
from hubwell.vocabulary import BADGE_LIST_OLD_AFTER, STALE_AFTER
from hubwell_wire.topics import Channel, site_filter

_SQL: Final = Queries("hubwell.doctor")
_LITTLE_DISK_GB: Final = 1.0
_NAMED_DEVICES: Final = 5
_BROKER_PATIENCE_S: Final = 5

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one part, and the remedy if one is needed."""

    part: str
    state: State
    found: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Check every part and return the findings, failures first; a failing part does not hide the others."""
    findings = [*_database(settings), _broker(settings), _pages(settings), _disk()]
    order: dict[State, int] = {"failed": 0, "warning": 1, "ok": 2}
    return sorted(findings, key=lambda finding: order[finding.state])


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with connect_sync(settings.database_url, name="doctor") as conn:
            yield _engine(conn)
            schema = _schema(conn)
            yield schema
            if schema.state == "ok":
                yield from _processes(conn)
                yield from _contents(conn)
    except psycopg.Error as error:
        advice = "Start it (`scripts/up`), or set HUBWELL_DATABASE_URL to where it is."
        yield Finding("database", "failed", first_line(error), advice)


def _engine(conn: Connection[Any]) -> Finding:
    version = detect(conn)
    row = conn.execute(_SQL["size"]).fetchone()
    timescale = f", TimescaleDB {version.timescaledb}" if version.timescaledb else ""
    size = row[0] if row else "unknown size"
    return Finding("database", "ok", f"{version.engine}, PostgreSQL {version.postgresql}{timescale}, {size}")


def _schema(conn: Connection[Any]) -> Finding:
    revision, needed = current_revision(conn), newest_revision()
    if revision == needed and is_current(conn):
        return Finding("schema", "ok", f"revision {revision}")
    is_newer = revision is not None and revision > needed
    advice = "Install the newer release again." if is_newer else "Run `hubwell migrate`."
    text = "views or queue of another release" if revision == needed else f"this release needs {needed}"
    return Finding("schema", "failed", f"revision {revision}; {text}", advice)


def _processes(conn: Connection[Any]) -> Iterator[Finding]:
    names = [name for name, _ in conn.execute(_SQL["processes"])]
    ingest = sorted(name for name in names if name.startswith("hubwell-ingest-"))
    if ingest:
        yield Finding("ingest", "ok", f"{len(ingest)} running: {', '.join(ingest)}")
    else:
        # An ingest process opens its connection with the first message.
        yield Finding(
            "ingest",
            "warning",
            "none is connected to the database",
            "Start `hubwell ingest` if devices send.",
        )
    if "hubwell-queue" in names:
        yield Finding("worker", "ok", "running")
    else:
        yield Finding("worker", "failed", "not running: alerts wait in the queue", "Start `hubwell worker`.")


def _contents(conn: Connection[Any]) -> Iterator[Finding]:
    devices = conn.execute(_SQL["devices"]).fetchall()
    silent = [row[0] for row in devices if row[3]]
    if not devices:
        yield Finding("devices", "warning", "none registered", "Run `hubwell device add ID --space SPACE`.")
    elif silent:
        named = ", ".join(silent[:_NAMED_DEVICES]) + (" ..." if len(silent) > _NAMED_DEVICES else "")
        text = f"{len(silent)} of {len(devices)} not heard for {_minutes(STALE_AFTER)}: {named}"
        yield Finding("devices", "warning", text, "Run `hubwell-edge doctor` on each.")
    else:
        yield Finding("devices", "ok", f"all {len(devices)} heard within {_minutes(STALE_AFTER)}")
    yield from _lists_of_badges(conn)
    for (device,) in conn.execute(_SQL["rivals"]).fetchall():
        text = f"two agents send as {device!r}"
        yield Finding("devices", "warning", text, "Give one of them another device id; nothing is lost.")
    for code, copies, reason in conn.execute(_SQL["rejected_today"]).fetchall():
        yield Finding(
            "messages", "warning", f"{copies} rejected today ({code}): {reason}", "See `hubwell rejected`."
        )
    waiting = conn.execute(_SQL["waiting"]).fetchone()
    if waiting and waiting[0]:
        since = (datetime.now(UTC) - waiting[1]).total_seconds()
        text = f"{waiting[0]} waiting, the oldest for {since:.0f} s; last error: {waiting[2] or 'none'}"
        yield Finding("deliveries", "warning", text, "Check the webhook's address and the worker.")
    else:
        yield Finding("deliveries", "ok", "none waiting")


def _lists_of_badges(conn: Connection[Any]) -> Iterator[Finding]:
    devices = conn.execute(_SQL["lists_of_badges"]).fetchall()
    old = [row[0] for row in devices if row[2]]
    if old:
        named = ", ".join(old[:_NAMED_DEVICES]) + (" ..." if len(old) > _NAMED_DEVICES else "")
        text = (
            f"{len(old)} of {len(devices)} devices have none, or one older than "
            f"{_minutes(BADGE_LIST_OLD_AFTER)}: {named}"
        )
        advice = "They must know the hub's key: compare `hubwell keys roster-public` with their settings."
        yield Finding("lists of badges", "warning", text, advice)
    elif devices:
        yield Finding("lists of badges", "ok", f"all {len(devices)} devices with readers have a fresh one")


def _broker(settings: Settings) -> Finding:
    try:
        asyncio.run(_subscribe_once(settings))
    except TimeoutError:
        advice = "Start it, or set HUBWELL_BROKER_URL to its address with name and password."
        return Finding("broker", "failed", f"no subscription within {_BROKER_PATIENCE_S} s", advice)
    return Finding("broker", "ok", "accepts the server's subscriptions")


async def _subscribe_once(settings: Settings) -> None:
    """Connect and subscribe as ingest does, with a new client id and without leaving a session."""
    name = f"hubwell-doctor-{uuid4().hex[:8]}"
    subscriptions = [(site_filter(settings.site, Channel.STATUS), 1)]
    async with MqttSource(
        settings.broker_url, name, subscriptions, session_expiry_s=0, ca_file=settings.broker_ca_file
    ) as source:
        await asyncio.wait_for(source.ready(), _BROKER_PATIENCE_S)


def _pages(settings: Settings) -> Finding:
    address = f"http://{settings.http_host}:{settings.http_port}"
    try:
        answer = httpx.get(f"{address}/api/v1/health", timeout=5)
    except httpx.HTTPError as error:
        return Finding("pages", "failed", f"{address}: {first_line(error)}", "Start `hubwell api`.")
    if answer.is_success:
        return Finding("pages", "ok", f"{address} answers")
    return Finding(
        "pages", "failed", f"{address}/api/v1/health answered {answer.status_code}", "See its detail."
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < _LITTLE_DISK_GB:
        return Finding(
            "disk", "warning", f"{free:.1f} GB free", "Free some space: the database stops when it is full."
        )
    return Finding("disk", "ok", f"{free:.0f} GB free")


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:g} minutes"
