"""Checks of the parts of a running hub, each as its users see it, with findings as sentences."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import Connection

from hubwell.doctor.broker import check_broker
from hubwell.doctor.disk import check_disk
from hubwell.doctor.finding import Finding, State
from hubwell.errors import first_line
from hubwell.outbound.exchange import ExchangeError, Limits, exchange
from hubwell.service.sign_of_life import hangs, silent_for
from hubwell.settings import Settings
from hubwell.storage.connect import advice_for, connect_sync
from hubwell.storage.engine import detect
from hubwell.storage.queries import Queries
from hubwell.storage.revisions import current_revision, is_current, newest_revision
from hubwell.vocabulary import ADDED_UP_WITHIN, BADGE_LIST_OLD_AFTER, STALE_AFTER

_SQL: Final = Queries("hubwell.doctor")
_NAMED_DEVICES: Final = 5
_KINDS: Final = {"ingest": "devices keep what they send", "worker": "alerts wait in the queue"}
"""Kinds of processes, and what happens without one."""
_PAGES_LIMITS: Final = Limits(seconds=5, body_bytes=0)


def examine(settings: Settings) -> list[Finding]:
    """Check every part and return the findings, failures first; a failing part does not hide the others."""
    parts: dict[str, Callable[[], Iterable[Finding]]] = {
        "database": lambda: _database(settings),
        "broker": lambda: check_broker(settings),
        "pages": lambda: [_pages(settings)],
        "disk": lambda: [check_disk(settings.database_url)],
    }
    findings = [finding for part, check in parts.items() for finding in _guarded(part, check)]
    order: dict[State, int] = {"failed": 0, "warning": 1, "ok": 2}
    return sorted(findings, key=lambda finding: order[finding.state])


def _guarded(part: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what a check found; a check that breaks is a finding too, and hides no other part."""
    try:
        return list(check())
    except Exception as error:  # noqa: BLE001 - whatever it is, the other parts are to be examined
        text = f"could not be checked: {type(error).__name__}: {first_line(error)}"
        return [Finding(part, "failed", text, "Report this as a defect.")]


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
        yield Finding("database", "failed", first_line(error), advice_for(error))


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
    for kind, consequence in _KINDS.items():
        processes = silent_for(conn, kind)
        hanging = {name: age for name, age in processes.items() if hangs(age)}
        if hanging:
            named = ", ".join(f"{name} (for {age.total_seconds():.0f} s)" for name, age in hanging.items())
            yield Finding(kind, "failed", f"hangs: {named}; {consequence}", "Restart it.")
        elif processes:
            yield Finding(kind, "ok", f"{len(processes)} running: {', '.join(processes)}")
        else:
            yield Finding(kind, "failed", f"not running: {consequence}", f"Start `hubwell {kind}`.")


def _contents(conn: Connection[Any]) -> Iterator[Finding]:
    devices = conn.execute(_SQL["devices"]).fetchall()
    silent = [device for device, is_silent in devices if is_silent]
    if not devices:
        yield Finding("devices", "ok", "none registered yet", "Run `hubwell device add ID --space SPACE`.")
    elif silent:
        text = f"{len(silent)} of {len(devices)} not heard for {_minutes(STALE_AFTER)}: {_named(silent)}"
        yield Finding("devices", "warning", text, "Run `hubwell-edge doctor` on each.")
    else:
        yield Finding("devices", "ok", f"all {len(devices)} heard within {_minutes(STALE_AFTER)}")
    yield from _sensors(conn)
    yield from _rules(conn)
    yield from _lists_of_badges(conn)
    yield from _history(conn)
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


def _sensors(conn: Connection[Any]) -> Iterator[Finding]:
    doubtful = conn.execute(_SQL["in_doubt"]).fetchall()
    if doubtful:
        named = _named(
            [f"{device} {series} {verb} {value:g} {unit}" for device, series, verb, value, unit in doubtful]
        )
        advice = (
            "Check the sensor's cable and power, then restart the device; replace a part that stays in doubt."
        )
        yield Finding("sensors", "warning", f"{len(doubtful)} in doubt: {named}", advice)


def _rules(conn: Connection[Any]) -> Iterator[Finding]:
    unjudged = conn.execute(_SQL["unjudged"]).fetchall()
    if unjudged:
        named = _named([f"{space} ({reason})" for space, reason in unjudged])
        text = f"the air of {len(unjudged)} spaces cannot be judged: {named}"
        advice = "It takes a good CO2 reading every ten minutes, and a sensor or a badge that shows people."
        yield Finding("rules", "warning", text, advice)


def _history(conn: Connection[Any]) -> Iterator[Finding]:
    notes, oldest = conn.execute(_SQL["not_added_up"]).fetchone() or (0, None)
    waiting = datetime.now(UTC) - oldest if oldest is not None else timedelta()
    if waiting > ADDED_UP_WITHIN:
        minutes = f"{waiting.total_seconds() / 60:.0f} minutes"
        text = f"{notes} changes of readings are not added up, the oldest for {minutes}"
        advice = "Check the worker; after an upgrade with years of readings, wait: the newest come first."
        yield Finding("history", "warning", text, advice)


def _lists_of_badges(conn: Connection[Any]) -> Iterator[Finding]:
    devices = conn.execute(_SQL["lists_of_badges"]).fetchall()
    silent = [device for device, _, is_silent in devices if is_silent]
    old = [device for device, is_old, is_silent in devices if is_old and not is_silent]
    if silent:
        text = f"not known for {len(silent)} of {len(devices)} devices with readers: {_named(silent)}"
        yield Finding("lists of badges", "warning", text, "These devices are silent: see devices.")
    if old:
        text = (
            f"{len(old)} of {len(devices)} devices have none, or one older than "
            f"{_minutes(BADGE_LIST_OLD_AFTER)}: {_named(old)}"
        )
        advice = "They must know the hub's key: compare `hubwell keys roster-public` with their settings."
        yield Finding("lists of badges", "warning", text, advice)
    elif devices and not silent:
        yield Finding("lists of badges", "ok", f"all {len(devices)} devices with readers have a fresh one")


def _named(devices: list[str]) -> str:
    """Return the first of the devices, with a sign that there are more."""
    return ", ".join(devices[:_NAMED_DEVICES]) + (" ..." if len(devices) > _NAMED_DEVICES else "")


def _pages(settings: Settings) -> Finding:
    address = f"http://{settings.http_host}:{settings.http_port}"
    try:
        answer = asyncio.run(exchange("GET", f"{address}/api/v1/health", limits=_PAGES_LIMITS))
    except ExchangeError as error:
        return Finding("pages", "failed", f"{address}: {error}", "Start `hubwell api`.")
    if answer.is_success:
        return Finding("pages", "ok", f"{address} answers")
    return Finding("pages", "failed", f"{address}/api/v1/health answered {answer.status}", "See its detail.")


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:g} minutes"
