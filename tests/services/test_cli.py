"""The commands as an operator types them."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from feed.ingest_setup import commit, device_in, rows
from hubwell.cli import app, main
from hubwell.storage.revisions import newest_revision
from lanes.database_lane import Database

NOW = datetime.now(UTC)
Run = Callable[..., Result]


@pytest.fixture
def hubwell(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("HUBWELL_DATABASE_URL", database.url)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def refused(result: Result) -> str:
    """Return the one sentence of a refusal."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


SPACE = ("space", "add", "lab", "--name", "Lab", "--kind", "workshop", "--capacity", 8)


def test_space_and_device_are_registered_and_listed(hubwell: Run) -> None:
    assert "lab is registered" in said(hubwell(*SPACE))
    assert "its waiting messages are stored" in said(hubwell("device", "add", "lab-pi", "--space", "lab"))
    (space,) = json.loads(said(hubwell("space", "list", "--json")))["spaces"]
    told = {"id": "lab", "name": "Lab", "kind": "workshop", "capacity": 8, "zone": ""}
    assert space == told | {"when_full": "warn", "closes_at": None, "personal": False}
    (device,) = json.loads(said(hubwell("device", "list", "--json")))["devices"]
    assert (device["id"], device["space_id"]) == ("lab-pi", "lab")
    assert "workshop" in said(hubwell("space", "list"))


def test_door_of_a_space_is_set_by_options(hubwell: Run) -> None:
    said(hubwell(*SPACE, "--when-full", "refuse", "--closes-at", "17:30", "--personal"))
    (space,) = json.loads(said(hubwell("space", "list", "--json")))["spaces"]
    assert (space["when_full"], space["closes_at"], space["personal"]) == ("refuse", "17:30:00", True)
    assert "warn or refuse" in refused(hubwell(*SPACE, "--when-full", "never"))
    assert "HH:MM" in refused(hubwell(*SPACE, "--closes-at", "25:00"))


def test_refusal_is_one_sentence(hubwell: Run) -> None:
    assert "workshop, collaboration, relaxation" in refused(hubwell(*SPACE[:-3], "sauna", *SPACE[-2:]))
    assert "There is no such space." in refused(hubwell("device", "add", "pi", "--space", "nowhere"))


def test_wrong_setting_is_named(hubwell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBWELL_HTTP_PORT", "many")
    assert "HUBWELL_HTTP_PORT='many'" in refused(hubwell("space", "list"))


def test_audit_tells_by_its_exit_code(hubwell: Run, database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.telemetry(NOW, {"co2": 1.0})])
    assert "Nothing is missing." in said(hubwell("audit"))
    pi.skip()
    commit(database.url, [pi.telemetry(NOW, {"temp": 1.0})])
    assert hubwell("audit").exit_code == 1
    found = hubwell("audit", "--json", "--device", "lab-pi")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["missing"] == 1


def test_rejected_messages_are_shown(hubwell: Run, database: Database) -> None:
    commit(database.url, [device_in(database.url, "lab").raw(b"{")])
    (found,) = json.loads(said(hubwell("rejected", "--json")))["rejected messages"]
    assert found["code"] == "json"


def test_migrate_says_the_revision(hubwell: Run) -> None:
    assert f"revision {newest_revision()}" in said(hubwell("migrate"))


def test_backup_and_restore(
    hubwell: Run,
    database: Database,
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    device_in(database.url, "lab")
    assert "verified" in said(hubwell("backup", tmp_path / "hub"))
    monkeypatch.setenv("HUBWELL_DATABASE_URL", empty_database.url)
    assert "agree" in said(hubwell("restore", tmp_path / "hub"))
    assert rows(empty_database.url, "SELECT id FROM device") == [("lab-pi",)]
    again = hubwell("restore", tmp_path / "hub")
    assert again.exit_code == 1
    assert "not empty" in again.stderr


def test_help_loads_nothing_heavy() -> None:
    """So that it answers at once."""
    heavy = "('psycopg', 'pydantic', 'fastapi', 'procrastinate', 'apscheduler')"
    code = f"import sys, hubwell.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit",),
        ("rejected",),
        ("space", "list"),
        ("device", "list"),
        SPACE,
        ("migrate",),
        ("backup", "file"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_database_that_is_away_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUBWELL_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    monkeypatch.setattr(sys, "argv", ["hubwell", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "connection failed" in told.err
    assert told.err.count("\n") <= 2
