"""The command ``hubwell-edge``: parses arguments, configures logging, runs one command, prints its result."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The agent that runs beside the sensors and delivers every message to the server.",
)

_MOMENTS: Final = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]
_PROTOCOLS: Final[dict[int, Literal[5, 311]]] = {5: 5, 311: 311}
Broker = Annotated[
    str | None,
    typer.Option(
        envvar="HUBWELL_EDGE__BROKER__URL",
        help="mqtt[s]://USER:PASSWORD@HOST:PORT; by default that of the `hubwell up` that runs here.",
    ),
]
Protocol = Annotated[int | None, typer.Option(help="MQTT version: 5 or 311.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Device file (TOML); the environment may replace it."),
]
Secrets = Annotated[
    Path | None, typer.Option("--secrets", help="Folder with secret files, such as mqtt_password.")
]
LogJson = Annotated[bool, typer.Option("--log-json", help="Log one JSON object per line.")]


@app.command()
def run(
    config: Config = None,
    secrets: Secrets = None,
    simulate_hardware: Annotated[
        bool, typer.Option("--simulate-hardware", help="Use chip models instead of I2C and pins.")
    ] = False,
    log_json: LogJson = False,
) -> None:
    """Read the sensors and send, until Ctrl-C or SIGTERM."""
    from hubwell_edge.agent.run import serve
    from hubwell_edge.logs import set_up_logs

    set_up_logs(as_json=log_json)
    with _plain_errors():
        serve(config, secrets, simulate_hardware=simulate_hardware)


@app.command()
def check(config: Config = None, secrets: Secrets = None) -> None:
    """Check the settings and print what the agent would do with them."""
    from hubwell_edge.agent.run import describe

    with _plain_errors():
        for line in describe(config, secrets):
            print(line)


@app.command()
def doctor(config: Config = None, secrets: Secrets = None) -> None:
    """Check every part of this device, and print what to do about each problem."""
    from hubwell_edge.doctor import examine
    from hubwell_edge.settings import EdgeSettings

    with _plain_errors():
        results = examine(EdgeSettings.load(config, secrets), secrets)
    for result in results:
        print(f"{'ok  ' if result.ok else 'BAD '} {result.part}: {result.text}")
    if not all(result.ok for result in results):
        raise typer.Exit(1)


@app.command()
def muster(
    config: Config = None,
    part: Annotated[
        list[str] | None, typer.Option(help="An officer's part; two, or none to be asked.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    check_only: Annotated[bool, typer.Option("--check", help="Only report whether there is one.")] = False,
) -> None:
    """Open the sealed list of people who are probably inside; needs neither server nor broker."""
    from hubwell_edge.settings import EdgeSettings
    from hubwell_edge.taps.self_check import inspect_muster

    with _plain_errors():
        folder = EdgeSettings.load(config).outbox.dir
        if not check_only:
            _print_muster(folder, part or [], as_json=as_json)
            return
    result = inspect_muster(folder)
    print(result.text)
    if not result.ok:
        raise typer.Exit(1)


def _print_muster(folder: Path, parts: list[str], *, as_json: bool) -> None:
    import json
    from datetime import UTC

    from hubwell_edge.muster import opening, sheet

    if len(parts) not in {0, 2}:
        _fail("two parts are needed, one of each officer: --part A --part B, or none to be asked for them")
    first, second = parts or [_ask_for_part(which) for which in ("first", "second")]
    opened, now = opening.open_muster(folder, first, second), datetime.now(UTC)
    if as_json:
        print(json.dumps(sheet.as_json(opened, now), ensure_ascii=False, indent=1))
    else:
        print("\n".join(sheet.as_text(opened, now)))


def _ask_for_part(which: str) -> str:
    """Ask for an officer's part, on one line or several, and for a line with a mistake again; never shown."""
    from hubwell_edge.muster import key_parts
    from hubwell_edge.taps.files.muster_file import MusterFileError

    typed = ""
    while True:
        there = key_parts.count_words(typed)
        more = f"from word {there + 1}" if there else f"{key_parts.WORDS} words, not shown"
        line = f"{typed} {typer.prompt(f'Part of the {which} officer ({more})', hide_input=True)}"
        try:
            key_parts.check_words(line, which)
        except MusterFileError as error:
            typer.echo(f"{error}: type this line again", err=True)
            continue
        typed = line
        if not key_parts.is_complete(typed):
            continue
        try:
            key_parts.read_part(typed, which)
        except MusterFileError as error:
            typer.echo(f"{error}; type the whole part again", err=True)
            typed = ""
        else:
            return typed


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="CSV file.")],
    layout: Annotated[Path, typer.Option("--map", help="Meaning of its columns (TOML).")],
    broker: Broker = None,
    site: Annotated[str, typer.Option(help="Site of the topics.")] = "hub",
    device: Annotated[str, typer.Option(help="Device of the topics; must be registered.")] = "replay",
    speed: Annotated[str, typer.Option(help="Speed relative to the recording, or 'max'.")] = "max",
    outbox: Annotated[
        Path | None,
        typer.Option(help="Outbox folder; the same one continues a replay."),
    ] = None,
    protocol: Protocol = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out rows that cannot be read.")] = False,
) -> None:
    """Send a recorded CSV file through the real agent; succeeds only when the server has stored every row."""
    from hubwell_edge.logs import set_up_logs
    from hubwell_edge.replay.command import ReplayJob, play

    set_up_logs()
    url, version = _broker(broker, protocol, usual=5)
    with _plain_errors():
        job = ReplayJob.build(
            file,
            layout,
            url=url,
            protocol=version,
            site=site,
            device=device,
            speed=_speed(speed),
            outbox=outbox,
            skip_bad=skip_bad,
        )
        arrived = play(job)
    if not arrived:
        raise typer.Exit(1)


