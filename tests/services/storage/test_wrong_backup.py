"""A clear sentence for every file that is no backup or not a whole one; nothing is half restored."""

import json
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feed.ingest_setup import device_in, rows
from hubwell.storage.backup import BackupError, restore, verify_file
from lanes.database_lane import Database
from services.storage.lived_hub import tables_of


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
