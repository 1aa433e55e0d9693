"""The settings of an installation: read by whoever types a command, wherever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hubwell.commands.cli_settings import environment_of
from lanes.database_lane import Database

FILE = """\
# a comment, and what systemd.exec allows
HUBWELL_HUB_NAME=Learning hub #1
HUBWELL_LANGUAGE=
; HUBWELL_SITE=no
 HUBWELL_SITE = hub
HUBWELL_OIDC_NAME=a\\ b
HUBWELL_PRIVACY_CONTACT='Ada "the" first'
HUBWELL_PRIVACY_BASIS="Law \\"9\\" $HOME"
HUBWELL_RETENTION={"visit": "30d"}
OTHER=1
"""


def hubwell(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBWELL_")}
    return subprocess.run(
        [sys.executable, "-m", "hubwell", *words],
        env=inherited | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_file_is_read_as_systemd_reads_it() -> None:
    assert environment_of(FILE) == {
        "HUBWELL_HUB_NAME": "Learning hub #1",
        "HUBWELL_LANGUAGE": "",
        "HUBWELL_SITE": "hub",
        "HUBWELL_OIDC_NAME": "a b",
        "HUBWELL_PRIVACY_CONTACT": 'Ada "the" first',
        "HUBWELL_PRIVACY_BASIS": 'Law "9" $HOME',
        "HUBWELL_RETENTION": '{"visit": "30d"}',
    }


def test_command_uses_the_keys_of_the_installation_in_any_folder(tmp_path: Path) -> None:
    keys = tmp_path / "keys of the hub"
    file = tmp_path / "hubwell.env"
    file.write_text(f"HUBWELL_KEYS_DIR={keys}\nHUBWELL_PUBLIC_URL=\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    first = hubwell("keys", "roster-public", folder=tmp_path, HUBWELL_ENV_FILE=str(file))
    second = hubwell("keys", "roster-public", folder=elsewhere, HUBWELL_ENV_FILE=str(file))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert (keys / "roster.key").exists()
    assert list(elsewhere.iterdir()) == []


def test_environment_is_above_the_file(tmp_path: Path, database: Database) -> None:
    file = tmp_path / "hubwell.env"
    file.write_text("HUBWELL_DATABASE_URL=postgresql://127.0.0.1:1/none\n")
    done = hubwell(
        "space", "list", folder=tmp_path, HUBWELL_ENV_FILE=str(file), HUBWELL_DATABASE_URL=database.url
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_settings_that_cannot_be_read_end_the_command_with_a_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "hubwell.env"
    if content is not None:
        file.write_bytes(content)
    done = hubwell("space", "list", folder=tmp_path, HUBWELL_ENV_FILE=str(file))
    assert done.returncode == 2
    assert done.stderr.startswith(f"The settings in {file} cannot be read (")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", [("keys", "roster-public"), ("keys", "export", "for-a-device"), ("keys", "rotate")]
)
def test_no_second_set_of_keys_is_made_in_the_current_folder(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = hubwell(*words, folder=tmp_path)
    assert done.returncode == 2
    assert "would make a second set of keys" in done.stderr
    assert "HUBWELL_KEYS_DIR" in done.stderr
    assert list(tmp_path.iterdir()) == []
