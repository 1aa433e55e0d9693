"""`hubwell up` over a folder of its own, and commands that are typed in another one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.test_up import WITHIN, Up, is_healthy, until


def hubwell(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    usual = {name: value for name, value in os.environ.items() if not name.startswith("HUBWELL_")}
    return subprocess.run(
        [sys.executable, "-m", "hubwell", *arguments],
        cwd=folder,
        env=usual | environment,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Give a running hub without spaces, devices and people; its data is not where commands are typed."""
    (tmp_path / "far away").mkdir()
    up = Up(tmp_path / "far away" / "hub", "--port", "0", "--no-demo")
    page = up.page()
    until(lambda: is_healthy(page), up.said)
    yield up
    if up.process.poll() is None:
        up.interrupt()


@pytest.mark.slow
def test_command_in_another_folder_names_the_variable_and_doctor_is_content_with_an_empty_hub(
    up: Up, tmp_path: Path
) -> None:
    lost = hubwell(tmp_path, "space", "list")
    assert (lost.returncode, lost.stdout) == (1, "")
    assert "set HUBWELL_DATA to the folder" in lost.stderr
    assert "Traceback" not in lost.stderr

    found = hubwell(tmp_path, "space", "list", HUBWELL_DATA=str(up.data))
    assert found.returncode == 0, found.stderr
    health = hubwell(tmp_path, "doctor", "--json", HUBWELL_DATA=str(up.data))
    assert health.returncode == 0, health.stdout + health.stderr
    findings = json.loads(health.stdout)["findings"]
    assert len(findings) > 6
    assert [finding for finding in findings if finding["state"] != "ok"] == []
