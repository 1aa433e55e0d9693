"""Scratch environment for measurements: a temporary database and a broker, on loopback, removed afterwards.

The database is a new one on the server of HUBWELL_DATABASE_URL, or on a temporary embedded PostgreSQL; the
broker is Mosquitto where it is installed, else the embedded one.
"""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from psycopg import Connection, sql

from hubwell.mqtt.subscriber import MqttSource
from hubwell.runtime.embedded_broker import EmbeddedBroker
from hubwell.runtime.embedded_postgres import EmbeddedPostgres
from hubwell.storage.connect import connect_sync
from hubwell.storage.engine import DatabaseVersion, detect
from hubwell.storage.migrate import migrate
from hubwell_wire.messages import Status

LOOPBACK: Final = "127.0.0.1"
_PATIENCE_S: Final = 30.0
_MOSQUITTO: Final = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 0
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Addresses of the scratch database and broker, and the environment of processes that use them."""

    database_url: str
    broker_url: str
    broker: str
    version: DatabaseVersion
    environment: dict[str, str]


@asynccontextmanager
async def stage(database_url: str | None) -> AsyncIterator[Stage]:
    """Set up database and broker, and remove both when the block ends in any way.

    :param database_url: a server that may create databases; None for an embedded one.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hubwell-bench-")))
        server = database_url
        if server is None:
            embedded = await stack.enter_async_context(EmbeddedPostgres(folder / "data"))
            server = embedded.url()
        url = stack.enter_context(_ScratchDatabase(server))
        await asyncio.to_thread(migrate, url)
        broker_name, broker_url = await _broker(stack, folder)
        with connect_sync(url, name="bench") as conn:
            version = detect(conn)
        environment = {
            **os.environ,
            "HUBWELL_DATABASE_URL": url,
            "HUBWELL_BROKER_URL": broker_url,
            "HUBWELL_SITE": "bench",
            "HUBWELL_INGEST_SHARED": str(broker_name == "mosquitto").lower(),
        }
        yield Stage(url, broker_url, broker_name, version, environment)


class _ScratchDatabase:
    """A new database on a server, dropped at the end."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._name = f"hubwell_bench_{uuid4().hex[:8]}"

    def __enter__(self) -> str:
        with connect_sync(self._server, name="bench") as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._name)))
        # Not urlunsplit: it would remove the empty host of a socket's URL together with both slashes.
        parts = urlsplit(self._server)
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}/{self._name}{query}"

    def __exit__(self, *_: object) -> None:
        with connect_sync(self._server, name="bench") as conn:
            conn.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self._name))
            )


async def _broker(stack: AsyncExitStack, folder: Path) -> tuple[str, str]:
    port = free_port()
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if mosquitto is None:
        embedded = EmbeddedBroker(server_port=port, device_port=free_port())
        await stack.enter_async_context(process(embedded.command(), os.environ | embedded.environment()))
        await port_open(embedded.device_port)
        return "iotcore", embedded.server_url
    configuration = folder / "mosquitto.conf"
    configuration.write_text(_MOSQUITTO.format(port=port))
    await stack.enter_async_context(process([mosquitto, "-c", str(configuration)]))
    await port_open(port)
    return "mosquitto", f"mqtt://{LOOPBACK}:{port}"


@asynccontextmanager
async def process(
    command: list[str], environment: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a child process for the duration of the block, without output; kill it 30 s after SIGTERM."""
    child = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), _PATIENCE_S)
        except TimeoutError:
            child.kill()
            await child.wait()


def hubwell_command(*words: str) -> list[str]:
    """Return the command line of a `hubwell` command."""
    return [sys.executable, "-m", "hubwell", *words]


def free_port() -> int:
    """Return a free loopback port; another program may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


async def port_open(port: int) -> None:
    """Wait until a loopback port accepts connections. Raises TimeoutError after 30 s."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return


async def until_subscribed(scene: Stage, conn: Connection[Any], worker: int, *, device: str) -> None:
    """Publish a device's status until the worker's database connection exists: then it is subscribed.

    An ingest process connects to the database only after its first message. Raises TimeoutError.
    """
    topic, status = f"hub/v1/bench/{device}/status", Status(v=1, state="online").encode()
    nothing = [("hub/v1/bench/nobody/status", 1)]  # a source needs a subscription
    async with MqttSource(scene.broker_url, "hubwell-bench-probe", nothing, session_expiry_s=0) as probe:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                await probe.publish(topic, status)
                name = f"hubwell-ingest-{worker}"
                session = conn.execute("SELECT FROM pg_stat_activity WHERE application_name = %s", (name,))
                if session.fetchone() is not None:
                    return
                await asyncio.sleep(0.1)
