"""Commands that are printed work as they are printed, in this installation."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hubwell.commands.cli_settings import how_to_find_it
from hubwell.doctor.typed_commands import as_shown, as_typed, in_text


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUBWELL_DATA", "HUBWELL_COMMAND", "HUBWELL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def installed(folder: Path, name: str = "hubwell") -> Path:
    program = folder / "bin" / name
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "ran $* over $HUBWELL_DATA"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("folder", ["plain", "with spaces"])
def test_printed_command_runs_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    program = installed(tmp_path / folder)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setenv("HUBWELL_DATA", str(tmp_path / "my data"))

    printed = as_typed("space add lab --name 'The lab'")

    done = subprocess.run(
        ["/bin/sh", "-c", printed], cwd="/", env={}, capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout == f"ran space add lab --name The lab over {tmp_path / 'my data'}\n"


def test_program_on_the_path_is_printed_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = installed(tmp_path)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    assert as_typed("doctor") == f"{program} doctor"
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert as_typed("doctor") == "hubwell doctor"
    monkeypatch.setenv("HUBWELL_COMMAND", "docker compose exec api hubwell")
    assert in_text("Run `hubwell migrate`, then `hubwell-edge doctor`.") == (
        "Run `docker compose exec api hubwell migrate`, then `hubwell-edge doctor`."
    )


def test_without_a_script_the_module_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert shlex.split(as_typed("doctor")) == [str(tmp_path / "python"), "-m", "hubwell", "doctor"]


def test_command_that_finds_no_hub_names_the_variable_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = how_to_find_it()
    assert f"{tmp_path / 'hubwell-data'}:" in text
    assert "set HUBWELL_DATA to the folder" in text
    monkeypatch.setenv("HUBWELL_DATA", "elsewhere")
    assert str(tmp_path / "elsewhere") in how_to_find_it()
    monkeypatch.setenv("HUBWELL_DATABASE_URL", "postgresql://elsewhere/hub")
    assert how_to_find_it() == ""


def test_pages_for_other_machines_show_no_folder_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBWELL_DATA", str(tmp_path))
    assert str(tmp_path) in as_shown("doctor", "127.0.0.1")
    assert as_shown("doctor", "0.0.0.0") == "hubwell doctor"  # noqa: S104 - nothing is bound
    monkeypatch.setenv("HUBWELL_COMMAND", "docker-compose exec api hubwell")
    assert as_shown("doctor", "0.0.0.0") == "docker-compose exec api hubwell doctor"  # noqa: S104
