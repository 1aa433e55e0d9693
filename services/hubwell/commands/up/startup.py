"""Start all of Hubwell on one machine: the checks, and the order in which processes start."""

import asyncio
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from hubwell.commands.up.port_reservations import PortReservations
from hubwell.commands.up.services import Parts
from hubwell.commands.up.terminal import Terminal
from hubwell.doctor.typed_commands import DATA_VARIABLE, as_typed, in_text
from hubwell.runtime.embedded_broker import LOOPBACK
from hubwell.runtime.embedded_postgres import EmbeddedPostgres
from hubwell.runtime.endpoints import Running
from hubwell.runtime.preflight import check_port, check_space
from hubwell.runtime.start_errors import CannotStartError, refusal_for
from hubwell.runtime.supervisor import Supervisor

_DATA_WITHIN = 60.0  # seconds
_DEMO_LOOK = 3.0  # seconds between two looks at which simulated devices are in use


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line."""

    port: int
    data: Path
    demo: bool


async def bring_up(options: Options, terminal: Terminal) -> None:
    """Check the machine, start all processes, and run them until a signal.

    :raises CannotStartError: its text is for the person at the terminal.
    """
    data = options.data.absolute()
    os.environ[DATA_VARIABLE] = str(data)  # the commands that are printed here find this hub
    postgres = EmbeddedPostgres(data)
    host = os.environ.get("HUBWELL_HTTP_HOST", LOOPBACK)
    try:
        postgres.lock.acquire()
    except OSError as error:
        raise refusal_for(error, data) from error
    try:
        check_space(data)
        with PortReservations() as reservations:
            port = check_port(host, options.port) if options.port else reservations.reserve(host)
            parts = Parts(data, postgres, host=host, port=port, reservations=reservations, demo=options.demo)
            system = System(postgres, parts, terminal, demo=options.demo)
            supervisor = Supervisor(data / "logs", terminal.problem, stopping=terminal.stopping)
            await supervisor.run(system.start)
        Running.remove(data)
    finally:
        postgres.lock.release()


class System:
    """The order in which the parts start."""

    def __init__(self, postgres: EmbeddedPostgres, parts: Parts, terminal: Terminal, *, demo: bool) -> None:
        """Store the parts; `start` starts them."""
        self._postgres = postgres
        self._parts = parts
        self._terminal = terminal
        self._demo = demo

    async def start(self, supervisor: Supervisor) -> None:
        """Start the processes, each after those that it needs, and print the address."""
        # Importing these modules takes as long as starting the database, so both run at once.
        self._schema = asyncio.create_task(asyncio.to_thread(import_module, "hubwell.commands.up.schema"))
        await self._start_database(supervisor)
        devices = await self._prepare_schema()
        if broker := self._parts.broker():
            with self._terminal.step("broker", "starting") as result:
                supervisor.launch(broker)
                await supervisor.ready()
                result.append("ready, for this machine only")
        else:
            self._terminal.print_line("  The broker is the one that HUBWELL_BROKER_URL names.")
        self._parts.addresses.write(self._postgres.data_dir)
        with self._terminal.step("services", "starting"):
            supervisor.launch(self._parts.service("worker"), self._parts.service("ingest"))
            supervisor.launch(self._parts.service("api"))
            if devices:
                supervisor.launch(self._parts.simulator(devices))
                supervisor.watch(self._follow_demo(supervisor, devices), name="demo")
            await self._until_data(supervisor)
        self._terminal.address(self._parts.page)
        if devices:
            self._terminal.print_line(f"  Try a badge without hardware:  {self._parts.page}/try\n")
        self._terminal.print_line(f"  Commands for this hub, in another terminal:\n  {as_typed('doctor')}\n")
        await self._print_setup_address()

    async def _print_setup_address(self) -> None:
        """Print the address of the set-up page if the hub has no administrator."""
        schema = await self._schema
        page = self._parts.page
        if await asyncio.to_thread(schema.lacks_admin, self._parts.addresses.database_url):
            self._terminal.print_line(
                "  This hub has no administrator yet. Create the first account here:\n"
                f"  {page}/setup?code={self._parts.setup_code}\n"
            )
            if not self._demo:
                self._terminal.print_line("  The pages lead from there to the first space and its device.\n")

    async def _start_database(self, supervisor: Supervisor) -> None:
        if database := self._parts.database():
            with self._terminal.step("database", "starting"):
                await self._postgres.prepare()
                supervisor.launch(database)
                await supervisor.ready()
        else:
            self._terminal.print_line("  The database is the one that HUBWELL_DATABASE_URL names.")

    async def _follow_demo(self, supervisor: Supervisor, running: list[str]) -> None:
        """Stop simulated devices that were archived or removed; the rest of the hub goes on."""
        schema, url = await self._schema, self._parts.addresses.database_url
        while running:
            await asyncio.sleep(_DEMO_LOOK)
            devices = await asyncio.to_thread(schema.simulated, url, running)
            if devices != running:
                running = devices
                await supervisor.end("simulator")
                if running:
                    supervisor.launch(self._parts.simulator(running))
        self._terminal.print_line("  The simulated hub was removed; its devices have stopped.")

    async def _prepare_schema(self) -> list[str]:
        with self._terminal.step("schema", "bringing up to date") as result:
            schema = await self._schema
            devices: list[str] = await asyncio.to_thread(
                schema.prepare, self._parts.addresses.database_url, demo=self._demo
            )
            if not devices:
                self._parts.without_demo()
            result.append(f"up to date, {len(devices)} simulated devices" if devices else "up to date")
        return devices

    async def _until_data(self, supervisor: Supervisor) -> None:
        try:
            async with asyncio.timeout(_DATA_WITHIN):
                await supervisor.ready()
        except TimeoutError:
            self._terminal.problem(
                in_text("Not everything is ready yet; `hubwell doctor` shows what is missing.")
            )


def run(options: Options) -> int:
    """Run `hubwell up` and return its exit code."""
    terminal = Terminal()
    try:
        asyncio.run(bring_up(options, terminal))
        terminal.print_line(f"Hubwell is stopped; the data is in {options.data}.")
    except CannotStartError as refusal:
        terminal.refuse(str(refusal))
        return 1
    return 0
