"""The command line of the server; each command reads its options and calls one function.

Modules that are slow to load are imported inside the commands, so that ``hubwell --help`` is fast.
"""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from hubwell.commands.accounts import access_app, account_app, token_app
from hubwell.commands.cli_settings import check_settings, read_installation, settings
from hubwell.commands.cli_transactions import hub_settings
from hubwell.commands.course_sessions import session_app
from hubwell.commands.dashboards import app as dashboards_app
from hubwell.commands.evacuation import app as muster_app
from hubwell.commands.keys import keys_app, reader_app
from hubwell.commands.people import person_app
from hubwell.commands.privacy import audit_log_app, check_terms, privacy_app, retention_app
from hubwell.commands.register.plans import plan_app
from hubwell.commands.register.screens import screen_app
from hubwell.commands.spaces import demo_app, device_app, hub_app, space_app
from hubwell.doctor.typed_commands import DATA_VARIABLE
from hubwell.runtime.logs import set_up_logs

app = typer.Typer(
    help="Hubwell: spaces, air and presence of a learning hub.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(access_app, name="access")
app.add_typer(account_app, name="account")
app.add_typer(dashboards_app, name="dashboards")
app.add_typer(demo_app, name="demo")
app.add_typer(device_app, name="device")
app.add_typer(hub_app, name="hub")
app.add_typer(keys_app, name="keys")
app.add_typer(person_app, name="person")
app.add_typer(plan_app, name="plan")
app.add_typer(reader_app, name="reader")
app.add_typer(audit_log_app, name="audit-log")
app.add_typer(muster_app, name="muster")
app.add_typer(privacy_app, name="privacy")
app.add_typer(retention_app, name="retention")
app.add_typer(screen_app, name="screen")
app.add_typer(session_app, name="session")
app.add_typer(space_app, name="space")
app.add_typer(token_app, name="token")

PassphraseFile = Annotated[Path, typer.Option(help="File whose only line is the passphrase.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def _run(work: Coroutine[Any, Any, None]) -> None:
    from hubwell.service.process import run_service
    from hubwell.service.sign_of_life import NameTakenError

    set_up_logs()
    refused: NameTakenError | None = None
    try:
        run_service(work)
    except* NameTakenError as errors:
        refused = next(error for error in errors.exceptions if isinstance(error, NameTakenError))
    if refused is not None:
        print(refused, file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the pages.")] = 8000,
    data: Annotated[Path, typer.Option(envvar=DATA_VARIABLE, help="Folder for all data.")] = Path(
        "hubwell-data"
    ),
    demo: Annotated[bool, typer.Option(help="Run a simulated hub.")] = True,
) -> None:
    """Run everything in this terminal: database, broker, services and a simulated hub."""
    from hubwell.commands.up import main

    check_settings()
    raise typer.Exit(main(port=port, data=data, demo=demo))


@app.command()
def ingest(
    worker: Annotated[
        str, typer.Option(help="Number of this process among several; by default the first free one.")
    ] = "",
) -> None:
    """Store the messages of devices; several of these processes share the work."""
    from hubwell.ingest_process import run

    _run(run(settings(), worker=worker))


@app.command()
def api() -> None:
    """Serve the pages and the API."""
    from hubwell.app import serve

    set_up_logs()
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
    """Run the embedded development broker on loopback, with new passwords at each start, without a disk."""
    from hubwell.runtime.embedded_broker import serve
    from hubwell.runtime.preflight import port_problem

    problem = port_problem(server_port) or port_problem(device_port)
    if problem is not None:
        print(problem, file=sys.stderr)
        raise typer.Exit(2)
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
    days: Annotated[int, typer.Option(help="How many days back.", min=1, max=36500)] = 7,
    json_: Json = False,
) -> None:
    """Show per device and day what was sent, stored, duplicated, rejected and missing."""
    from hubwell.commands.reports import print_audit

    configured = hub_settings()
    status = print_audit(
        configured.database_url, zone=configured.zone, device=device, days=days, as_json=json_
    )
    raise typer.Exit(status)


@app.command()
def doctor(json_: Json = False) -> None:
    """Check every part and show what to do."""
    from hubwell.commands.reports import print_report
    from hubwell.doctor.setting_checks import misspelt_names, wrong_settings

    read_installation()
    wrong = wrong_settings()
    configured = None if wrong else settings()
    raise typer.Exit(print_report(configured, wrong, misspelt_names(), as_json=json_))


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
def seal(passphrase_file: PassphraseFile) -> None:
    """Seal standard input with a passphrase, to standard output: the secrets of a backup."""
    from hubwell.service import sealed_file

    _filter(sealed_file.seal, passphrase_file)


@app.command()
def unseal(passphrase_file: PassphraseFile) -> None:
    """Open what `hubwell seal` wrote, from standard input to standard output."""
    from hubwell.service import sealed_file

    _filter(sealed_file.unseal, passphrase_file)


def _filter(change: Callable[[bytes, str], bytes], passphrase_file: Path) -> None:
    from hubwell.service.sealed_file import SealError

    try:
        changed = change(sys.stdin.buffer.read(), passphrase_file.read_text().strip())
    except (SealError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    sys.stdout.buffer.write(changed)


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
    most: Annotated[int, typer.Option(help="How many to show, the newest first.", min=1, max=100_000)] = 20,
    json_: Json = False,
) -> None:
    """Show the messages that were rejected, each with the reason."""
    from hubwell.commands.reports import print_rejected

    print_rejected(settings().database_url, most=most, as_json=json_)


def main() -> None:
    """Run the command line; prints a sentence and exits with 1 if database or address cannot be used."""
    try:
        app()
    except Exception as error:  # looked at only for its kind, and raised again if it is another
        from psycopg import OperationalError

        from hubwell.commands.cli_settings import how_to_find_it
        from hubwell.runtime.start_errors import CannotStartError

        if isinstance(error, CannotStartError):
            print(error, file=sys.stderr)
            sys.exit(1)

        from hubwell.errors import first_line
        from hubwell.storage.connect import advice_for

        if not isinstance(error, OperationalError):
            raise
        print(f"The database cannot be used: {first_line(error)}", file=sys.stderr)
        for advice in filter(None, (how_to_find_it(), advice_for(error))):
            print(advice, file=sys.stderr)
        sys.exit(1)
