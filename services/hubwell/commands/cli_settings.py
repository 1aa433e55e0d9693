"""The settings as a command reads them: environment, the installation's file, a `hubwell up` here."""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from hubwell.doctor.typed_commands import DATA_VARIABLE

if TYPE_CHECKING:
    from hubwell.settings import Settings

FILE: Final = "HUBWELL_ENV_FILE"
_ESCAPED: Final = re.compile(r"\\(.)")
_LINE: Final = re.compile(r"^(HUBWELL_\w+)\s*=(.*)$")


def _data_folder() -> Path:
    return Path(os.environ.get(DATA_VARIABLE, "hubwell-data"))


def how_to_find_it() -> str:
    """Return how commands find a `hubwell up` over another folder; empty where they were given an address."""
    from hubwell.runtime.endpoints import Running

    folder = _data_folder().absolute()
    if "HUBWELL_DATABASE_URL" in os.environ or Running.over(folder) is not None:
        return ""
    return f"No `hubwell up` runs over {folder}: set {DATA_VARIABLE} to the folder that its --data names."


def settings() -> "Settings":
    """Read the settings, or end with one sentence for each wrong one.

    What the environment does not set is taken from the installation's file: the one that HUBWELL_ENV_FILE
    names, else `hubwell.env` in the virtual environment. Without such a file it is taken from a `hubwell up`
    that runs over the data folder (HUBWELL_DATA, else ./hubwell-data), for commands in another terminal.
    """
    from hubwell.runtime.endpoints import Running
    from hubwell.settings import Settings

    read_installation()
    check_settings()
    configured = Settings()
    running = Running.over(_data_folder())
    if running is None:
        return configured
    return configured.with_endpoints(
        database_url=running.database_url,
        broker_url=running.broker_url,
        page=running.page,
        keys_dir=running.keys_dir,
    )


def check_settings() -> None:
    """End with one sentence for each wrong setting, if there is one in the environment."""
    from hubwell.doctor.setting_checks import wrong_settings

    wrong = wrong_settings()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        raise typer.Exit(2)


def settings_file() -> Path | None:
    """Return the file with the settings of this installation; None where it has none."""
    if named := os.environ.get(FILE):
        return Path(named)
    installed = Path(sys.prefix, "hubwell.env")
    return installed if os.path.lexists(installed) else None


def environment_of(text: str) -> dict[str, str]:
    """Return the HUBWELL_ variables of a file, as systemd reads it (systemd.exec, EnvironmentFile).

    One assignment per line; a value may stand in quotes, and a `#` inside a value is part of it.
    """
    assignments = (match.groups() for line in text.splitlines() if (match := _LINE.match(line.strip())))
    return {name: _unquoted(value.strip()) for name, value in assignments}


def _unquoted(value: str) -> str:
    return "".join(shlex.split(value)) if value[:1] in {"'", '"'} else _ESCAPED.sub(r"\1", value)


def read_installation() -> None:
    """Put the installation's settings into the environment where it has none of that name.

    Ends with one sentence if the file cannot be read.
    """
    file = settings_file()
    if file is None:
        return
    try:
        environment = environment_of(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        print(
            f"The settings in {file} cannot be read ({reason}): run this command as root, for example "
            f"with sudo; {FILE} names another file.",
            file=sys.stderr,
        )
        raise typer.Exit(2) from None
    for name, value in environment.items():
        os.environ.setdefault(name, value)
