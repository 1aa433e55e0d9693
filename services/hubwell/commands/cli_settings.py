"""The settings as a command reads them: from the environment, else from the `hubwell up` that runs here."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hubwell.settings import Settings


def settings() -> "Settings":
    """Read the settings, or end with one sentence for each wrong one.

    What the environment does not set is taken from the `hubwell up` that runs over the data folder
    (HUBWELL_DATA, else ./hubwell-data), so that commands in another terminal find it.
    """
    from pydantic import ValidationError

    from hubwell.runtime.endpoints import Running
    from hubwell.settings import Settings

    try:
        configured = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "HUBWELL_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{name}={problem['input']!r}: {problem['msg']}", file=sys.stderr)
        raise typer.Exit(2) from None
    running = Running.over(Path(os.environ.get("HUBWELL_DATA", "hubwell-data")))
    if running is None:
        return configured
    return configured.with_endpoints(
        database_url=running.database_url,
        broker_url=running.broker_url,
        page=running.page,
        keys_dir=running.keys_dir,
    )
