"""Brings the whole of Hubwell up on one machine: what is checked and started, in which order."""

import asyncio
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from hubwell.commands.up.services import Parts
from hubwell.commands.up.terminal import Terminal
from hubwell.runtime.embedded_broker import LOOPBACK
from hubwell.runtime.embedded_postgres import EmbeddedPostgres
from hubwell.runtime.endpoints import Running
from hubwell.runtime.preflight import check_port, check_space
from hubwell.runtime.start_errors import CannotStartError, refusal_for
from hubwell.runtime.supervisor import Supervisor

_DATA_WITHIN = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may choose."""

    port: int
    data: Path
    demo: bool


async def bring_up(options: Options, terminal: Terminal) -> None:
    """Check, start everything, and keep it up until a signal.

    :raises CannotStartError: with one sentence for the person at the terminal.
    """
    data = options.data.absolute()
    postgres = EmbeddedPostgres(data)
    host = os.environ.get("HUBWELL_HTTP_HOST", LOOPBACK)
    try:
        postgres.lock.acquire()
    except OSError as error:
        raise refusal_for(error, data) from error
    try:
        check_space(data)
        parts = Parts(data, postgres, host=host, port=check_port(host, options.port), demo=options.demo)
        system = System(postgres, parts, terminal, demo=options.demo)
        supervisor = Supervisor(data / "logs", terminal.problem, stopping=terminal.stopping)
        await supervisor.run(system.start)
        Running.remove(data)
    finally:
        postgres.lock.release()


class System:
    """The order in which the parts start."""

    def __init__(self, postgres: EmbeddedPostgres, parts: Parts, terminal: Terminal, *, demo: bool) -> None:
        """Take the parts; nothing happens yet."""
        self._postgres = postgres
        self._parts = parts
        self._terminal = terminal
        self._demo = demo

    async def start(self, supervisor: Supervisor) -> None:
        """Start the parts, each when what it needs is there, and print the address."""
        # The modules take as long to load as the database takes to start: both at once.
        self._schema = asyncio.create_task(asyncio.to_thread(import_module, "hubwell.commands.up.schema"))
        await self._start_database(supervisor)
        spaces = await self._prepare_schema()
        if broker := self._parts.broker():
            with self._terminal.step("broker", "starting") as said:
                supervisor.launch(broker)
                await supervisor.ready()
                said.append("ready, for this machine only")
        else:
            self._terminal.say("  The broker is the one that HUBWELL_BROKER_URL names.")
        self._parts.addresses.write(self._postgres.data_dir)
        with self._terminal.step("services", "starting"):
            supervisor.launch(self._parts.service("worker"), self._parts.service("ingest"))
            supervisor.launch(self._parts.service("api"))
            if self._demo:
                supervisor.launch(self._parts.simulator(spaces))
            await self._until_data(supervisor)
        self._terminal.address(self._parts.addresses.page)
        await self._say_how_to_set_up()

    async def _say_how_to_set_up(self) -> None:
        """Print where the first administrator is made: once, and only while there is none."""
        schema = await self._schema
        page = self._parts.addresses.page
        if await asyncio.to_thread(schema.lacks_admin, self._parts.addresses.database_url):
            self._terminal.say(
                "  Nobody administers this hub yet. Make the first account here:\n"
                f"  {page}/setup?code={self._parts.setup_code}\n"
            )

    async def _start_database(self, supervisor: Supervisor) -> None:
        if database := self._parts.database():
            with self._terminal.step("database", "starting"):
                await self._postgres.prepare()
                supervisor.launch(database)
                await supervisor.ready()
        else:
            self._terminal.say("  The database is the one that HUBWELL_DATABASE_URL names.")

    async def _prepare_schema(self) -> int:
        with self._terminal.step("schema", "bringing up to date") as said:
            schema = await self._schema
            spaces: int = await asyncio.to_thread(
                schema.prepare, self._parts.addresses.database_url, demo=self._demo
            )
            said.append(f"up to date, {spaces} spaces for the simulated hub" if spaces else "up to date")
        return spaces

    async def _until_data(self, supervisor: Supervisor) -> None:
        try:
            async with asyncio.timeout(_DATA_WITHIN):
                await supervisor.ready()
        except TimeoutError:
            self._terminal.problem("Not everything is ready yet; `hubwell doctor` says what is missing.")


def run(options: Options) -> int:
    """Run `hubwell up` and return its exit code."""
    terminal = Terminal()
    try:
        asyncio.run(bring_up(options, terminal))
        terminal.say(f"Hubwell is stopped; the data is in {options.data}.")
    except CannotStartError as refusal:
        terminal.refuse(str(refusal))
        return 1
    return 0
