"""Ctrl-C while a program is still being loaded: it ends, and no traceback is printed."""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lanes.servers import until

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOADING = """
import time
from pathlib import Path

Path(__file__).with_name("loading").touch()
time.sleep(60)
"""
"""The library of the command line, which takes very long to load."""


def by_script(name: str) -> list[str]:
    """Return what the script does that an installation writes for a program."""
    module, _, function = PROJECT["scripts"][name].partition(":")
    return ["-c", f"import sys\nfrom {module} import {function}\nsys.exit({function}())"]


STARTS = {
    "hubwell": by_script("hubwell"),
    "hubwell-edge": by_script("hubwell-edge"),
    "python -m hubwell": ["-m", "hubwell"],
    "python -m hubwell_edge": ["-m", "hubwell_edge"],
}


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Let programs be interrupted also where the run itself is in the background and ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_program_that_is_still_loaded_ends_without_a_traceback(tmp_path: Path, start: list[str]) -> None:
    (tmp_path / "typer.py").write_text(LOADING)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    program = subprocess.Popen(
        [sys.executable, *start, "--help"],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert any((tmp_path / "loading").exists() for _ in until(30)), "the library is loaded"

    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=30)

    assert (out, err) == ("", "")
    assert program.returncode in {-signal.SIGINT, 128 + signal.SIGINT}
