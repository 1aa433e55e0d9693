"""docs/deployment.md: the files and commands that it names exist."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hubwell.cli import app as server
from hubwell.settings import Settings
from hubwell_edge.cli import app as edge

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = (PROJECT / "docs" / "deployment.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
CALL = re.compile(r"(?: api |/opt/hubwell/bin/|^)(hubwell(?:-edge)? [a-z]+(?: (?:add|push))?)", re.MULTILINE)
SET_BY_PROGRAMS = {"setup_hash", "ingest_shared", "demo_socket"}
"""Settings that `hubwell up` makes for its own processes."""
COMMANDS = sorted(set(CALL.findall(GUIDE)))


def test_files_exist() -> None:
    for name in set(re.findall(r"(?:firmware_configs|dashboards|requirements)/[\w./*@-]*[\w*]", GUIDE)):
        assert list(PROJECT.glob(name)), name


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str) -> None:
    program, *words = command.split()
    result = CliRunner().invoke(edge if program == "hubwell-edge" else server, [*words, "--help"])
    assert result.exit_code == 0, result.output


def test_options_exist() -> None:
    found = re.findall(r"hubwell (space add|device add) \S+ (.*)", "\n".join(BLOCKS))
    assert found
    for words, options in found:
        help_text = CliRunner().invoke(server, [*words.split(), "--help"], env={"NO_COLOR": "1"}).output
        for option in re.findall(r"--[a-z-]+", options):
            assert option in help_text


def test_few_commands_lead_from_an_empty_debian_to_a_tap_with_compose() -> None:
    section = re.search(r"^## With Docker Compose\n(.*?)^## ", GUIDE, re.DOTALL | re.MULTILINE)
    assert section is not None
    typed = [
        line for block in re.findall(r"```sh\n(.*?)```", section[1], re.DOTALL) for line in block.splitlines()
    ]
    assert [line.split()[0] for line in typed[:2]] == ["apt", "git"]
    # Besides: .env is edited, and keys are exported for the reader.
    assert len(typed) + 2 <= 12


def test_example_environment_is_read_by_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    file = PROJECT / "firmware_configs" / "systemd" / "hubwell.env.example"
    for name in [name for name in os.environ if name.startswith("HUBWELL_")]:
        monkeypatch.delenv(name)
    settings = Settings(_env_file=file)
    assert settings.database_url == "postgresql:///hubwell"
    assert settings.hub_name == "Learning hub"
    named = set(re.findall(r"^HUBWELL_(\w+)=", file.read_text(), re.MULTILINE))
    named -= {"COMMAND"}  # of the programs: how texts name the command line
    assert {name.lower() for name in named} == Settings.model_fields.keys() - SET_BY_PROGRAMS


def test_empty_settings_are_unset_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"HUBWELL_{name.upper()}", "")
    assert Settings() == Settings.model_construct()
