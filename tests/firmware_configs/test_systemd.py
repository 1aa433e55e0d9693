"""The units for a Raspberry Pi and for a bare Debian server, judged by systemd itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from hubwell.cli import app as server
from hubwell_edge.cli import app as edge
from lanes.missing_part import missing

CONFIGS = Path(__file__).resolve().parents[2] / "firmware_configs"
UNITS = sorted(
    path
    for folder in ("raspberry-pi", "systemd")
    for path in (CONFIGS / folder).iterdir()
    if path.suffix in {".service", ".target"}
)
SERVICES = [path for path in UNITS if path.suffix == ".service"]
WORST_EXPOSURE = 25
"""Tenths of the points of `systemd-analyze security`: 2.5 of 10; a unit without hardening has 9.6."""


@pytest.fixture(scope="module")
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        missing("systemd-analyze", "install Debian's package systemd")
    return program


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as on a machine where the programs are in this environment."""
    folder = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        text = unit.read_text()
        (folder / unit.name).write_text(text.replace("/opt/hubwell/bin/", f"{Path(sys.executable).parent}/"))
    return folder


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_units_are_right(analyze: str, installed: Path) -> None:
    done = run(analyze, "verify", *(str(installed / unit.name) for unit in UNITS))
    mine = [line for line in done.stderr.splitlines() if "hubwell" in line]
    assert (done.returncode, mine) == (0, [])


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_unit_is_hardened(analyze: str, installed: Path, unit: Path) -> None:
    done = run(
        analyze,
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={WORST_EXPOSURE}",
        str(installed / unit.name),
    )
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


def test_agent_may_ask_whether_the_clock_is_set(analyze: str) -> None:
    """The filter of a unit would otherwise make every time "unsynced": adjtimex is no @system-service."""
    text = (CONFIGS / "raspberry-pi" / "hubwell-edge.service").read_text()
    allowed = set()
    for group in re.findall(r"^SystemCallFilter=(.+)$", text, re.MULTILINE):
        for name in group.split():
            listed = run(analyze, "syscall-filter", name).stdout if name.startswith("@") else name
            allowed |= {line.strip() for line in listed.splitlines()}
    assert {"adjtimex", "clock_adjtime"} <= allowed
    assert "ProtectClock=yes" not in text


def test_commands_of_the_units_exist() -> None:
    programs = {"hubwell": server, "hubwell-edge": edge}
    for unit in SERVICES:
        found = re.search(r"^ExecStart=/opt/hubwell/bin/(\S+) (\S+)", unit.read_text(), re.MULTILINE)
        assert found is not None, unit.name
        commands = getattr(typer.main.get_command(programs[found[1]]), "commands", {})
        assert found[2] in commands, unit.name
