"""The register of spaces and devices, through the commands."""

import json
from datetime import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner, Result

from feed.ingest_setup import device_in, reading, rows
from hubwell.cli import app
from hubwell.spaces import demo
from hubwell.storage.notify import Channel
from lanes.database_lane import Database


def hubwell(database: Database, *words: str) -> Result:
    """Run the command over a hub's database."""
    return CliRunner().invoke(app, words, env={"HUBWELL_DATABASE_URL": database.url})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no `hubwell up` runs over a folder here


RIGHT = {"--name": "Lab", "--kind": "workshop", "--capacity": "8"}


def add(database: Database, space_id: str = "lab", **changes: str) -> Result:
    """Add a space or change it; `changes` are options without their dashes."""
    options = RIGHT | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return hubwell(
        database, "space", "add", space_id, *(word for option in options.items() for word in option)
    )


WRONG: list[tuple[dict[str, str], str]] = [
    ({"space_id": "Lab 1"}, "id: An id has only lower-case letters"),
    ({"space_id": "lab\n"}, "id: An id has only lower-case letters"),
    ({"space_id": ""}, "id: An id has only lower-case letters"),
    ({"name": " "}, "name: Give the space a name"),
    ({"kind": "sauna"}, "kind: The kind of a space is one of: workshop, collaboration, relaxation"),
    ({"capacity": "0"}, "capacity: The capacity is a number of people, at least 1"),
    ({"when_full": "sometimes"}, "when_full: The door of a full space can warn or refuse"),
    ({"closes_at": "half past five"}, "closes_at: Write a closing time as HH:MM, for example 17:30"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_refusal_says_the_rule(database: Database, changes: dict[str, str], words: str) -> None:
    done = add(database, **changes)
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert line.startswith(words)
    assert rows(database.url, "SELECT id FROM space") == []


def test_all_mistakes_of_a_command_are_named_at_once(database: Database) -> None:
    wrong = {key: value for changes, _ in WRONG for key, value in changes.items()}
    done = add(database, **wrong)
    assert done.exit_code == 2
    fields = [line.split(":")[0] for line in done.output.splitlines()]
    assert fields == ["id", "name", "kind", "capacity", "when_full", "closes_at"]

    done = hubwell(database, "device", "add", "Pi!", "--space", "nowhere")
    assert done.exit_code == 2
    assert [line.split(":")[0] for line in done.output.splitlines()] == ["id", "space"]
    assert "no such space" in done.output
    assert rows(database.url, "SELECT id FROM space UNION ALL SELECT id FROM device") == []


def test_who_listens_hears_of_a_change_once_and_of_no_refused_one(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        for channel in (Channel.ALLOWLISTS, Channel.SPACES):
            row = conn.execute("SELECT channel_name(%s)", [channel]).fetchone()
            assert row is not None
            conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(row[0])))
        for space_id in ("lab", "den"):
            assert add(database, space_id, name=space_id).exit_code == 0
        assert len(heard(conn)) == 4
        assert hubwell(database, "device", "add", "pi", "--space", "lab").exit_code == 0
        assert heard(conn) == ["", '{"spaces": ["lab"]}']
        assert hubwell(database, "device", "add", "pi", "--space", "den").exit_code == 0
        assert heard(conn) == ["", '{"spaces": ["den", "lab"]}']
        assert add(database, kind="sauna").exit_code == 2
        assert hubwell(database, "device", "add", "pi", "--space", "nowhere").exit_code == 2
        assert heard(conn) == []


def heard(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the payloads of the notifications that have arrived, which a commit before sent."""
    conn.execute("SELECT")
    return sorted(notification.payload for notification in conn.notifies(timeout=0))


def test_space_is_added_and_changed(database: Database) -> None:
    add(database, zone="north")
    add(database, name="Workshop", capacity="12")
    assert rows(database.url, "SELECT name, capacity, zone FROM space") == [("Workshop", 12, "")]


def test_door_of_a_space_is_set_and_stays_until_it_is_set_anew(database: Database) -> None:
    doors = []
    for words in (
        [],
        ["--when-full", "refuse", "--closes-at", "17:30", "--personal"],
        ["--name", "Workshop"],
        ["--when-full", "warn", "--closes-at", "hub", "--shared"],
    ):
        usual = [word for option in RIGHT.items() for word in option]
        assert hubwell(database, "space", "add", "lab", *usual, *words).exit_code == 0
        doors += rows(database.url, "SELECT when_full, closes_at, personal FROM space")
    assert doors == [
        ("warn", None, False),
        ("refuse", time(17, 30), True),
        ("refuse", time(17, 30), True),
        ("warn", None, False),
    ]


def test_device_is_moved_and_keeps_its_name(database: Database) -> None:
    device_in(database.url, "lab", "pi")
    hubwell(database, "device", "add", "pi", "--space", "lab", "--name", "At the door")
    device_in(database.url, "den", "pi")
    assert rows(database.url, "SELECT space_id, name FROM device") == [("den", "At the door")]


def test_demonstration_hub_has_eight_spaces_of_three_kinds(database: Database) -> None:
    with reading(database.url) as conn:
        assert len(demo.seed(conn)) >= 8
        before = conn.execute("SELECT count(*) FROM device").fetchone()
        demo.seed(conn)
        assert conn.execute("SELECT count(*) FROM device").fetchone() == before
    assert len(rows(database.url, "SELECT DISTINCT kind FROM space")) == 3


def test_lists_are_printed_for_people_and_machines(database: Database) -> None:
    device_in(database.url, "lab", "pi")
    assert "Lab" in hubwell(database, "space", "list").output
    (device,) = json.loads(hubwell(database, "device", "list", "--json").output)["devices"]
    assert (device["id"], device["space_id"], device["last_heard"]) == ("pi", "lab", None)
