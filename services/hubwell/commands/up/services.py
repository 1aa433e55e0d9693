"""The processes of `hubwell up`: their commands, settings and readiness probes."""

import asyncio
import hashlib
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ValidationError

from hubwell.commands.up.port_reservations import PortReservations
from hubwell.doctor.typed_commands import DATA_VARIABLE
from hubwell.runtime.embedded_broker import (
    DEVICE_PORT,
    LOOPBACK,
    SERVER_PORT,
    Broker,
    EmbeddedBroker,
    ExternalBroker,
    kept_device_password,
)
from hubwell.runtime.embedded_postgres import EmbeddedPostgres
from hubwell.runtime.endpoints import Running
from hubwell.runtime.managed_process import Part
from hubwell.runtime.parent_death import leashed
from hubwell.runtime.postgres_files import environment

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (recognised, not bound)
_SITE = "hub"
_ANSWER_WITHIN = 2.0  # seconds
_SOCKET_PATH_LIMIT = 100  # bytes; the system's own is 107
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Newest(BaseModel):
    """The part of the health report that holds the newest reading's time."""

    measured_at: AwareDatetime | None = None


class _Health(BaseModel):
    newest_reading: _Newest = _Newest()


class _Space(BaseModel):
    """The part of a space on the board that holds its newest reading's time."""

    last_heard: AwareDatetime | None = None
    personal: bool = False
    """One person's room: when it was heard is not told."""


class _Board(BaseModel):
    spaces: list[_Space]


Answer = TypeVar("Answer", bound=BaseModel)
Ready = Callable[[], Awaitable[bool]]


