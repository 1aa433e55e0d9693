"""The command line of the server. Each command only reads its options and calls one function.

Heavy modules are imported inside the commands, so that ``hubwell --help`` answers at once.
"""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from hubwell.commands.accounts import account_app, token_app
from hubwell.commands.cli_settings import settings
from hubwell.commands.dashboards import app as dashboards_app
from hubwell.commands.evacuation import app as muster_app
from hubwell.commands.people import keys_app, person_app, reader_app
from hubwell.commands.privacy import audit_log_app, check_terms, privacy_app, retention_app

app = typer.Typer(
    help="Hubwell: spaces, air and presence of a learning hub.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
device_app = typer.Typer(help="Devices: the Raspberry Pis and sensors that may send.", no_args_is_help=True)
space_app = typer.Typer(help="Spaces: what can be used and booked.", no_args_is_help=True)
app.add_typer(account_app, name="account")
app.add_typer(dashboards_app, name="dashboards")
app.add_typer(device_app, name="device")
app.add_typer(keys_app, name="keys")
app.add_typer(person_app, name="person")
app.add_typer(reader_app, name="reader")
app.add_typer(audit_log_app, name="audit-log")
app.add_typer(muster_app, name="muster")
app.add_typer(privacy_app, name="privacy")
app.add_typer(retention_app, name="retention")
app.add_typer(space_app, name="space")
app.add_typer(token_app, name="token")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def _run(work: Coroutine[Any, Any, None]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        return


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the pages.")] = 8000,
    data: Annotated[Path, typer.Option(help="Folder for everything that is kept.")] = Path("hubwell-data"),
    demo: Annotated[bool, typer.Option(help="Live with a simulated hub.")] = True,
) -> None:
    """Run everything in this terminal: database, broker, services and a simulated hub."""
    from hubwell.commands.up import main

    raise typer.Exit(main(port=port, data=data, demo=demo))


@app.command()
def ingest(
    worker: Annotated[str, typer.Option(help="Name of this process, if several share the work.")] = "1",
) -> None:
    """Store what devices send; several of these share the work."""
    from hubwell.ingest.consumer import Ingest
    from hubwell.switchboard import Switchboard

    configured = settings()
    _run(Ingest(configured, Switchboard.of(configured).commit, worker=worker).run())


@app.command()
def api() -> None:
    """Serve the pages and the API."""
    from hubwell.app import serve

    serve(check_terms(settings()))


@app.command()
def worker() -> None:
    """Send deliveries and keep the timetable."""
    from hubwell.worker import run

    _run(run(check_terms(settings())))


@app.command()
def broker(
    server_port: Annotated[int, typer.Option(help="Port for MQTT 5: the server's side.")] = 1883,
    device_port: Annotated[int, typer.Option(help="Port for MQTT 3.1.1: the devices' side.")] = 1884,
) -> None:
    """Run the embedded development broker on loopback: no accounts, nothing kept on disk."""
    from hubwell.runtime.embedded_broker import serve

    serve(server_port=server_port, device_port=device_port)


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this release."""
    from hubwell.storage.migrate import NewerSchemaError
    from hubwell.storage.migrate import migrate as bring_up_to_date
    from hubwell.storage.revisions import newest_revision

    try:
        bring_up_to_date(settings().database_url)
    except NewerSchemaError as error:
        print(f"{error}.", file=sys.stderr)
        raise typer.Exit(1) from error
    print(f"The database is at revision {newest_revision()}.")


@app.command()
def audit(
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    days: Annotated[int, typer.Option(help="How many days back.")] = 7,
    json_: Json = False,
) -> None:
    """Show per device and day what was sent, stored, duplicated, rejected and missing."""
    from hubwell.ingest.audit import print_audit

    configured = settings()
    status = print_audit(
        configured.database_url, zone=configured.zone, device=device, days=days, as_json=json_
    )
    raise typer.Exit(status)


@app.command()
def doctor(json_: Json = False) -> None:
    """Check every part and say what to do."""
    from hubwell.doctor import print_report

    raise typer.Exit(print_report(settings(), as_json=json_))


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Write everything into one file and verify it."""
    from hubwell.storage.backup import backup as write

    raise typer.Exit(write(settings().database_url, file))


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file made by `hubwell backup`.")]) -> None:
    """Read a backup into an empty database and compare counts and digest."""
    from hubwell.storage.backup import restore as read

    raise typer.Exit(read(settings().database_url, file))


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="Which measurement; without it they are listed.")] = None,
    json_: Json = False,
) -> None:
    """Measure a speed against its target, as a ratio in one run."""
    from hubwell.bench import run_bench

    raise typer.Exit(run_bench(settings(), name, as_json=json_))


