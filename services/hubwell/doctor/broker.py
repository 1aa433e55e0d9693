"""The broker as the server sees it: its answer to subscriptions, and the end of its certificate."""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from hubwell.doctor.finding import Finding
from hubwell.mqtt.subscriber import MqttSource
from hubwell.mqtt.tls import broker_tls
from hubwell.settings import Settings
from hubwell_wire.topics import Channel, site_filter

_PATIENCE_S: Final = 5
_RENEW_BEFORE: Final = timedelta(days=60)
"""Time in which a certificate's end is announced: devices and server are cut off when it is reached."""
_VERSION_TOPIC: Final = "$SYS/broker/version"
_VERSION_PATIENCE_S: Final = 2
_CORRUPTED_BY_RELOAD: Final = ((2, 0, 15), (2, 1))
"""From which version on, and before which, Mosquitto may crash after SIGHUP: a session that a restart brought
back is then listed twice among those that expire. Seen with 2.0.21, not with 2.0.11."""
_RENEW: Final = "Renew it with `hubwell-admin certificates renew` (docs/deployment.md)."


def check_broker(settings: Settings, now: datetime | None = None) -> Iterator[Finding]:
    """Subscribe as ingest does, and look at the certificate's end."""
    try:
        problem = asyncio.run(_subscribe_once(settings))
    except (OSError, ValueError) as error:  # the file of the certificate authority, or the URL
        problem = str(error)
    if problem is None:
        yield Finding("broker", "ok", "accepts the server's subscriptions")
        yield from judge_version(asyncio.run(_version(settings)))
    else:
        yield Finding("broker", "failed", problem, _advice(problem))
    ends = certificate_end(settings)
    if ends is None:
        return
    remaining = ends - (now or datetime.now(UTC))
    text = f"valid until {ends:%Y-%m-%d}"
    if remaining < _RENEW_BEFORE:
        yield Finding("certificate", "warning", f"{text}, {remaining.days} days from now", _RENEW)
    else:
        yield Finding("certificate", "ok", text)


def judge_version(version: str) -> Iterator[Finding]:
    """Warn of versions of Mosquitto to stay away from; others and unknown ones have no finding."""
    numbers = re.match(r"mosquitto version (\d+)\.(\d+)\.(\d+)", version)
    if numbers is None:
        return
    first, fixed = _CORRUPTED_BY_RELOAD
    if first <= tuple(int(number) for number in numbers.groups()) < fixed:
        name = version.removeprefix("mosquitto version ")
        text = f"Mosquitto {name} may crash after it has read its accounts again (`systemctl reload`, SIGHUP)"
        advice = (
            "Restart it in place of that; devices send again what was under way. Version 2.1 has it mended."
        )
        yield Finding("broker version", "warning", text, advice)


def certificate_end(settings: Settings) -> datetime | None:
    """Return when the broker's certificate ends; None without TLS, or without a valid certificate."""
    parts = urlsplit(settings.broker_url)
    if parts.scheme != "mqtts" or not parts.hostname:
        return None
    try:
        context = broker_tls(settings.broker_ca_file)
        address = (parts.hostname, parts.port or 8883)
        with (
            socket.create_connection(address, timeout=_PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as connection,
        ):
            ends = str((connection.getpeercert() or {})["notAfter"])
    except (OSError, ValueError, KeyError):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)


def _advice(problem: str) -> str:
    if "expired" in problem:
        return _RENEW
    if "HUBWELL_BROKER_CA_FILE" in problem:
        return "HUBWELL_BROKER_CA_FILE is the file that make-certificates and setup put there."
    if "CERTIFICATE" in problem:
        return "Compare HUBWELL_BROKER_CA_FILE and the name in HUBWELL_BROKER_URL with the certificate."
    if "authorized" in problem or "bad user name" in problem:
        return "The password in HUBWELL_BROKER_URL is not the one of the account `ingest` at the broker."
    return "Start it, or set HUBWELL_BROKER_URL to its address with name and password."


async def _subscribe_once(settings: Settings) -> str | None:
    """Connect and subscribe with a new client id and without leaving a session; return why that failed."""
    async with _subscriber(settings, site_filter(settings.site, Channel.STATUS)) as source:
        try:
            await asyncio.wait_for(source.ready(), _PATIENCE_S)
        except TimeoutError:
            return source.problem or f"no subscription within {_PATIENCE_S} s"
    return None


async def _version(settings: Settings) -> str:
    """Return what the broker calls itself; empty where it does not tell, or not to this account."""
    async with _subscriber(settings, _VERSION_TOPIC) as source:
        try:
            messages = await asyncio.wait_for(source.batch(most=1, wait_s=0), _VERSION_PATIENCE_S)
        except TimeoutError:
            return ""
    return messages[0].payload.decode(errors="replace") if messages else ""


def _subscriber(settings: Settings, topics: str) -> MqttSource:
    """Return a connection under a new client id that leaves no session behind."""
    name = f"hubwell-doctor-{uuid4().hex[:8]}"
    return MqttSource(
        settings.broker_url, name, [(topics, 1)], session_expiry_s=0, ca_file=settings.broker_ca_file
    )
