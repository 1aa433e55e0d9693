"""How commands are typed in this installation: what pages and messages print works as it is printed."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

DATA_VARIABLE: Final = "HUBWELL_DATA"
"""Names the data folder of the `hubwell up` that commands find."""
PROGRAM_VARIABLE: Final = "HUBWELL_COMMAND"
"""How `hubwell` is typed, where it cannot be found out: ``docker compose exec api hubwell``."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_IN_TEXT: Final = re.compile(r"`hubwell (?=[a-z-])")


def as_typed(command: str) -> str:
    """Return a command of `hubwell` as it is typed here, with the data folder of this process."""
    return f"{_program()} {command}"


def as_shown(command: str, host: str) -> str:
    """Return a command as a page on this host shows it; folders are for readers on this machine only."""
    here = host in _LOOPBACK or PROGRAM_VARIABLE in os.environ
    return as_typed(command) if here else f"hubwell {command}"


def in_text(text: str) -> str:
    """Replace commands in a text, which begin with a backtick and ``hubwell``, by what is typed here."""
    return _IN_TEXT.sub(lambda _: f"`{_program()} ", text)


def _program() -> str:
    folder = os.environ.get(DATA_VARIABLE, "")
    data = f"{DATA_VARIABLE}={shlex.quote(str(Path(folder).absolute()))} " if folder else ""
    return os.environ.get(PROGRAM_VARIABLE) or data + _installed()


def _installed() -> str:
    """Return `hubwell` where the shell finds this installation's, else its path."""
    beside = Path(sys.executable).with_name("hubwell")
    if not beside.exists():
        return f"{shlex.quote(sys.executable)} -m hubwell"
    program = shutil.which("hubwell")
    return "hubwell" if program and Path(program).samefile(beside) else shlex.quote(str(beside))