@space_app.command("add")
def space_add(
    space_id: Annotated[str, typer.Argument(help="Short id: lower-case letters, digits and '-'.")],
    name: Annotated[str, typer.Option(help="Name that people read.")],
    kind: Annotated[str, typer.Option(help="workshop, collaboration or relaxation.")],
    capacity: Annotated[int, typer.Option(help="Number of people.")],
    zone: Annotated[str, typer.Option(help="Where it is.")] = "",
    when_full: Annotated[str | None, typer.Option(help="What its reader does then: warn or refuse.")] = None,
    closes_at: Annotated[
        str | None, typer.Option(help="When forgotten visits end: HH:MM, or hub for the hub's closing time.")
    ] = None,
    personal: Annotated[
        bool | None,
        typer.Option("--personal/--shared", help="One person's room: nobody is shown who is in."),
    ] = None,
) -> None:
    """Add a space, or change the one with this id; what is not said of its door stays."""
    from hubwell.spaces.register import put_space

    door = {"when_full": when_full, "closes_at": closes_at, "personal": personal}
    _register(put_space, space_id=space_id, name=name, kind=kind, capacity=capacity, zone=zone, **door)
    print(f"Space {space_id} is registered.")


@space_app.command("list")
def space_list(json_: Json = False) -> None:
    """List the spaces."""
    from hubwell.spaces.register import print_spaces

    print_spaces(settings().database_url, as_json=json_)


@device_app.command("add")
def device_add(
    device_id: Annotated[str, typer.Argument(help="The device's id, as in its topics.")],
    space: Annotated[str, typer.Option(help="Id of the space it is in.")],
    name: Annotated[str, typer.Option(help="Name that people read.")] = "",
) -> None:
    """Register a device: from then on its messages are stored."""
    from hubwell.spaces.register import put_device

    _register(put_device, device_id=device_id, space_id=space, name=name)
    print(f"Device {device_id} is registered in {space}; its waiting messages come in by themselves.")


@device_app.command("list")
def device_list(json_: Json = False) -> None:
    """List the devices and when each was last heard."""
    from hubwell.spaces.register import print_devices

    print_devices(settings().database_url, as_json=json_)


def _register(put: Any, **values: Any) -> None:  # noqa: ANN401 - forwards the options of one command
    from hubwell.spaces.register import RegisterError
    from hubwell.storage.connect import connect_sync

    try:
        with connect_sync(settings().database_url, name="cli") as conn:
            put(conn, **values)
    except RegisterError as error:
        print(str(error), file=sys.stderr)
        raise typer.Exit(2) from None


@app.command()
def rejected(
    most: Annotated[int, typer.Option(help="How many to show, the newest first.")] = 20, json_: Json = False
) -> None:
    """Show the messages that were set aside, each with its reason."""
    from hubwell.ingest.audit import print_rejected

    print_rejected(settings().database_url, most=most, as_json=json_)


def main() -> None:
    """Run the command line; a database that cannot be reached ends in one sentence."""
    try:
        app()
    except Exception as error:  # looked at only for its kind, and raised again if it is another
        from psycopg import OperationalError

        if not isinstance(error, OperationalError):
            raise
        print(
            f"The database cannot be reached: {str(error).strip().splitlines()[0]}\n"
            "Start it (`scripts/up`), or say where it is with HUBWELL_DATABASE_URL.",
            file=sys.stderr,
        )
        sys.exit(1)
