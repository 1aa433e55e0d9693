"""What staff do at the desk, at the command line: the same use cases, audited as the operator's."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner, Result

from feed.ingest_setup import one, rows
from hubwell.cli import app
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database

Run = Callable[..., Result]


@pytest.fixture
def url(database: Database) -> str:
    with connect_sync(database.url, name="test") as conn:
        conn.execute("INSERT INTO space (id, name, kind, capacity) VALUES ('wood', 'Wood', 'workshop', 9)")
        conn.execute("INSERT INTO device (id) VALUES ('desk-1')")
    return database.url


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs `hubwell ...` over the database."""
    monkeypatch.chdir(tmp_path)  # no `hubwell up` runs over a folder here
    environment = {"HUBWELL_DATABASE_URL": url, "HUBWELL_KEYS_DIR": str(tmp_path / "keys")}
    return lambda *words: CliRunner().invoke(app, words, env=environment)


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    return result.output


def desk_tap(url: str) -> str:
    """Hold a new badge to the desk's reader; return the tap's number."""
    query = (
        "INSERT INTO desk_tap (device_id, reader, badge, epoch, kind, tapped_at) "
        "VALUES ('desk-1', 'desk', %s, 1, 'badge', %s) RETURNING id"
    )
    return str(one(url, query, uuid4().bytes, datetime.now(UTC)))


def actions(url: str) -> list[tuple[Any, ...]]:
    return rows(url, "SELECT actor, action FROM audit_entry ORDER BY id")


def person(url: str, name: str) -> str:
    return str(one(url, "SELECT id FROM person WHERE name = %s", name))


def test_all_badges_but_the_one_in_the_hand_are_revoked(run: Run, url: str) -> None:
    ok(run("person", "enrol", desk_tap(url), "--name", "Ada", "--label", "key ring"))
    ok(run("person", "enrol", desk_tap(url), "--person", person(url, "Ada"), "--label", "lanyard"))
    lost, kept = (row[0] for row in rows(url, "SELECT id FROM credential ORDER BY id"))
    tap = one(
        url,
        "INSERT INTO desk_tap (device_id, reader, badge, epoch, kind, tapped_at) "
        "SELECT 'desk-1', 'desk', badge, 1, 'badge', now() FROM credential_pseudonym "
        "WHERE credential_id = %s RETURNING id",
        kept,
    )
    (shown,) = json.loads(run("person", "taps", "--json").stdout)["taps"]
    assert (shown["badge"], shown["label"]) == (kept, "lanyard")

    printed = ok(run("person", "revoke-others", str(tap)))

    assert printed == f"Badge {kept} stays. Revoked: {lost}."
    assert rows(url, "SELECT id FROM credential WHERE upper_inf(valid)") == [(kept,)]
    assert "no other badge or code" in refused(run("person", "revoke-others", str(tap)))


def test_badge_is_enrolled_revoked_and_restored(run: Run, url: str) -> None:
    tap = desk_tap(url)
    assert json.loads(run("person", "taps", "--json").stdout)["taps"][0]["tap"] == int(tap)

    ok(run("person", "enrol", tap, "--name", "Ada", "--label", "blue"))

    (badge,) = json.loads(run("person", "badges", person(url, "Ada"), "--json").stdout)["badges"]
    assert (badge["label"], badge["revoked"]) == ("blue", None)
    ok(run("person", "revoke", str(badge["badge"])))
    ok(run("person", "restore", str(badge["badge"])))
    ok(run("person", "undo-enrolment", str(badge["badge"])))
    assert one(url, "SELECT count(*) FROM person") == 0
    assert actions(url) == [
        ("cli", "badge.enrolled"),
        ("cli", "badge.revoked"),
        ("cli", "badge.restored"),
        ("cli", "badge.taken-back"),
    ]


def test_badge_is_for_one_owner(run: Run, url: str) -> None:
    tap = desk_tap(url)
    assert "--nameless" in refused(run("person", "enrol", tap))
    assert "--nameless" in refused(run("person", "enrol", tap, "--name", "Ada", "--nameless"))
    ok(run("person", "enrol", tap, "--nameless"))
    assert "two minutes" in refused(run("person", "enrol", tap, "--name", "Ada"))


