"""The command line of the server; each command reads its options and calls one function.

Modules that are slow to load are imported inside the commands, so that ``hubwell --help`` is fast.
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
from hubwell.commands.course_sessions import session_app
from hubwell.commands.dashboards import app as dashboards_app
from hubwell.commands.evacuation import app as muster_app
from hubwell.commands.keys import keys_app, reader_app
from hubwell.commands.people import person_app
from hubwell.commands.privacy import audit_log_app, check_terms, privacy_app, retention_app
from hubwell.commands.spaces import device_app, space_app

app = typer.Typer(
    help="Hubwell: spaces, air and presence of a learning hub.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
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
app.add_typer(session_app, name="session")
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
    data: Annotated[Path, typer.Option(help="Folder for all data.")] = Path("hubwell-data"),
    demo: Annotated[bool, typer.Option(help="Run a simulated hub.")] = True,
) -> None:
    """Run everything in this terminal: database, broker, services and a simulated hub."""
    from hubwell.commands.up import main

    raise typer.Exit(main(port=port, data=data, demo=demo))


@app.command()
def ingest(
    worker: Annotated[str, typer.Option(help="Name of this process, if several share the work.")] = "1",
) -> None:
    """Store the messages of devices; several of these processes share the work."""
    from hubwell.ingest_process import run

    _run(run(settings(), worker=worker))


@app.command()
def api() -> None:
    """Serve the pages and the API."""
    from hubwell.app import serve

    serve(check_terms(settings()))


@app.command()
def worker() -> None:
    """Send deliveries and run the timetable."""
    from hubwell.worker import run

    _run(run(check_terms(settings())))


@app.command()
def broker(
    server_port: Annotated[int, typer.Option(help="Port for MQTT 5: the server's side.")] = 1883,
    device_port: Annotated[int, typer.Option(help="Port for MQTT 3.1.1: the devices' side.")] = 1884,
) -> None:
    """Run the embedded development broker on loopback, without accounts and without a disk."""
    from hubwell.runtime.embedded_broker import serve

    serve(server_port=server_port, device_port=device_port)


@app.command()
def migrate() -> None:
    """Migrate the database to the schema of this release."""
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
    from hubwell.commands.reports import print_audit

    configured = settings()
    status = print_audit(
        configured.database_url, zone=configured.zone, device=device, days=days, as_json=json_
    )
    raise typer.Exit(status)


@app.command()
def doctor(json_: Json = False) -> None:
    """Check every part and show what to do."""
    from hubwell.commands.reports import print_report

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


@app.command()
def rejected(
    most: Annotated[int, typer.Option(help="How many to show, the newest first.")] = 20, json_: Json = False
) -> None:
    """Show the messages that were rejected, each with the reason."""
    from hubwell.commands.reports import print_rejected

    print_rejected(settings().database_url, most=most, as_json=json_)


def main() -> None:
    """Run the command line; prints one sentence and exits with 1 if the database cannot be reached."""
    try:
        app()
    except Exception as error:  # looked at only for its kind, and raised again if it is another
        from psycopg import OperationalError

        from hubwell.errors import first_line

        if not isinstance(error, OperationalError):
            raise
        print(
            f"The database cannot be reached: {first_line(error)}\n"
            "Start it (`scripts/up`), or set HUBWELL_DATABASE_URL to its address.",
            file=sys.stderr,
        )
        sys.exit(1)
