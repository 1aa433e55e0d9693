"""The processes of `hubwell up`: their commands, settings and readiness probes."""

import asyncio
import hashlib
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ValidationError

from hubwell.runtime.embedded_broker import (
    DEVICE_PORT,
    LOOPBACK,
    SERVER_PORT,
    Broker,
    EmbeddedBroker,
    ExternalBroker,
)
from hubwell.runtime.embedded_postgres import EmbeddedPostgres
from hubwell.runtime.endpoints import Running
from hubwell.runtime.managed_process import Part
from hubwell.runtime.parent_death import leashed
from hubwell.runtime.postgres_files import environment
from hubwell.runtime.preflight import free_port

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (recognised, not bound)
_SITE = "hub"
_ANSWER_WITHIN = 2.0  # seconds
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Newest(BaseModel):
    """The part of the health report that holds the newest reading's time."""

    measured_at: AwareDatetime | None = None


class _Health(BaseModel):
    newest_reading: _Newest = _Newest()


class _Space(BaseModel):
    """The part of a space on the board that holds its newest reading's time."""

    last_heard: AwareDatetime | None = None


class _Board(BaseModel):
    spaces: list[_Space]


Answer = TypeVar("Answer", bound=BaseModel)
Ready = Callable[[], Awaitable[bool]]


class Parts:
    """Describes the processes, with consistent settings for all of them."""

    def __init__(
        self, data: Path, postgres: EmbeddedPostgres, *, host: str, port: int, demo: bool = False
    ) -> None:
        """Choose the broker's ports once, so that they stay the same after a restart."""
        self._data = data
        self._postgres = postgres
        self._started_at = datetime.now(UTC)
        self._host, self._port = LOOPBACK if host in _EVERYWHERE else host, port
        self._embedded_broker = _embedded_broker()
        broker: Broker = self._embedded_broker or ExternalBroker(os.environ["HUBWELL_BROKER_URL"])
        self.addresses = Running(
            page=f"http://{self._host}:{port}",
            database_url=os.environ.get("HUBWELL_DATABASE_URL") or postgres.url(),
            broker_url=broker.server_url,
            device_broker_url=broker.device_url,
            keys_dir=Path(os.environ.get("HUBWELL_KEYS_DIR") or _keys_beside(data)),
        )
        self.setup_code = secrets.token_urlsafe(18)
        self._environment = {
            **os.environ,
            "HUBWELL_DATABASE_URL": self.addresses.database_url,
            "HUBWELL_BROKER_URL": self.addresses.broker_url,
            "HUBWELL_INGEST_SHARED": str(self._embedded_broker is None).lower(),
            "HUBWELL_SETUP_HASH": hashlib.sha256(self.setup_code.encode()).hexdigest(),
            "HUBWELL_HTTP_HOST": host,
            "HUBWELL_HTTP_PORT": str(port),
            "HUBWELL_KEYS_DIR": str(self.addresses.keys_dir),
            "HUBWELL_SITE": os.environ.get("HUBWELL_SITE", _SITE),
            "PYTHONUNBUFFERED": "1",
        }
        if demo:
            # The simulated people's badges are not enrolled: they are counted, without names.
            self._environment.setdefault("HUBWELL_UNKNOWN_BADGES", "count")

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
            environment=self._environment,
            ready=broker.ready,
            patience=0.5,
        )

    def service(self, name: str) -> Part:
        """Describe `hubwell NAME`."""
        ready = self._healthy if name == "api" else None
        return self._python(name, "hubwell", name, ready=ready)

    def simulator(self, spaces: int) -> Part:
        """Describe the simulated hub; it is ready when the board has readings of all its `spaces`."""
        options = ["--broker", self.addresses.device_broker_url, "--site", self._environment["HUBWELL_SITE"]]
        options += ["--data", str(self._data / "edge")]
        part = self._python(
            "simulator", "hubwell_edge", "simulate", *options, ready=partial(self._board_lives, spaces)
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
        return board is not None and sum(space.last_heard is not None for space in board.spaces) >= spaces

    async def _ask(self, path: str, model: type[Answer]) -> Answer | None:
        """Get a document of this hub's API; None if there is no valid answer."""
        body = await asyncio.to_thread(_get, self._host, self._port, path)
        try:
            return None if body is None else model.model_validate_json(body)
        except ValidationError:
            return None


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


def _embedded_broker() -> EmbeddedBroker | None:
    if os.environ.get("HUBWELL_BROKER_URL"):
        return None
    server_port, device_port = (
        free_port(LOOPBACK, preferred) for preferred in (SERVER_PORT, DEVICE_PORT)
    )  # or any other free ones
    return EmbeddedBroker(server_port=server_port, device_port=device_port)
