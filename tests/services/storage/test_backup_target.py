"""What `hubwell backup` replaces, and what it leaves alone."""

import os
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from feed.ingest_setup import device_in
from hubwell.storage.backup import backup, restore, verify_file
from lanes.database_lane import Database


@pytest.fixture
def hub(database: Database) -> str:
    device_in(database.url, "lab")
    return database.url


def refused(url: str, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Back up, expect a refusal that leaves nothing behind, and return its one sentence."""
    folder = file.parent if file.parent.is_dir() else file.parent.parent
    before = sorted(folder.iterdir()) if folder.is_dir() else []
    assert backup(url, file) == 1
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert sorted(folder.iterdir()) == before if folder.is_dir() else True
    return told.err


def test_own_backup_is_replaced(hub: str, tmp_path: Path) -> None:
    file = tmp_path / "hub.backup"
    assert backup(hub, file) == 0
    first = file.stat().st_ino
    device_in(hub, "den")
    assert backup(hub, file) == 0
    assert file.stat().st_ino != first
    assert file.stat().st_mode & 0o777 == 0o600
    verify_file(file)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("there", [False, True], ids=["dangling", "to a backup"])
def test_link_is_followed_and_stays(hub: str, tmp_path: Path, *, there: bool) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    target, link, chain = disk / "hub.backup", tmp_path / "latest", tmp_path / "chain"
    link.symlink_to(Path("disk", "hub.backup"))
    chain.symlink_to(link)
    if there:
        assert backup(hub, target) == 0
    assert backup(hub, chain) == 0
    assert link.is_symlink()
    assert chain.is_symlink()
    assert not target.is_symlink()
    verify_file(target)
    assert list(disk.iterdir()) == [target]


OTHERS: dict[str, Callable[[Path], object]] = {
    "text": lambda file: file.write_text("thesis"),
    "empty": lambda file: file.touch(),
    "archive": lambda file: zipfile.ZipFile(file, "w").close(),
    "archive with a manifest": lambda file: _archive(file, b'{"format": "photos-1"}'),
    "archive with a broken manifest": lambda file: _archive(file, b"["),
    "archive with a list": lambda file: _archive(file, b"[1]"),
}


def _archive(file: Path, manifest: bytes) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", manifest)


@pytest.mark.parametrize("make", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize("by_link", [False, True])
def test_other_file_stays_as_it_is(
    hub: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], object],
    *,
    by_link: bool,
) -> None:
    file, link = tmp_path / "thesis.zip", tmp_path / "link"
    make(file)
    link.symlink_to(file)
    before = file.read_bytes()
    assert "is not a backup of Hubwell and stays as it is" in refused(hub, link if by_link else file, capsys)
    assert file.read_bytes() == before


def test_backup_of_another_release_is_replaced(hub: str, tmp_path: Path) -> None:
    _archive(tmp_path / "old", b'{"format": "hubwell-backup-0"}')
    assert backup(hub, tmp_path / "old") == 0
    verify_file(tmp_path / "old")


def test_devices_pipes_folders_and_missing_folders_are_one_sentence(
    hub: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "text").write_text("")
    for file, words in (
        (Path("/dev/null"), "is a device or a pipe"),
        (tmp_path / "pipe", "is a device or a pipe"),
        (tmp_path / "socket", "is a device or a pipe"),
        (tmp_path / "folder", "is a folder: name a file in it, such as"),
        (tmp_path / "loop", "leads to itself"),
        (tmp_path / "none" / "hub.backup", f"The folder {tmp_path / 'none'} of hub.backup does not exist"),
        (tmp_path / "text" / "hub.backup", "is not a folder"),
    ):
        assert words in refused(hub, file, capsys), file
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "socket").is_socket()
    for file in (Path("/dev/zero"), tmp_path / "pipe", tmp_path / "folder"):
        assert restore(hub, file) == 1
        assert capsys.readouterr().err == f"{file} is not a file: name a file made by `hubwell backup`\n"


@pytest.mark.parametrize("to", ["pipe", "file", "deleted file"])
def test_standard_output_is_no_place_for_a_backup(hub: str, tmp_path: Path, to: str) -> None:
    """Its name is a link that leads to what no path names: a pipe, or a file that is deleted already."""
    script = (
        "import sys; from pathlib import Path; from hubwell.storage.backup import backup\n"
        "sys.exit(backup(sys.argv[1], Path('/dev/stdout')))"
    )
    with (tmp_path / "out").open("w+b") as out:
        if to == "deleted file":
            (tmp_path / "out").unlink()
        before = sorted(tmp_path.iterdir())
        done = subprocess.run(
            [sys.executable, "-c", script, hub],
            check=False,
            stdout=subprocess.PIPE if to == "pipe" else out,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert sorted(tmp_path.iterdir()) == before


def test_backup_that_fails_or_is_interrupted_leaves_the_old_one(
    hub: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hub.backup"
    assert backup(hub, file) == 0
    before = file.read_bytes()
    capsys.readouterr()
    assert "The database refused" in refused("postgresql://nobody@127.0.0.1:9/nothing", file, capsys)
    script = (
        "import os, signal, sys; from pathlib import Path; from hubwell.storage import backup as b\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job's children ignore it
        "b.verify_file = lambda _: os.kill(os.getpid(), signal.SIGINT)\n"
        "b.backup(sys.argv[1], Path(sys.argv[2]))"
    )
    done = subprocess.run([sys.executable, "-c", script, hub, str(file)], check=False, capture_output=True)
    assert done.returncode in {1, -signal.SIGINT}
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_backup_for_which_there_is_no_room_names_its_file_and_leaves_the_old_one(
    hub: str, tmp_path: Path
) -> None:
    file = tmp_path / "hub.backup"
    assert backup(hub, file) == 0
    before = file.read_bytes()
    script = (
        "import resource, sys; from pathlib import Path; from hubwell.storage.backup import backup\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "sys.exit(backup(sys.argv[1], Path(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, hub, str(file)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (1, f"{file} cannot be written: File too large.\n")
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
