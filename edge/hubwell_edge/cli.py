"""The command ``hubwell-edge``: parses arguments, sets up logging, runs one thing and says how it went."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The agent that runs beside the sensors and loses nothing on the way to the server.",
)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Device file (TOML); the environment alone may do.")
]
Secrets = Annotated[
    Path | None, typer.Option("--secrets", help="Folder with secret files, such as mqtt_password.")
]
LogJson = Annotated[bool, typer.Option("--log-json", help="One JSON object for each log line.")]


@app.command()
def run(
    config: Config = None,
    secrets: Secrets = None,
    simulate_hardware: Annotated[
        bool, typer.Option("--simulate-hardware", help="Chip models in place of I2C and pins.")
    ] = False,
    log_json: LogJson = False,
) -> None:
    """Read the sensors and send, until Ctrl-C or SIGTERM."""
    from hubwell_edge.logs import set_up_logs
    from hubwell_edge.service import serve

    set_up_logs(as_json=log_json)
    with _plain_errors():
        serve(config, secrets, simulate_hardware=simulate_hardware)


@app.command()
def check(config: Config = None, secrets: Secrets = None) -> None:
    """Check the settings and say what the agent would do with them."""
    from hubwell_edge.service import describe

    with _plain_errors():
        for line in describe(config, secrets):
            print(line)


@app.command()
def doctor(config: Config = None, secrets: Secrets = None) -> None:
    """Check every part of this device, and say what to do about what is wrong."""
    from hubwell_edge.doctor import examine
    from hubwell_edge.settings import EdgeSettings

    with _plain_errors():
        findings = examine(EdgeSettings.load(config, secrets))
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'BAD '} {finding.part}: {finding.text}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="CSV file.")],
    layout: Annotated[Path, typer.Option("--map", help="What its columns mean (TOML).")],
    broker: Annotated[str, typer.Option(help="mqtt://HOST:PORT")] = "mqtt://127.0.0.1:1883",
    site: Annotated[str, typer.Option(help="Site of the topics.")] = "hub",
    device: Annotated[str, typer.Option(help="Device of the topics; must be registered.")] = "replay",
    speed: Annotated[str, typer.Option(help="Times faster than recorded, or 'max'.")] = "max",
    outbox: Annotated[Path | None, typer.Option(help="Folder to go on from after an interruption.")] = None,
    protocol: Annotated[int, typer.Option(help="MQTT version: 5 or 311.")] = 5,
) -> None:
    """Play a recorded CSV file through the real path; ends well only when the server has every row."""
    from hubwell_edge.logs import set_up_logs
    from hubwell_edge.player import ReplayJob, play

    set_up_logs()
    with _plain_errors():
        job = ReplayJob.build(
            file, layout, url=broker, protocol=protocol, site=site, device=device, speed=speed, outbox=outbox
        )
        raise typer.Exit(0 if play(job) else 1)


@app.command()
def simulate(
    broker: Annotated[str, typer.Option(help="mqtt://HOST:PORT")] = "mqtt://127.0.0.1:1883",
) -> None:
    """Simulate a whole hub: rooms, people, air and badges."""
    raise NotImplementedError(broker)


def main() -> None:
    """Run the command line."""
    app()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what a user can mend into one sentence on standard error and exit code 2."""
    from hubwell_edge.observation import SourceError
    from hubwell_edge.outbox_file import OutboxError
    from hubwell_edge.settings import SettingsError

    try:
        yield
    except (SettingsError, SourceError, OutboxError) as error:
        _fail(str(error))


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)
