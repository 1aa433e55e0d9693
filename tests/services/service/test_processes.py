"""The processes as systemd sees them: ready, alive, hanging, stopped in order, alone under a name."""

import os
import signal
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import sleep

import psycopg
import pytest

from flows.system_processes import System, eventually
from hubwell.doctor import checks
from hubwell.doctor.finding import Finding
from hubwell.service import sign_of_life
from hubwell.service.sign_of_life import NameTakenError, SignOfLife
from lanes.brokers import Mosquitto
from lanes.database_lane import Database
from lanes.servers import free_port

pytestmark = pytest.mark.broker


@pytest.fixture
def system(database: Database, mosquitto: Mosquitto, tmp_path: Path) -> Iterator[System]:
    with System(tmp_path, database=database.url, broker=mosquitto.url) as running:
        yield running


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """Give the socket on which systemd listens for notifications."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        yield listening


def processes(database: Database) -> dict[str, Finding]:
    with psycopg.connect(database.url, autocommit=True) as conn:
        return {finding.part: finding for finding in checks._processes(conn)}


@pytest.mark.parametrize("kind", ["ingest", "worker", "api"])
def test_process_reports_to_systemd_and_ends_with_success(
    system: System, listener: socket.socket, tmp_path: Path, kind: str
) -> None:
    program = system.server(kind, http_port=str(free_port()))
    os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"] = str(tmp_path / "notify"), "200000"
    try:
        program.begin()
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    assert [listener.recv(100) for _ in range(4)] == [b"READY=1"] + 3 * [b"WATCHDOG=1"]
    os.kill(program.pid, signal.SIGTERM)
    while (heard := listener.recv(100)) == b"WATCHDOG=1":
        pass
    assert heard == b"STOPPING=1"
    assert program.wait(10) == 0, program.tail()
    assert "Traceback" not in program.said()


def test_doctor_finds_processes_that_run_hang_and_are_gone(
    system: System, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {finding.state for finding in processes(database).values()} == {"failed"}
    ingest, worker = system.ingest(), system.server("worker")
    worker.begin()
    eventually(lambda: processes(database)["worker"].state == "ok", "the worker is found")
    assert processes(database)["ingest"].found == "1 running: 1"

    os.kill(ingest.pid, signal.SIGSTOP)
    monkeypatch.setattr(sign_of_life, "HANGS_AFTER", timedelta(seconds=1))
    eventually(
        lambda: processes(database)["ingest"].state == "failed", "the stopped process is found", within=60
    )
    assert "hangs: 1 (for" in processes(database)["ingest"].found
    ingest.kill()
    eventually(lambda: "not running" in processes(database)["ingest"].found, "its end is found")


def test_second_ingest_takes_the_next_number(system: System, database: Database) -> None:
    first = system.server("ingest", name="first")
    second = system.server("ingest", name="second")
    first.begin("Connected to the broker")
    second.begin("Connected to the broker")
    assert processes(database)["ingest"].found == "2 running: 1, 2"
    assert "Lost the broker" not in first.said() + second.said()


async def test_name_of_a_running_process_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_of_life, "_LET_GO_S", 0.0)
    first = SignOfLife(database.url, "ingest", ("1",))
    assert await first.claim() == "1"
    with pytest.raises(NameTakenError, match=r"Another ingest process runs as 1: .* --worker"):
        await SignOfLife(database.url, "ingest", ("1",)).claim()
    await first._close()
    again = SignOfLife(database.url, "ingest", ("1",))
    assert await again.claim() == "1"
    await again._close()


def test_address_that_is_taken_is_a_sentence(system: System) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = system.server("api", http_port=str(taken.getsockname()[1]))
        done.begin("cannot be used")
        assert done.wait(10) == 1
    assert "Traceback" not in done.said()
    assert done.said().count("\n") == 1


def test_services_that_were_started_before_the_migration_recover_by_themselves(
    empty_database: Database, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with System(tmp_path, database=empty_database.url, broker=mosquitto.url) as early:
        programs = [early.server(kind, http_port=str(free_port())) for kind in ("ingest", "worker", "api")]
        for program in programs:
            program.begin()
        sleep(3)
        early.run("migrate")
        eventually(
            lambda: {finding.state for finding in processes(empty_database).values()} == {"ok"}, "both work"
        )
        lines = [line for program in programs for line in program.said().splitlines()]
    assert len(lines) < 60, lines
