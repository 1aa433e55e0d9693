import json
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from feed.ingest_setup import device_in, reading, rows
from hubwell.cli import app
from hubwell.errors import DomainError
from hubwell.spaces import demo
from hubwell.spaces.register import put_device, put_space
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database

Put = Callable[[psycopg.Connection[Any]], None]


def space(**changes: Any) -> Put:
    values = {"space_id": "lab", "name": "Lab", "kind": "workshop", "capacity": 8, **changes}
    return lambda conn: put_space(conn, **values)


WRONG: list[tuple[Put, str]] = [
    (space(space_id="Lab 1"), "lower-case letters"),
    (space(space_id=""), "lower-case letters"),
    (space(name=""), "Give the space a name"),
    (space(kind="sauna"), "workshop, collaboration, relaxation"),
    (space(capacity=0), "at least 1"),
    (space(when_full="sometimes"), "warn or refuse"),
    (space(closes_at="half past five"), "17:30"),
    (lambda conn: put_device(conn, device_id="Pi!", space_id=None), "lower-case letters"),
    (lambda conn: put_device(conn, device_id="pi", space_id="nowhere"), "no such space"),
]


@pytest.mark.parametrize(("put", "words"), WRONG)
def test_refusal_says_the_rule(database: Database, put: Put, words: str) -> None:
    with connect_sync(database.url, name="test") as conn:
        with pytest.raises(DomainError, match=words):
            put(conn)
        assert conn.execute("SELECT count(*) FROM space").fetchone() == (0,)  # and the connection still works


def test_space_is_added_and_changed(database: Database) -> None:
    with connect_sync(database.url, name="test") as conn:
        space(zone="north")(conn)
        space(name="Workshop", capacity=12)(conn)
    assert rows(database.url, "SELECT name, capacity, zone FROM space") == [("Workshop", 12, "")]


def test_door_of_a_space_is_set_and_stays_until_it_is_set_anew(database: Database) -> None:
    doors = []
    with connect_sync(database.url, name="test") as conn:
        for changes in (
            {},
            {"when_full": "refuse", "closes_at": "17:30", "personal": True},
            {"name": "Workshop"},
            {"when_full": "warn", "closes_at": "hub", "personal": False},
        ):
            space(**changes)(conn)
            doors.append(conn.execute("SELECT when_full, closes_at, personal FROM space").fetchone())
    assert doors == [
        ("warn", None, False),
        ("refuse", time(17, 30), True),
        ("refuse", time(17, 30), True),
        ("warn", None, False),
    ]


def test_device_is_moved_and_keeps_its_name(database: Database) -> None:
    device_in(database.url, "lab", "pi")
    with connect_sync(database.url, name="test") as conn:
        put_device(conn, device_id="pi", space_id="lab", name="At the door")
    device_in(database.url, "den", "pi")
    assert rows(database.url, "SELECT space_id, name FROM device") == [("den", "At the door")]


def test_demonstration_hub_has_eight_spaces_of_three_kinds(database: Database) -> None:
    with reading(database.url) as conn:
        assert demo.seed(conn) >= 8
        before = conn.execute("SELECT count(*) FROM device").fetchone()
        demo.seed(conn)
        assert conn.execute("SELECT count(*) FROM device").fetchone() == before
    assert len(rows(database.url, "SELECT DISTINCT kind FROM space")) == 3


def test_lists_are_printed_for_people_and_machines(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device_in(database.url, "lab", "pi")
    monkeypatch.chdir(tmp_path)  # no `hubwell up` runs over a folder here

    def run(*words: str) -> str:
        return CliRunner().invoke(app, words, env={"HUBWELL_DATABASE_URL": database.url}).output

    assert "Lab" in run("space", "list")
    (device,) = json.loads(run("device", "list", "--json"))["devices"]
    assert (device["id"], device["space_id"], device["last_heard"]) == ("pi", "lab", None)