def test_second_badge_of_a_known_person(run: Run, url: str) -> None:
    ada = ok(run("person", "add", "--name", "Ada"))
    ok(run("person", "enrol", desk_tap(url), "--person", ada))
    assert rows(url, "SELECT person_id FROM credential") == [(UUID(ada),)]


def test_person_is_checked_in_and_out(run: Run, url: str) -> None:
    ada = ok(run("person", "add", "--name", "Ada"))
    ok(run("person", "check-in", ada, "wood"))
    assert rows(url, "SELECT space_id FROM visit WHERE upper_inf(during)") == [("wood",)]
    ok(run("person", "check-out", ada))
    assert rows(url, "SELECT ended_by FROM visit") == [("tap",)]
    assert "not checked in" in refused(run("person", "check-out", ada))
    assert "no such space" in refused(run("person", "check-in", ada, "nowhere"))
    assert "no such person" in refused(run("person", "check-in", str(uuid4()), "wood"))


def test_two_entries_of_one_person(run: Run, url: str) -> None:
    keep, drop = (ok(run("person", "add", "--name", name)) for name in ("Ada", "Ada L"))
    ok(run("person", "change", keep, "--name", "Ada Lovelace", "--language", "it"))
    ok(run("person", "merge", keep, drop))
    assert rows(url, "SELECT name, language FROM person") == [("Ada Lovelace", "it")]
    assert refused(run("person", "merge", keep, keep))


def test_code_is_shown_once(run: Run, url: str) -> None:
    ada = ok(run("person", "add", "--name", "Ada"))
    shown = ok(run("person", "code", ada, "--label", "phone"))
    assert "cannot be shown again" in shown
    assert "█" in shown
    assert rows(url, "SELECT kind, label FROM credential") == [("qr", "phone")]


def test_session_of_an_owner(run: Run) -> None:
    ok(run("account", "add", "staff", "--role", "staff", "--password-file", _password_file()))
    start = (datetime.now(UTC) + timedelta(days=1)).replace(hour=9, minute=0)
    plan = ["--title", "Welding", "--purpose", "Certificates", "--space", "wood"]
    times = ["--start", f"{start:%Y-%m-%dT%H:%M}", "--end", f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M}"]

    session = ok(run("session", "add", "--owner", "staff", *plan, *times))

    (listed,) = json.loads(run("session", "list", "--owner", "staff", "--json").stdout)["sessions"]
    assert (listed["id"], listed["title"]) == (session, "Welding")
    assert "another session" in refused(run("session", "add", "--owner", "staff", *plan, *times))
    assert "no such account" in refused(run("session", "delete", session, "--owner", "other"))
    ok(run("session", "delete", session, "--owner", "staff"))
    assert "not yours" in refused(run("session", "delete", session, "--owner", "staff"))


def test_sessions_of_each_week(run: Run, url: str) -> None:
    ok(run("account", "add", "staff", "--role", "staff", "--password-file", _password_file()))
    first = (datetime.now(UTC) + timedelta(days=3)).date()
    plan = ["--owner", "staff", "--title", "Welding", "--purpose", "Certificates", "--space", "wood"]
    days = ["--first", f"{first}", "--until", f"{first + timedelta(weeks=2)}"]
    weekly = ["session", "add-weekly", *plan, *days, "--start", "09:30", "--end", "11:00"]

    shown = ok(run(*weekly, "--without", f"{first + timedelta(weeks=1)}", "--preview"))
    assert shown.splitlines() == [
        f"{day:%a %Y-%m-%d} 09:30 to 11:00" for day in (first, first + timedelta(weeks=2))
    ]
    assert rows(url, "SELECT FROM course_session") == []
    series = ok(run(*weekly))
    assert rows(url, "SELECT DISTINCT series_id::text, count(*) OVER () FROM course_session") == [(series, 3)]
    assert "other sessions at that time" in refused(run(*weekly))
    deleted = ["session", "delete-weekly", series, "--owner", "staff"]
    assert ok(run(*deleted, "--first", f"{first + timedelta(days=1)}")) == "Sessions deleted: 2."
    assert "none of its sessions is left" in refused(run(*deleted, "--first", f"{first + timedelta(days=1)}"))
    assert rows(url, "SELECT count(*) FROM course_session") == [(1,)]


def _password_file() -> str:
    file = Path("password")
    file.write_text("four words not together\n")
    return str(file)
