"""Everything into one file and back, proven; and a clear sentence for every file that is not right."""

import json
import random
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from feed.ingest_setup import commit, device_in, one, reading, rows, settings_for
from hubwell.deliver.queue import deliveries
from hubwell.events import EpisodeOpened
from hubwell.storage.backup import BackupError, backup, read_backup, restore, verify_file, write_backup
from hubwell.storage.connect import connect
from hubwell.storage.migrate import migrate
from hubwell.storage.table_digest import FLEETING, TABLES, TableDigest, content_digest, table_digest
from lanes.database_lane import Database

NOW = datetime.now(UTC).replace(second=0, microsecond=0)

REGISTER = """
INSERT INTO reader VALUES ('lab-pi', 'desk', 'desk') ON CONFLICT DO NOTHING;
INSERT INTO suspicion (credential_id, kind, at) SELECT id, 'revoked-used', now() FROM credential;
INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until)
    VALUES ('Dovetails', 'who needs wood', 'lab', tstzrange(now(), now() + '1 h'), gen_random_uuid(),
            now() + '2 d');
INSERT INTO account (login, person_id) SELECT 'staff-' || n, person.id
    FROM (SELECT count(*) AS n FROM account) a, (SELECT id FROM person LIMIT 1) person;
INSERT INTO account_role SELECT id, 'staff', 'local' FROM account ON CONFLICT DO NOTHING;
INSERT INTO account_identity SELECT 'https://id.example', id, id FROM account ON CONFLICT DO NOTHING;
INSERT INTO service_token (name, token_hash, roles)
    SELECT 'program-' || n, sha256(n::text::bytea), '{osh}' FROM (SELECT count(*) AS n FROM service_token) t;
INSERT INTO audit_entry SELECT n, now(), 'cli', 'key.rotated', '', '{"epoch": 2}', '', sha256(n::text::bytea)
    FROM (SELECT count(*) + 1 AS n FROM audit_entry) e;
INSERT INTO deletion (class, why, rows, left_over) VALUES ('tap', 'retention', 3, 0);
INSERT INTO erased SELECT '\x01', sha256(n::text::bytea), now() FROM (SELECT count(*) AS n FROM erased) e;
INSERT INTO people_figure VALUES ('hub', '', clock_timestamp(), 15, 'half', NULL);
INSERT INTO people_gate VALUES ('hub', '', 15, now()) ON CONFLICT DO NOTHING;
UPDATE muster SET closed_at = now();
INSERT INTO muster (kind) VALUES ('drill');
INSERT INTO muster_person (muster_id, person_id, space_id, zone, since)
    SELECT m.id, p.id, 'lab', '', now() FROM muster m, person p WHERE m.closed_at IS NULL;
INSERT INTO break_glass (muster_id, reason, requested_by, expires_at)
    SELECT id, 'who is missing', gen_random_uuid(), now() FROM muster WHERE closed_at IS NULL;
INSERT INTO sign_in (token_hash, account_id, csrf, expires_at)
    SELECT sha256('s'), id, 'c', now() FROM account LIMIT 1 ON CONFLICT DO NOTHING;
INSERT INTO visit_code SELECT sha256('c'), id, now() FROM person LIMIT 1 ON CONFLICT DO NOTHING;
INSERT INTO desk_tap (device_id, reader, badge, epoch)
    VALUES ('lab-pi', 'desk', decode(repeat('ab', 16), 'hex'), 1);
"""


def live(url: str) -> None:
    """Let a hub live for a while, so that every table holds something."""
    pi, den = device_in(url, "lab"), device_in(url, "den")
    begin = NOW - timedelta(minutes=30)
    packets = [
        pi.telemetry(begin + timedelta(minutes=n), {"co2": 1500.0 + n / 7, "presence": 1.0, "temp": -0.0})
        for n in range(25)
    ]
    packets += [pi.tap(begin, bytes(16)), den.tap(begin + timedelta(minutes=9), bytes(16)), pi.fault(begin)]
    pi.skip(3)
    packets += [pi.gap(begin, count=2, first=29, last=30), pi.raw(b'{"odd": "\\t\\n\\\\x"}\xff\x00')]
    packets += [pi.meta(name="Lab\tpi\\n", software="1.0"), pi.status(boot=pi.boot, last_seq=40)]
    commit(url, packets, webhook_url="http://127.0.0.1:9/")
    with reading(url) as conn:
        conn.execute(REGISTER)


def tables_of(url: str) -> dict[str, TableDigest]:
    with reading(url) as conn:
        return {table: table_digest(conn, table) for table in TABLES}


@pytest.fixture
def lived(database: Database) -> Database:
    live(database.url)
    return database


@pytest.fixture(scope="module")
def backed_up(lanes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "hub.backup"
    lane = lanes("plain")
    database: Database = lane.create("migrated")
    live(database.url)
    assert backup(database.url, path) == 0
    lane.drop(database)
    return path


@pytest.fixture
def file(backed_up: Path, tmp_path: Path) -> Path:
    """Give a backup of the test's own."""
    return Path(shutil.copy(backed_up, tmp_path / "hub.backup"))


@pytest.fixture
def targets(lanes: Any) -> Iterator[Callable[..., Database]]:
    made = []

    def make(engine: str = "plain", template: str = "migrated") -> Database:
        lane = lanes(engine)
        database: Database = lane.create(template)
        made.append((lane, database))
        return database

    yield make
    for lane, database in made:
        lane.drop(database)


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
    for table in FLEETING:
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
        episode_id=UUID(int=1), rule="r", rule_version=1, space_id="lab", opened_at=NOW, value=1.0
    )
    async with await connect(url, name="test") as conn, conn.transaction():
        await queue.record(conn, alert)
    async with queue.app.open_async():
        await queue.app.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="successful")
    waiting = rows(url, "SELECT channel, attempts FROM delivery WHERE delivered_at IS NULL")
    assert waiting == [("webhook", 1)]
    assert one(url, "SELECT count(*) FROM delivery WHERE channel = 'board'") == 2


