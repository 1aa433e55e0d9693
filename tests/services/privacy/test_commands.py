"""The commands about people's data, as an operator types them."""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from feed.ingest_setup import device_in, rows
from hubwell.cli import app
from lanes.database_lane import Database

Run = Callable[..., Result]


@pytest.fixture
def hubwell(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("HUBWELL_DATABASE_URL", database.url)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def person(database: Database) -> str:
    with psycopg.connect(database.url, autocommit=True) as conn:
        row = conn.execute(
            "INSERT INTO person (kind, name) VALUES ('enrolled', 'Wilma') RETURNING id"
        ).fetchone()
    assert row is not None
    return str(row[0])


def change(database: Database, query: str) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute(query.encode())


def test_audit_log_is_verified_and_a_change_ends_with_1(
    hubwell: Run, database: Database, person: str
) -> None:
    assert hubwell("privacy", "erase", person).exit_code == 0
    whole = hubwell("audit-log", "verify")
    assert (whole.exit_code, whole.output.startswith("The audit log is intact: 1 entries")) == (0, True)
    noted = hubwell("audit-log", "head").output.strip()
    assert "holds the noted one" in hubwell("audit-log", "verify", "--head", noted).output
    assert "person.erased" in hubwell("audit-log", "show").output

    change(database, "UPDATE audit_entry SET actor = 'worker'")
    broken = hubwell("audit-log", "verify")
    assert broken.exit_code == 1
    assert broken.output == (
        "The audit log is broken at entry 1: its content was changed after it was written.\n"
    )
    change(database, "DELETE FROM audit_entry")
    assert hubwell("audit-log", "verify").exit_code == 0
    cut = hubwell("audit-log", "verify", "--head", noted)
    assert (cut.exit_code, "noted up to entry 1" in cut.output) == (1, True)


def test_head_that_is_none_is_refused(hubwell: Run) -> None:
    result = hubwell("audit-log", "verify", "--head", "17")
    assert result.exit_code == 2
    assert "a head is written as NUMBER:HASH" in result.stderr


def test_person_is_erased_once(hubwell: Run, database: Database, person: str) -> None:
    assert (
        "Erased. Proof 1: 1 rows deleted, 0 left over."
        in hubwell("privacy", "erase", f"person:{person}").output
    )
    assert rows(database.url, "SELECT FROM person") == []
    again = hubwell("privacy", "erase", person)
    assert (again.exit_code, "There is no such person" in again.stderr) == (2, True)
    assert hubwell("privacy", "erase", "nobody").exit_code == 2


def test_retention_runs_and_shows_its_proof(hubwell: Run, database: Database, person: str) -> None:
    device_in(database.url, "lab")
    change(
        database,
        "INSERT INTO visit (person_id, space_id, during, ended_by) SELECT id, 'lab', "
        "tstzrange(now() - interval '200 days', now() - interval '199 days'), 'tap' FROM person",
    )
    done = {
        item["data"]: item for item in json.loads(hubwell("retention", "run", "--json").output)["classes"]
    }
    assert (done["visit"]["rows"], done["visit"]["left_over"]) == (1, 0)
    shown = {
        item["class"]: item for item in json.loads(hubwell("retention", "show", "--json").output)["classes"]
    }
    assert (shown["visit"]["stays"], shown["visit"]["deleted"], shown["visit"]["left_over"]) == ("90d", 1, 0)
    assert (shown["reading"]["stays"], shown["reading"]["last_proof"]) == ("until told", "")
    assert person


@pytest.mark.parametrize("command", [("retention", "show"), ("retention", "run"), ("api",), ("worker",)])
def test_retention_that_makes_no_sense_is_refused_at_once(
    hubwell: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HUBWELL_RETENTION", '{"visit": "10 years"}')
    result = hubwell(*command)
    assert result.exit_code == 2
    assert result.stderr == "HUBWELL_RETENTION: 10 years is not a duration. Write 90d, 12h or 5min.\n"


@pytest.mark.parametrize("name", ["dpia", "record"])
def test_documents_are_written(hubwell: Run, tmp_path: Path, name: str) -> None:
    printed = hubwell("privacy", name)
    assert printed.exit_code == 0
    assert "[FILL IN:" in printed.output
    assert json.loads(hubwell("privacy", name, "--json").output)["sections"]
    assert "fill in what is marked" in hubwell("privacy", name, tmp_path / "out.md").output
    assert (tmp_path / "out.md").read_text().startswith("# ")