class Parts:
    """Describes the processes, with consistent settings for all of them."""

    def __init__(
        self,
        data: Path,
        postgres: EmbeddedPostgres,
        *,
        host: str,
        port: int,
        reservations: PortReservations,
        demo: bool = False,
    ) -> None:
        """Choose the broker's ports once, so that they stay the same after a restart."""
        self._data = data
        self._postgres = postgres
        self._started_at = datetime.now(UTC)
        self._host, self._port = LOOPBACK if host in _EVERYWHERE else host, port
        self._embedded_broker = _embedded_broker(reservations, data)
        broker: Broker = self._embedded_broker or ExternalBroker(os.environ["HUBWELL_BROKER_URL"])
        self.addresses = Running(
            page=f"http://{self._host}:{port}",
            database_url=os.environ.get("HUBWELL_DATABASE_URL") or postgres.url(),
            broker_url=broker.server_url,
            device_broker_url=broker.device_url,
            keys_dir=Path(os.environ.get("HUBWELL_KEYS_DIR") or _keys_beside(data)),
        )
        self.page = _public_page(self._host, port)
        self.setup_code = secrets.token_urlsafe(18)
        self._environment = {
            **os.environ,
            "HUBWELL_DATABASE_URL": self.addresses.database_url,
            "HUBWELL_BROKER_URL": self.addresses.broker_url,
            "HUBWELL_EDGE__BROKER__URL": self.addresses.device_broker_url,  # for the simulator
            "HUBWELL_INGEST_SHARED": str(self._embedded_broker is None).lower(),
            "HUBWELL_SETUP_HASH": hashlib.sha256(self.setup_code.encode()).hexdigest(),
            "HUBWELL_HTTP_HOST": host,
            "HUBWELL_HTTP_PORT": str(port),
            "HUBWELL_KEYS_DIR": str(self.addresses.keys_dir),
            "HUBWELL_SITE": os.environ.get("HUBWELL_SITE", _SITE),
            DATA_VARIABLE: str(data),
            "PYTHONUNBUFFERED": "1",
        }
        self._environment.setdefault("HUBWELL_PUBLIC_URL", self.page)
        if self._embedded_broker is not None:
            self._environment["HUBWELL_DEVICE_BROKER_URL"] = self.addresses.device_broker_url
        self._environment.pop("HUBWELL_DEMO_SOCKET", None)
        if demo:
            self._environment["HUBWELL_DEMO_SOCKET"] = str(_demo_socket(data))
            # The simulated people's badges are not enrolled: they are counted, without names.
            self._environment.setdefault("HUBWELL_UNKNOWN_BADGES", "count")

    def without_demo(self) -> None:
        """Treat unknown badges as the settings say: the simulated hub was removed."""
        self._environment.pop("HUBWELL_UNKNOWN_BADGES", None)
        self._environment.pop("HUBWELL_DEMO_SOCKET", None)
        if chosen := os.environ.get("HUBWELL_UNKNOWN_BADGES"):
            self._environment["HUBWELL_UNKNOWN_BADGES"] = chosen

    def database(self) -> Part | None:
        """Describe the embedded database; None where HUBWELL_DATABASE_URL names another."""
        if os.environ.get("HUBWELL_DATABASE_URL"):
            return None
        return Part(
            name="database",
            command=self._postgres.command,
            environment=environment(),
            ready=self._postgres.ready,
            before=self._postgres.clean_up_after_crash,
            explain=self._postgres.explain,
            stop_signal=signal.SIGINT,
            patience=3.0,
        )

    def broker(self) -> Part | None:
        """Describe the embedded broker; None where HUBWELL_BROKER_URL names another."""
        broker = self._embedded_broker
        if broker is None:
            return None
        return Part(
            name="broker",
            command=broker.command,
            environment=self._environment | broker.environment(),
            ready=broker.ready,
            patience=0.5,
        )

    def service(self, name: str) -> Part:
        """Describe `hubwell NAME`."""
        ready = self._healthy if name == "api" else None
        return self._python(name, "hubwell", name, ready=ready)

    def simulator(self, devices: Sequence[str]) -> Part:
        """Describe the simulated hub with these devices; it is ready when the board has readings of each."""
        options = ["--site", self._environment["HUBWELL_SITE"], "--data", str(self._data / "edge")]
        options += [word for device in devices for word in ("--device", device)]
        if demo_socket := self._environment.get("HUBWELL_DEMO_SOCKET"):
            options += ["--taps", demo_socket]
        part = self._python(
            "simulator", "hubwell_edge", "simulate", *options, ready=partial(self._board_lives, len(devices))
        )
        # At a stop its devices publish that they are offline, and wait for their last receipts.
        return replace(part, patience=3.0)

    def _python(self, name: str, module: str, *arguments: str, ready: Ready | None) -> Part:
        # -P: do not import modules from the current folder.
        command = leashed([sys.executable, "-P", "-m", module, *arguments])
        return Part(
            name=name, command=lambda: command, environment=self._environment, ready=ready, patience=1.5
        )

    async def _healthy(self) -> bool:
        return await self._ask("/api/v1/health", _Health) is not None

    async def _board_lives(self, spaces: int) -> bool:
        """Return whether a reading was stored since this start, and every space has a reading."""
        health = await self._ask("/api/v1/health", _Health)
        if health is None or (health.newest_reading.measured_at or _NEVER) < self._started_at:
            return False
        board = await self._ask("/api/v1/spaces", _Board)
        sensing = [space for space in board.spaces if space.personal or space.last_heard] if board else []
        return board is not None and len(sensing) >= spaces

    async def _ask(self, path: str, model: type[Answer]) -> Answer | None:
        """Get a document of this hub's API; None if there is no valid answer."""
        body = await asyncio.to_thread(_get, self._host, self._port, path)
        try:
            return None if body is None else model.model_validate_json(body)
        except ValidationError:
            return None


def _demo_socket(data: Path) -> Path:
    """Return where virtual cards are held: in the data folder, or a short path where that one is too long."""
    inside = data.absolute() / "edge" / "taps"
    if len(os.fsencode(inside)) <= _SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()
    return Path(tempfile.gettempdir()) / f"hubwell-{digest[:16]}-edge" / "taps"


def _public_page(host: str, port: int) -> str:
    """Return the address for browsers: HUBWELL_PUBLIC_URL, else the name of this machine's loopback."""
    named = os.environ.get("HUBWELL_PUBLIC_URL", "").rstrip("/")
    return named or f"http://{'localhost' if host == LOOPBACK else host}:{port}"


def _keys_beside(data: Path) -> Path:
    """Return the folder of keys, beside the data, so that a copy of the data does not contain them."""
    return data.with_name(f"{data.name}-keys")


def _get(host: str, port: int, path: str) -> bytes | None:
    """Return the body of a response with status 200; None for any other and for errors."""
    connection = HTTPConnection(host, port, timeout=_ANSWER_WITHIN)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == HTTPStatus.OK else None


def _embedded_broker(reservations: PortReservations, data: Path) -> EmbeddedBroker | None:
    if os.environ.get("HUBWELL_BROKER_URL"):
        return None
    return EmbeddedBroker(
        server_port=reservations.reserve(LOOPBACK, SERVER_PORT),
        device_port=reservations.reserve(LOOPBACK, DEVICE_PORT),
        device_password=kept_device_password(data),
    )
