"""Everything into one file and back, proven; what fails leaves no file and no half."""

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from feed.ingest_setup import one, reading, rows, settings_for
from hubwell.deliver.queue import deliveries
from hubwell.events import EpisodeOpened
from hubwell.storage.backup import backup, read_backup, restore, write_backup
from hubwell.storage.connect import connect
from hubwell.storage.migrate import migrate
from hubwell.storage.table_digest import FLEETING, content_digest
from lanes.database_lane import Database
from services.storage.lived_hub import live, tables_of


@pytest.fixture
def lived(database: Database) -> Database:
    live(database.url)
    return database


@pytest.mark.parametrize("template", ["empty", "migrated"])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("plain", "plain"),
        ("timescale-apache", "timescale-apache"),
        ("plain", "timescale-apache"),
        ("timescale-apache", "plain"),
    ],
)
@pytest.mark.lane
def test_restored_database_holds_the_same(
    targets: Callable[..., Database],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    target: str,
    template: str,
) -> None:
    url, other = targets(source).url, targets(target, template).url
    live(url)
    before = tables_of(url)
    assert all(found.rows for found in before.values()), "the test wants every table filled"
    file = tmp_path / "hub.backup"
    assert backup(url, file) == 0
    assert file.stat().st_mode & 0o077 == 0
    assert "verified" in capsys.readouterr().out
    assert restore(other, file) == 0
    assert "counts and digests agree" in capsys.readouterr().out
    assert tables_of(other) == before
    with reading(url) as one_side, reading(other) as other_side:
        assert content_digest(one_side) == content_digest(other_side)
    assert list(tmp_path.iterdir()) == [file]


def test_backup_signs_nobody_in_and_shows_no_badge_at_the_desk(
    lived: Database, targets: Callable[..., Database], tmp_path: Path
) -> None:
    write_backup(lived.url, tmp_path / "file")
    url = targets().url
    read_backup(url, tmp_path / "file")
    for table in set(FLEETING) - {
        "badge_lock",
        "hub_secret",
        "published",
    }:  # which each database fills for itself
        count = f"SELECT count(*) FROM {table}"  # noqa: S608 - names from the code
        assert (one(lived.url, count), one(url, count)) == (1, 0), table
    with zipfile.ZipFile(tmp_path / "file") as archive:
        assert not {f"{table}.copy" for table in FLEETING} & set(archive.namelist())


def test_backup_of_the_first_release_is_brought_up(
    targets: Callable[..., Database], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = targets("plain", "empty").url, targets("plain", "empty").url
    migrate(old, "0001")
    with reading(old) as conn:
        conn.execute(
            """
            INSERT INTO space (id, name, kind, capacity) VALUES ('lab', 'Lab', 'workshop', 8);
            INSERT INTO device (id, space_id) VALUES ('lab-pi', 'lab');
            INSERT INTO stream (device_id, boot) VALUES ('lab-pi', gen_random_uuid());
            INSERT INTO tap VALUES (1, 1, now(), decode(repeat('ab', 16), 'hex'), 1, 'door', 'lab');
            """
        )
    assert backup(old, tmp_path / "file") == 0
    assert restore(new, tmp_path / "file") == 0, capsys.readouterr().err
    assert rows(new, "SELECT kind, count(*) FROM person GROUP BY 1") == [("counted", 1)]


def test_hub_goes_on_after_a_restore(file: Path, targets: Callable[..., Database]) -> None:
    """New rows get new ids, and a message from before the restore is known."""
    url = targets().url
    assert restore(url, file) == 0
    counts = {table: found.rows for table, found in tables_of(url).items()}
    live(url)
    grown = {table: found.rows - counts[table] for table, found in tables_of(url).items()}
    assert grown["stream"] == 2
    assert grown["message"] > 20
    assert grown["event"] >= 1


async def test_alert_that_waits_survives(
    lived: Database, targets: Callable[..., Database], tmp_path: Path
) -> None:
    before = rows(lived.url, "SELECT args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
    assert before
    write_backup(lived.url, tmp_path / "file")
    url = targets().url
    read_backup(url, tmp_path / "file")
    assert rows(url, "SELECT args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id") == before
    queue = deliveries(settings_for(url))
    alert = EpisodeOpened(
        episode_id=UUID(int=1),
        rule="r",
        rule_version=1,
        space_id="lab",
        opened_at=datetime.now(UTC),
        value=1.0,
    )
    async with await connect(url, name="test") as conn, conn.transaction():
        await queue.record(conn, alert)
    async with queue.app.open_async():
        await queue.app.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="successful")
    waiting = rows(url, "SELECT channel, attempts FROM delivery WHERE delivered_at IS NULL")
    assert waiting == [("webhook", 1)]
    assert one(url, "SELECT count(*) FROM delivery WHERE channel = 'board'") == 2


def test_backup_of_no_hubwell_leaves_no_file(
    empty_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup(empty_database.url, tmp_path / "file") == 1
    assert "nothing to back up" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_backup_into_a_folder_that_is_not_there(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup(database.url, tmp_path / "no" / "file") == 1
    assert "does not exist: make it, or name another file" in capsys.readouterr().err


def test_failed_backup_keeps_the_one_before(
    file: Path, empty_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_bytes()
    assert backup(empty_database.url, file) == 1
    assert capsys.readouterr().err
    assert file.read_bytes() == before
