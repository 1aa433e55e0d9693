"""The embedded PostgreSQL under real kills, in real folders."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

from hubwell.runtime.data_lock import DataLock
from hubwell.runtime.embedded_postgres import EmbeddedPostgres
from hubwell.runtime.start_errors import CannotStartError
from lanes.small_disk import mounted_disk
from process_end import has_ended

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may not run PostgreSQL")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder made once; tests that only need an existing one copy it."""
    folder = tmp_path_factory.mktemp("made") / "data"

    async def make() -> None:
        async with EmbeddedPostgres(folder) as database:
            write(database, "create table kept (n int primary key)")

    asyncio.run(make())
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns("socket", "postmaster.pid"))
    (folder / "postgres").chmod(0o700)
    return folder


@pytest.fixture
async def database(data: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(data) as running:
        yield running


@pytest.fixture
def somebody_else() -> Iterator[int]:
    """The id of a live process that has nothing to do with PostgreSQL."""
    program = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as process:
        yield process.pid


@pytest.fixture
def zombie() -> Iterator[int]:
    """The id of a process that has ended and that nobody has collected."""
    with subprocess.Popen([sys.executable, "-c", "print()"], stdout=subprocess.PIPE) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        yield process.pid


@pytest.fixture
def starter(data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that runs the database over `data`."""
    program = (
        "import asyncio, pathlib, sys\n"
        "from hubwell.runtime.embedded_postgres import EmbeddedPostgres\n"
        "async def main():\n"
        "    async with EmbeddedPostgres(pathlib.Path(sys.argv[1])):\n"
        "        print('up', flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(data)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        yield process


def write(database: EmbeddedPostgres, *statements: LiteralString) -> None:
    with psycopg.connect(database.url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def kept(database: EmbeddedPostgres) -> list[int]:
    with psycopg.connect(database.url()) as connection:
        return [row[0] for row in connection.execute("select n from kept order by n").fetchall()]


def insert(database: EmbeddedPostgres, numbers: range) -> None:
    with psycopg.connect(database.url(), autocommit=True) as connection:
        for number in numbers:
            connection.execute("insert into kept values (%s)", [number])


def kill_server(pid: int, *, with_children: bool) -> None:
    server = psutil.Process(pid)
    children = server.children() if with_children else []
    server.kill()
    for process in children:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def move(data: Path, folder: Path, mode: int = 0o755) -> Path:
    folder.mkdir(mode=mode)
    return data.rename(folder / "data")


def server_of(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


async def test_start_makes_a_database_that_keeps_its_rows_over_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    async with EmbeddedPostgres(folder) as first:
        write(first, "create table kept (n int primary key)")
        insert(first, range(3))
    assert first.pid is None
    async with EmbeddedPostgres(folder) as second:
        assert kept(second) == [0, 1, 2]


async def test_server_listens_on_no_network_port_and_flushes_to_disk(database: EmbeddedPostgres) -> None:
    with psycopg.connect(database.url()) as connection:
        rows = connection.execute("select name, setting from pg_settings").fetchall()
    settings: dict[str, str] = dict(rows)
    assert settings["listen_addresses"] == ""
    assert settings["fsync"] == "on"
    assert settings["server_encoding"] == "UTF8"
    assert settings["TimeZone"] == "UTC"
    assert database.pid
    assert not psutil.Process(database.pid).net_connections("inet")


async def test_log_says_what_was_refused_and_not_whose(database: EmbeddedPostgres) -> None:
    write(database, "create table held (name text primary key)")
    with pytest.raises(psycopg.errors.UniqueViolation), psycopg.connect(database.url()) as connection:
        connection.execute("insert into held values (%s), (%s)", ["made-up", "made-up"])

    said = database.log.read_text()
    assert "held_pkey" in said
    assert "made-up" not in said


async def test_exclusion_constraints_over_ranges_work(database: EmbeddedPostgres) -> None:
    write(
        database,
        "create extension btree_gist",
        "create table held (space text, during tstzrange, exclude using gist (space with =, during with &&))",
        "insert into held values ('studio', '[2026-11-22 10:00Z,2026-11-22 11:00Z)')",
    )
    with pytest.raises(psycopg.errors.ExclusionViolation):
        write(database, "insert into held values ('studio', '[2026-11-22 10:30Z,2026-11-22 12:00Z)')")


@pytest.mark.parametrize("with_children", [True, False], ids=["whole server", "postmaster only"])
async def test_committed_rows_survive_kill_9(data: Path, *, with_children: bool) -> None:
    database = EmbeddedPostgres(data)
    await database.start()
    insert(database, range(200))
    assert database.pid
    kill_server(database.pid, with_children=with_children)
    await database.stop()
    async with EmbeddedPostgres(data) as again:
        assert kept(again) == list(range(200))


async def test_the_same_object_starts_again_after_kill_9(data: Path) -> None:
    database = EmbeddedPostgres(data)
    for round_ in range(3):
        await database.start()
        insert(database, range(round_, round_ + 1))
        assert database.pid
        kill_server(database.pid, with_children=round_ % 2 == 0)
        await asyncio.sleep(0)
    await database.start()
    assert kept(database) == [0, 1, 2]
    await database.stop()


async def test_pid_file_of_a_power_cut_that_names_another_live_process_is_not_believed(
    data: Path, somebody_else: int
) -> None:
    database = EmbeddedPostgres(data)
    await database.start()
    assert database.pid
    pid_file = data / "postgres" / "postmaster.pid"
    text = pid_file.read_text()
    kill_server(database.pid, with_children=True)
    await database.stop()
    pid_file.write_text(text.replace(text.split()[0], str(somebody_else), 1))
    async with EmbeddedPostgres(data) as again:
        assert kept(again) == []
    assert psutil.pid_exists(somebody_else)


async def test_leftover_that_is_ending_needs_no_signal(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its last breath and its end a process is there without a command line."""
    database = EmbeddedPostgres(data)
    await database.start()
    assert database.pid
    os.kill(database.pid, signal.SIGINT)
    monkeypatch.setattr(psutil.Process, "cmdline", lambda _process: [])
    await database.start()
    await database.stop()


async def test_pid_file_that_names_a_zombie_is_not_believed(data: Path, zombie: int) -> None:
    (data / "postgres" / "postmaster.pid").write_text(
        f"{zombie}\n{data / 'postgres'}\n0\n5432\n\n\n\nready\n"
    )
    async with EmbeddedPostgres(data) as database:
        assert kept(database) == []


async def test_second_instance_is_refused_in_one_sentence(database: EmbeddedPostgres, data: Path) -> None:
    with pytest.raises(CannotStartError) as refused:
        await EmbeddedPostgres(data).start()
    assert (
        str(refused.value) == f"Hubwell is already running with the data in {data} (process {os.getpid()})."
    )
    assert kept(database) == []


async def test_server_ends_with_a_starter_that_was_killed_and_the_next_start_goes_on(
    data: Path, starter: "subprocess.Popen[bytes]"
) -> None:
    server = psutil.Process(server_of(data))
    kill(starter)
    async with EmbeddedPostgres(data) as again:  # at once: the old server may still be going down
        assert kept(again) == []
        assert has_ended(server)


async def test_interrupted_making_of_the_files_is_started_over(tmp_path: Path) -> None:
    (tmp_path / "data" / "postgres.unfinished" / "base").mkdir(parents=True)
    (tmp_path / "data" / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    async with EmbeddedPostgres(tmp_path / "data") as database:
        write(database, "select 1")
    assert not (tmp_path / "data" / "postgres.unfinished").exists()


@pytest.mark.parametrize("name", ["d" * 90, "with space, comma and ü"])
async def test_data_folder_with_a_long_or_odd_name_works(data: Path, name: str) -> None:
    odd = move(data, data.parent / name)
    async with EmbeddedPostgres(odd) as database:
        assert kept(database) == []
    socket_dir = database._cluster.socket_dir
    assert not socket_dir.is_relative_to(odd)
    shutil.rmtree(socket_dir)


async def test_settings_in_the_environment_do_not_reach_the_server(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGPORT", "PGDATA", "PGHOST", "LANG"):
        monkeypatch.setenv(name, "6543")
    async with EmbeddedPostgres(data) as database:
        assert kept(database) == []


async def test_data_of_another_version_is_refused_with_what_to_do(data: Path) -> None:
    (data / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(CannotStartError, match=r"written by PostgreSQL 15 .* back it up"):
        await EmbeddedPostgres(data).start()


async def test_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CannotStartError, match="is a file, not a folder"):
        await EmbeddedPostgres(tmp_path / "data").start()


def test_data_folder_without_rights_is_refused(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, pathlib, sys\n"
        "from hubwell.runtime.embedded_postgres import EmbeddedPostgres\n"
        "if os.geteuid() == 0:\n"
        "    os.setuid(65534)\n"
        "asyncio.run(EmbeddedPostgres(pathlib.Path(sys.argv[1])).start())\n"
    )
    (tmp_path / "closed").mkdir(mode=0o500)
    command = [sys.executable, "-c", program, str(tmp_path / "closed" / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "CannotStartError: The data folder" in ended.stderr
    assert "is not writable for the user" in ended.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB: too small for the database files."""
    with mounted_disk(tmp_path / "disk", "12m") as folder:
        yield folder


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)


async def test_full_disk_is_named_and_a_larger_one_works_afterwards(small_disk: Path) -> None:
    with pytest.raises(CannotStartError, match=r"^The disk that holds .* is full: free some space"):
        await EmbeddedPostgres(small_disk / "data").start()
    enlarge(small_disk)
    async with EmbeddedPostgres(small_disk / "data") as database:
        write(database, "select 1")


async def test_folder_of_a_stranger_in_place_of_the_socket_is_refused() -> None:
    # A short path: under a long one the socket's folder would be elsewhere.
    with tempfile.TemporaryDirectory(prefix="hw-") as folder:
        socket = Path(folder) / "data" / "socket"
        socket.mkdir(parents=True)
        socket.chmod(0o777)
        with pytest.raises(CannotStartError, match="is not a private folder of the database"):
            await EmbeddedPostgres(socket.parent).start()


def close(folder: Path) -> None:
    folder.chmod(0o700)


def owners(folder: Path) -> set[str]:
    return {path.owner() for path in (folder, *folder.rglob("*"))}


def may(user: int, *command: str) -> bool:
    tried = subprocess.run(command, user=user, group=user, extra_groups=[], capture_output=True, check=False)
    return tried.returncode == 0


@AS_ROOT
async def test_root_starts_it_under_a_private_folder_and_only_the_server_may_pass(data: Path) -> None:
    private = data.parent / "private"
    moved = move(data, private, mode=0o700)
    async with EmbeddedPostgres(moved) as database:
        assert database.pid
        user = psutil.Process(database.pid).uids().real
        assert user != 0
        assert kept(database) == []
        assert may(user, "test", "-d", str(moved / "postgres"))
        assert not may(user, "ls", str(private))
        assert not may(65533, "test", "-d", str(moved / "postgres"))


@AS_ROOT
async def test_root_closing_the_folder_again_does_not_keep_it_from_starting(data: Path) -> None:
    for _ in range(2):
        close(data)
        async with EmbeddedPostgres(data) as database:
            assert kept(database) == []


@AS_ROOT
async def test_root_closing_the_folder_while_it_runs_does_not_keep_it_from_restarting(data: Path) -> None:
    """As after `chmod 700 /root`, and as each run of pytest closes the folder of all runs."""
    database = EmbeddedPostgres(data)
    await database.prepare()
    data.parent.chmod(0o700)
    await database._start()  # as the supervisor restarts it, without preparing it again
    await database.stop()


@AS_ROOT
async def test_files_copied_by_root_are_handed_to_the_server(data: Path) -> None:
    assert owners(data / "postgres") == {"root"}
    async with EmbeddedPostgres(data) as database:
        assert kept(database) == []
    assert "root" not in owners(data / "postgres")


async def test_stop_is_harmless_twice_and_frees_the_folder(data: Path) -> None:
    database = EmbeddedPostgres(data)
    await database.start()
    await database.stop()
    await database.stop()
    lock = DataLock(data)
    lock.acquire()
    lock.release()
