"""The commands about people, readers and keys, through the command line that operators use."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from nacl.signing import VerifyKey
from typer.testing import CliRunner, Result

from hubwell.cli import app
from hubwell.keys import Keys
from lanes.database_lane import Database

Run = Callable[..., Result]


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Give the hub's secrets; none yet."""
    return Keys(tmp_path / "keys")


@pytest.fixture
def run(database: Database, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs `hubwell ...` over the database."""
    monkeypatch.chdir(tmp_path)  # no `hubwell up` runs over a folder here
    environment = {"HUBWELL_DATABASE_URL": database.url, "HUBWELL_KEYS_DIR": str(keys.folder)}

    def run(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, words, env=environment, input=typed)

    return run


def enrolled(database: Database, *epochs: int, kind: str = "enrolled") -> tuple[UUID, int]:
    """Enrol a badge with a pseudonym in each of these epochs."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        name = "Ada Lovelace" if kind == "enrolled" else ""
        person = _value(conn, "INSERT INTO person (kind, name) VALUES (%s, %s) RETURNING id", kind, name)
        badge = _value(
            conn,
            "INSERT INTO credential (person_id, kind, valid) "
            "VALUES (%s, 'badge', tstzrange(now(), NULL)) RETURNING id",
            person,
        )
        for epoch in epochs:
            conn.execute(
                "INSERT INTO credential_pseudonym VALUES (%s, %s, %s)", (uuid4().bytes, badge, epoch)
            )
    return person, badge


def _value(conn: psycopg.Connection[Any], query: Any, *values: object) -> Any:
    row = conn.execute(query, values).fetchone()
    assert row is not None
    return row[0]


def rows(database: Database, query: Any) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    with psycopg.connect(database.url) as conn:
        return conn.execute(query).fetchall()


def test_first_rotation_makes_the_second_epoch_and_lists_who_depends_on_the_first(
    run: Run, database: Database, keys: Keys
) -> None:
    enrolled(database, 1)
    enrolled(database, 1, 2)
    enrolled(database, 1, kind="counted")

    said = run("keys", "rotate")

    assert said.exit_code == 0, said.output
    assert "Epoch 2 begins" in said.output
    assert [key.epoch for key in keys.epochs()] == [2, 1]
    listed = json.loads(run("keys", "list", "--json").stdout)["epochs"]
    assert listed == [
        {"epoch": 2, "key": "in use", "badges": 1, "not_tapped_since": 0},
        {"epoch": 1, "key": "kept", "badges": 2, "not_tapped_since": 1},
    ]


def test_destroyed_epoch_is_gone_with_what_only_it_recognised(
    run: Run, database: Database, keys: Keys
) -> None:
    lost, _ = enrolled(database, 1)
    linked, _ = enrolled(database, 1, 2)
    counted, _ = enrolled(database, 1, kind="counted")
    run("keys", "rotate")

    asked = run("keys", "destroy", "1", typed="1\n")

    assert asked.exit_code == 0, asked.output
    assert "1 badges in use were not tapped" in asked.output
    assert "3 pseudonyms deleted, 0 left" in asked.output
    assert [key.epoch for key in keys.epochs()] == [2]
    assert rows(database, "SELECT DISTINCT epoch FROM credential_pseudonym") == [(2,)]
    assert rows(database, "SELECT person_id FROM credential") == [(linked,)]
    assert {row[0] for row in rows(database, "SELECT id FROM person")} == {lost, linked, counted}
    assert rows(database, "SELECT class, why, rows, left_over FROM deletion") == [
        ("credential", "epoch-destroyed", 3, 0)
    ]
    actions = rows(database, "SELECT actor, action, subject FROM audit_entry ORDER BY id")
    assert actions == [("cli", "keys.rotated", "epoch:2"), ("cli", "keys.destroyed", "epoch:1")]


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("keys", "destroy", "1"), "2\n", "the numbers differ"),
        (("keys", "destroy", "2"), None, "Epoch 2 is in use"),
        (("keys", "destroy", "7"), None, "There is no key of epoch 7"),
        (("person", "revoke", "99"), None, "There is no such badge"),
        (("person", "badges", str(UUID(int=0))), None, "There is no such person"),
        (("person", "note", "99", "lanyard"), None, "There is no such badge"),
        (("reader", "add", "nowhere", "desk", "--purpose", "desk"), None, "There is no such device"),
    ],
)
def test_what_cannot_be_says_why_and_changes_nothing(
    run: Run, database: Database, words: tuple[str, ...], typed: str | None, said: str
) -> None:
    run("keys", "rotate")
    enrolled(database, 1)

    answer = run(*words, typed=typed)

    assert answer.exit_code == 2
    assert said in answer.output
    assert rows(database, "SELECT epoch FROM credential_pseudonym") == [(1,)]