def refused(url: str, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Restore, expect a refusal, and return its one sentence."""
    assert restore(url, file) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "Traceback" not in told.err
    return told.err


def test_database_that_is_not_empty_is_left_alone(
    file: Path, targets: Callable[..., Database], capsys: pytest.CaptureFixture[str]
) -> None:
    url = targets().url
    device_in(url, "attic")
    before = tables_of(url)
    assert "not empty" in refused(url, file, capsys)
    assert tables_of(url) == before


def rewritten(file: Path, name: str, change: Callable[[bytes], bytes | None]) -> Path:
    """Copy an archive with one member changed, or left out where the change gives None."""
    copy = file.with_name("changed.backup")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(copy, "w") as target:
        for member in source.namelist():
            data: bytes | None = source.read(member)
            if member == name and data is not None:
                data = change(data)
            if data is not None:
                target.writestr(member, data)
    return copy


def manifest_with(**values: Any) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **values}).encode()


def value_changed(data: bytes) -> bytes:
    changed = re.sub(rb"\t1500(\.\d+)?\t", b"\t1501\t", data, count=1)
    assert changed != data
    return changed


def gone(_data: bytes) -> None:
    """Leave the member out."""


def constant(data: bytes) -> Callable[[bytes], bytes]:
    return lambda _: data


WRONG: list[tuple[str, str, Callable[[bytes], bytes | None], str]] = [
    ("a row is missing", "reading.copy", lambda data: data[data.index(b"\n") + 1 :], "the manifest says"),
    ("a table is missing", "message.copy", gone, "message is missing"),
    ("the queue is missing", "procrastinate_jobs.copy", gone, "procrastinate_jobs is missing"),
    ("the manifest is missing", "manifest.json", gone, "no readable manifest"),
    ("the manifest is no JSON", "manifest.json", constant(b"{"), "no readable manifest"),
    ("the manifest is empty", "manifest.json", constant(b"{}"), "no readable manifest"),
    ("the manifest is a list", "manifest.json", constant(b"[]"), "no readable manifest"),
    ("the manifest has no tables", "manifest.json", manifest_with(tables={}), "not whole"),
    ("the manifest is of another kind", "manifest.json", manifest_with(tables=3), "no readable manifest"),
    ("another format", "manifest.json", manifest_with(format="hubwell-backup-9"), "hubwell-backup-9"),
    ("a newer release", "manifest.json", manifest_with(revision="9999"), "newer release"),
    ("a value was changed", "reading.copy", value_changed, "differs after the restore"),
    ("a value is rubbish", "space.copy", lambda data: b"!\t\\N\tx\t1\tx\n" * data.count(b"\n"), ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "words"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_wrong_archive_is_refused_and_nothing_is_half_done(
    file: Path,
    targets: Callable[..., Database],
    capsys: pytest.CaptureFixture[str],
    name: str,
    change: Callable[[bytes], bytes | None],
    words: str,
) -> None:
    url = targets().url
    before = tables_of(url)
    assert words in refused(url, rewritten(file, name, change), capsys)
    assert tables_of(url) == before


def test_file_that_is_no_backup_is_refused(
    tmp_path: Path, targets: Callable[..., Database], capsys: pytest.CaptureFixture[str]
) -> None:
    url = targets("plain", "empty").url
    assert "No such file" in refused(url, tmp_path / "nothing", capsys)
    (tmp_path / "text").write_text("dear diary")
    assert "is not a Hubwell backup" in refused(url, tmp_path / "text", capsys)
    (tmp_path / "empty").touch()
    assert "is not a Hubwell backup" in refused(url, tmp_path / "empty", capsys)
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("photo.jpg", b"\xff\xd8")
    assert "no readable manifest" in refused(url, tmp_path / "zip", capsys)
    assert rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def complaint(damaged: Path) -> str:
    """Return what verification finds wrong with a file; nothing, if it finds nothing."""
    try:
        verify_file(damaged)
    except BackupError as error:
        return str(error)
    return ""


def test_file_that_is_cut_anywhere_is_noticed(file: Path) -> None:
    whole, chance = file.read_bytes(), random.Random(5)
    damaged = file.with_name("damaged")
    for length in (0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(50))):
        damaged.write_bytes(whole[:length])
        assert str(damaged) in complaint(damaged), length


def contents(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as members:
        return {name: members.read(name) for name in members.namelist()}


def test_byte_that_is_changed_anywhere_is_noticed_or_means_nothing(file: Path) -> None:
    whole, chance = file.read_bytes(), random.Random(6)
    damaged = file.with_name("damaged")
    noticed = 0
    for _ in range(150):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
        damaged.write_bytes(data)
        if words := complaint(damaged):
            noticed += 1
            assert str(damaged) in words
        else:
            # Times in the archive's headers, for example: what would be restored is the same.
            assert contents(damaged) == contents(file)
    assert noticed


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
    assert "No such file or directory" in capsys.readouterr().err


def test_failed_backup_keeps_the_one_before(
    file: Path, empty_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_bytes()
    assert backup(empty_database.url, file) == 1
    assert capsys.readouterr().err
    assert file.read_bytes() == before
