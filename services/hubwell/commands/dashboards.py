"""The commands `hubwell dashboards ...`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Grafana dashboards, generated as code.", no_args_is_help=True)


@app.command("write")
def write_files(
    folder: Annotated[Path, typer.Argument(help="Folder for the JSON files.")] = Path("dashboards"),
) -> None:
    """Write the dashboards as JSON files."""
    from hubwell.dashboards.files import write

    try:
        for path in write(folder):
            print(path)
    except OSError as error:
        print(f"cannot write into {folder}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from None


@app.command("push")
def push_to_grafana(
    url: Annotated[str, typer.Option(help="Address of Grafana, for example http://127.0.0.1:3000.")],
    token: Annotated[
        str,
        typer.Option(envvar="HUBWELL_GRAFANA_TOKEN", help="Token of a service account with the role Editor."),
    ],
    ca_file: Annotated[
        Path | None,
        typer.Option(
            envvar="HUBWELL_CA_FILE", help="Certificate authorities (PEM), besides the public ones."
        ),
    ] = None,
) -> None:
    """Create or replace the dashboards in a running Grafana."""
    from hubwell.commands.cli_transactions import refusals
    from hubwell.dashboards.push import push

    with refusals(status=1):
        for address in push(url, token, ca_file=ca_file):
            print(address)
