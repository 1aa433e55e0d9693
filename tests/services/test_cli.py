"""The commands as an operator types them."""

import json
import re
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
    unset = {"opens_at": None, "closes_at": None, "archived_at": None}
    assert space == told | unset | {"when_full": "warn", "personal": False}
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


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ZONE", "Europe/Helsingi", "did you mean 'Europe/Helsinki'?"),
        ("ZONE", "europe/helsinki", "did you mean 'Europe/Helsinki'?"),
        ("ZONE", "Riga", "did you mean 'Europe/Riga'?"),
        ("ZONE", "../../etc/passwd", "not a time zone"),
        ("ZONE", "Mars/Base 7", "write it like 'Europe/Helsinki'"),
        ("LANGUAGE", "fin", "en, it, fi, et, lv, nl: did you mean 'fi'?"),
        ("LANGUAGE", "Suomi", "did you mean 'fi'?"),
        ("LANGUAGE", "Dutch", "did you mean 'nl'?"),
        ("LANGUAGE", "et_EE.UTF-8", "did you mean 'et'?"),
        ("HTTP_PORT", "99999", "the nearest possible value is 65535"),
        ("HTTP_PORT", "-1", "the nearest possible value is 0"),
        ("HTTP_PORT", "80o0", "did you mean 800?"),
        ("INGEST_BATCH", "1e3", "did you mean 1000?"),
        ("INGEST_BATCH", "1,000", "did you mean 1000?"),
        ("INGEST_BATCH", "1e999", "did you mean 1999?"),
        ("HTTP_PORT", "many", "the default is 8000"),
        ("UNKNOWN_BADGES", "refuze", "did you mean 'refuse'?"),
        ("CLOSING_TIME", "25:00", "write it like 22:00"),
        ("SITE", "My Hub", "did you mean 'my-hub'?"),
        ("RETENTION", "visit:30d", "is not JSON"),
        ("DATABASE_URL", "postgres:/hub:s3cret@db/x", "write it like postgresql://"),
        ("DATABASE_URL", "mysql://hub:s3cret@db/x", "write it like postgresql://"),
        ("DATABASE_URL", "postgresql://[::1/s3cret", "write it like postgresql://"),
        ("DATABASE_URL", "host=db pasword=s3cret", "write it like postgresql://"),
        ("BROKER_URL", "mqtt//hub:s3cret@broker", "write it like mqtts://"),
        ("BROKER_URL", "mqtt://hub:s3cret@broker:99999", "write it like mqtts://"),
        ("BROKER_URL", "mqtt://[::1", "write it like mqtts://"),
        ("BROKER_URL", "broker:1883", "write it like mqtts://"),
        ("WEBHOOK_URL", "htps://receiver/s3cret", "write it like https://"),
    ],
)
def test_wrong_setting_is_one_sentence_with_the_nearest_right_value(
    hubwell: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"HUBWELL_{name}", value)
    for command in (("space", "list"), ("audit",), ("up",), ("api",), ("backup", "file")):
        text = refused(hubwell(*command))
        assert text.startswith(f"HUBWELL_{name}")
        assert sentence in text
        assert "s3cret" not in text
    told = json.loads(hubwell("doctor", "--json").stdout)
    (finding,) = told["findings"]
    assert (told["ok"], finding["part"], finding["state"]) == (False, "settings", "failed")
    assert sentence in finding["found"]


def test_doctor_names_a_setting_with_a_misspelt_name(hubwell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBWELL_ZOEN", "Europe/Riga")
    monkeypatch.setenv("HUBWELL_GRAFANA_DATABASE_PASSWORD", "x")
    findings = json.loads(hubwell("doctor", "--json").stdout)["findings"]
    assert [f["found"] for f in findings if f["part"] == "settings"] == [
        "HUBWELL_ZOEN is not a setting: did you mean HUBWELL_ZONE?"
    ]


@pytest.mark.parametrize("command", [("up", "--no-demo", "--port"), ("broker", "--server-port")])
@pytest.mark.parametrize(("port", "nearest"), [(99999, 65535), (-5, 1)])
def test_port_that_does_not_exist_is_one_sentence(
    hubwell: Run, command: tuple[str, ...], port: int, nearest: int
) -> None:
    result = hubwell(*command, port)
    assert result.exit_code in {1, 2}
    assert f"There is no port {port}: ports go up to 65535, so the nearest is {nearest}." in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("command", "values"),
    [
        (("audit", "--days"), (-1, 0, 999_999_999, 10**20)),
        (("rejected", "--most"), (-5, 0, 10**20)),
        (("audit-log", "show", "--most"), (-5, 0, 10**20)),
        ((*SPACE[:-1],), (-1, 0, 10**12, 10**20)),
        (("token", "add", "panel", "--role", "staff", "--days"), (-1, 10**20)),
    ],
)
def test_numbers_out_of_range_are_refused(
    hubwell: Run, command: tuple[str, ...], values: tuple[int, ...]
) -> None:
    for value in values:
        result = hubwell(*command, value)
        assert (result.exit_code, result.stdout) == (2, ""), value
        assert "Traceback" not in result.output
    assert json.loads(said(hubwell("space", "list", "--json")))["spaces"] == []


def test_up_runs_over_the_folder_that_the_other_commands_look_at(
    hubwell: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").touch()
    monkeypatch.setenv("HUBWELL_DATA", str(tmp_path / "elsewhere"))
    result = hubwell("up", "--port", 0)
    assert result.exit_code == 1
    assert f"{tmp_path}/elsewhere is a file, not a folder" in result.output
    assert not (tmp_path / "hubwell-data").exists()


def test_audit_of_a_device_that_does_not_exist_is_no_all_clear(hubwell: Run) -> None:
    result = hubwell("audit", "--device", "lab-pu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.search(r"'lab-pu': there is no such device; `.*hubwell device list` shows them", result.stderr)


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
