"""`hubwell doctor`: each part by itself, and the sentence for each mistake."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from feed.ingest_setup import reading
from hubwell.doctor import checks
from hubwell.doctor.broker import check_broker
from hubwell.doctor.disk import check_disk
from hubwell.settings import Settings
from hubwell.storage.connect import WrongEncodingError, advice_for, connect, connect_sync
from lanes.database_lane import Database
from lanes.servers import free_port
from lanes.small_disk import mounted_disk

NOWHERE = "postgresql://hubwell@127.0.0.1:1/none"


@pytest.fixture
def clusters(tmp_path: Path) -> Path:
    """Give a folder of clusters as Debian has it."""
    folder = tmp_path / "postgresql"
    (folder / "17" / "main").mkdir(parents=True)
    return folder


def test_disk_is_measured_where_the_database_is(database: Database) -> None:
    found = check_disk(database.url)
    with reading(database.url) as conn:
        (folder,) = conn.execute("SHOW data_directory").fetchone() or ("",)
    assert found.state == "ok"
    assert found.found.endswith(f"free where the database is ({folder})")


def test_full_disk_is_found_by_a_command_typed_on_another_disk(tmp_path: Path) -> None:
    with mounted_disk(tmp_path / "postgresql", "300k") as clusters:
        (clusters / "17" / "main").mkdir(parents=True)
        found = check_disk(NOWHERE, clusters)
    assert (found.state, found.found.split(" GB")[0]) == ("warning", "0.0")
    assert str(clusters / "17" / "main") in found.found


def test_disk_of_another_machine_is_not_claimed_to_be_measured(clusters: Path) -> None:
    found = check_disk("postgresql://hubwell@database/hubwell", clusters)
    assert (found.state, found.found) == ("ok", "not measured: the database is on database")


def test_disk_of_another_container_is_measured_by_the_volume_that_both_see(tmp_path: Path) -> None:
    with mounted_disk(tmp_path / "volume", "300k") as volume:
        found = check_disk("postgresql://hubwell@database/hubwell", volume=volume)
    assert (found.state, found.found) == ("warning", f"0.0 GB free where the database is ({volume})")


def test_disk_that_is_not_visible_is_not_claimed_to_be_measured(tmp_path: Path) -> None:
    assert "not measured" in check_disk(NOWHERE, tmp_path / "nothing").found


def test_check_that_breaks_hides_no_other_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise PermissionError(13, "Permission denied", "/root/clone")

    monkeypatch.setattr(checks, "check_disk", broken)
    settings = Settings(
        database_url=NOWHERE, broker_url="mqtt://127.0.0.1:1", http_port=free_port(), site="hub"
    )
    found = {finding.part: finding for finding in checks.examine(settings)}
    assert found.keys() == {"database", "broker", "pages", "disk"}
    assert "Permission denied" in found["disk"].found


def test_hours_that_are_not_added_up_are_named(database: Database) -> None:
    settings = Settings(database_url=database.url, broker_url="mqtt://127.0.0.1:1", http_port=free_port())

    def history() -> list[str]:
        return [finding.found for finding in checks.examine(settings) if finding.part == "history"]

    note = (
        "INSERT INTO reading_change (series, first, last, noted_at) "
        "VALUES ('{1}', now(), now(), now() - %s::interval)"
    )
    with reading(database.url) as conn:
        conn.execute(note, ["10 minutes"])
        assert history() == []  # the worker may just be busy
        conn.execute(note, ["40 minutes"])
    assert history() == ["2 changes of readings are not added up, the oldest for 40 minutes"]


def test_reason_of_an_unreachable_broker_is_in_its_finding() -> None:
    (found,) = check_broker(Settings(broker_url="mqtt://127.0.0.1:1"))
    assert found.state == "failed"
    assert "127.0.0.1:1 cannot be reached" in found.found


def test_missing_file_of_the_certificate_authority_is_named(tmp_path: Path) -> None:
    settings = Settings(broker_url="mqtts://127.0.0.1:1", broker_ca_file=str(tmp_path / "ca.crt"))
    (found,) = check_broker(settings)
    assert (found.state, "HUBWELL_BROKER_CA_FILE" in found.advice) == ("failed", True)


@pytest.fixture
def ascii_database(database: Database) -> Iterator[str]:
    """Give a database of a cluster that was made where no locale is set."""
    name = sql.Identifier("of_ascii")
    with reading(database.url) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'").format(name)
        )
    yield f"{database.url.rpartition('/')[0]}/of_ascii"
    with reading(database.url) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


async def test_database_in_another_encoding_is_refused_with_the_command_that_makes_the_right_one(
    ascii_database: str,
) -> None:
    for word in ("SQL_ASCII", "createdb --template template0 --encoding UTF8"):
        with pytest.raises(WrongEncodingError, match=word):
            connect_sync(ascii_database, name="test")
        with pytest.raises(WrongEncodingError, match=word):
            await connect(ascii_database, name="test")


def test_migration_of_a_database_in_another_encoding_ends_with_a_sentence(
    ascii_database: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hubwell", "migrate"],
        env=os.environ | {"HUBWELL_DATABASE_URL": ascii_database},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        "The database cannot be used: the database of_ascii has the encoding SQL_ASCII"
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('FATAL:  password authentication failed for user "hubwell"', "HUBWELL_DATABASE_URL is not the one"),
        ('FATAL:  Peer authentication failed for user "hubwell"', "sudo hubwell"),
        ('FATAL:  database "hubwell" does not exist', "Create it"),
        ("connection refused", "Start it"),
    ],
)
def test_each_refusal_of_the_database_has_its_own_advice(text: str, advice: str) -> None:
    assert advice in advice_for(psycopg.OperationalError(text))