@app.command()
def simulate(
    data: Annotated[Path, typer.Option(help="Folder for the outboxes of the devices.")],
    broker: Broker = None,
    protocol: Protocol = None,
    site: Annotated[str | None, typer.Option(help="Site of the topics; default: the scenario's.")] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Spaces and people (TOML); default: demo hub.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same readings.")] = None,
    speed: Annotated[str, typer.Option(help="Speed relative to real time, or 'max'.")] = "1",
    start: Annotated[datetime | None, typer.Option("--from", formats=_MOMENTS)] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=_MOMENTS)] = None,
    fault: Annotated[list[str] | None, typer.Option(help="A fault to simulate; may be repeated.")] = None,
    faults: Annotated[Path | None, typer.Option(help="File with faults (TOML).")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificate authority for mqtts://.")] = None,
    accounts: Annotated[
        Path | None, typer.Option(help="Folder with a file per device: its password at the broker.")
    ] = None,
    device: Annotated[list[str] | None, typer.Option(help="Only this device; may be repeated.")] = None,
    taps: Annotated[
        Path | None, typer.Option(help="Socket to create, at which virtual cards are held to the doors.")
    ] = None,
    log_json: LogJson = False,
) -> None:
    """Simulate a whole hub: rooms, people, air and badges, with a real agent for each device."""
    from hubwell_edge.logs import set_up_logs
    from hubwell_edge.sim.run import main as run_hub

    set_up_logs(as_json=log_json)
    url, version = _broker(broker, protocol, usual=311)
    with _plain_errors():
        arrived = run_hub(
            broker=url,
            data=data,
            site=site,
            scenario=scenario,
            seed=seed,
            speed=_speed(speed) or inf,
            start=start,
            until=until,
            faults=fault or (),
            faults_file=faults,
            protocol=version,
            ca_file=ca_file,
            accounts=accounts,
            only=device or (),
            taps=taps,
        )
    if not arrived and until is not None:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    app()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Print an error that the user can correct as one sentence on standard error; exit with code 2."""
    from hubwell_edge.outbox.file import OutboxError
    from hubwell_edge.settings import SettingsError
    from hubwell_edge.sources.observation import SourceError
    from hubwell_edge.taps.files.muster_file import MusterFileError

    user_errors: tuple[type[Exception], ...] = (SettingsError, SourceError, OutboxError, MusterFileError)
    if "hubwell_edge.sim.run" in sys.modules:
        user_errors = (*user_errors, sys.modules["hubwell_edge.sim.run"].SimulationError)
    try:
        yield
    except user_errors as error:
        _fail(str(error))


def _broker(url: str | None, protocol: int | None, *, usual: int) -> tuple[str, Literal[5, 311]]:
    """Return address and version of the broker; the embedded one speaks MQTT 3.1.1 with devices."""
    from hubwell_edge.local_hub import device_broker

    local = None if url else device_broker()
    if protocol is None:
        protocol = 311 if local else usual
    return url or local or "mqtt://127.0.0.1:1883", _protocol(protocol)


def _protocol(number: int) -> Literal[5, 311]:
    protocol = _PROTOCOLS.get(number)
    if protocol is None:
        _fail(f"--protocol {number} is neither 5 nor 311")
    return protocol


def _speed(text: str) -> float | None:
    """Return the speed as a factor; None is unlimited."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < inf:
        _fail(f"--speed {text!r} is neither 'max' nor a number above 0")
    return speed


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)