def test_key_that_cannot_be_destroyed_leaves_the_rows(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "rotate")
    enrolled(database, 1)

    def fail(_: Keys, epoch: int) -> None:
        raise OSError(30, f"Read-only file system, epoch {epoch}")

    monkeypatch.setattr(Keys, "destroy_epoch", fail)
    answer = run("keys", "destroy", "1", "--confirm", "1")

    assert answer.exit_code != 0
    assert rows(database, "SELECT epoch FROM credential_pseudonym") == [(1,)]
    assert rows(database, "SELECT count(*) FROM deletion") == [(0,)]


def test_export_is_for_its_owner_only_and_holds_what_a_device_needs(
    run: Run, keys: Keys, tmp_path: Path
) -> None:
    run("keys", "rotate")
    folder = tmp_path / "for-the-door"

    said = run("keys", "export", str(folder))

    assert said.exit_code == 0, said.output
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-1.key", "epoch-2.key", "roster.pub"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Keys(folder).epochs() == keys.epochs()
    public = run("keys", "roster-public").stdout.strip()
    assert (folder / "roster.pub").read_text().strip() == public
    signed = keys.roster_key().sign(b"a list")
    assert VerifyKey(bytes.fromhex(public)).verify(signed) == b"a list"


def test_card_key_is_read_from_standard_input_and_never_printed(run: Run, keys: Keys) -> None:
    digits = "00112233445566778899AABBCCDDEEFF"

    said = run("keys", "sun", typed=digits + "\n")

    assert said.exit_code == 0, said.output
    assert keys.sun_key() == bytes.fromhex(digits)
    assert digits not in said.output
    assert run("keys", "sun", typed="short\n").exit_code == 2


def test_reader_gets_a_purpose(run: Run, database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute("INSERT INTO device (id) VALUES ('desk-1')")

    assert run("reader", "add", "desk-1", "desk", "--purpose", "kiosk").exit_code == 0
    assert run("reader", "add", "desk-1", "desk", "--purpose", "desk").exit_code == 0
    bad = run("reader", "add", "desk-1", "desk", "--purpose", "sofa")

    assert (bad.exit_code, "a space, the desk or a kiosk" in bad.output) == (2, True)
    assert json.loads(run("reader", "list", "--json").stdout) == {
        "readers": [{"device": "desk-1", "reader": "desk", "purpose": "desk"}]
    }


def test_people_are_found_and_a_badge_is_revoked(run: Run, database: Database) -> None:
    person, badge = enrolled(database, 1)

    found = json.loads(run("person", "find", "love", "--json").stdout)["people"]
    assert run("person", "note", str(badge), "grey  lanyard").exit_code == 0
    assert run("person", "note", str(badge), "x" * 61).exit_code == 2
    said = run("person", "revoke", str(badge), "--why", "lost")
    badges = json.loads(run("person", "badges", str(person), "--json").stdout)["badges"]

    assert [one["id"] for one in found] == [str(person)]
    assert said.exit_code == 0, said.output
    assert (badges[0]["revoked"], badges[0]["label"]) == ("lost", "grey lanyard")
    assert run("person", "revoke", str(badge), "--why", "stolen").exit_code == 2
    assert [row[0] for row in rows(database, "SELECT action FROM audit_entry ORDER BY id")] == [
        "person.searched",
        "badge.note-changed",
        "badge.revoked",
    ]
