"""`run`, which runs Mosquitto in a container: what changes is applied, and a broker that hangs is ended."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lanes.brokers import mosquitto_program
from lanes.servers import Server, accepts, free_port, leashed, until

RUN = Path(__file__).resolve().parents[2] / "firmware_configs" / "mosquitto" / "run"
WITHIN_S = 30.0


@dataclass(frozen=True)
class Running:
    """A broker under `run`, with its files."""

    folder: Path
    port: int
    health: int
    server: Server

    @property
    def broker(self) -> psutil.Process:
        """The process of Mosquitto itself."""
        children = psutil.Process(self.server.pid).children()
        return next(process for process in children if process.name() == "mosquitto")

    def healthy(self) -> bool:
        done = subprocess.run(
            [str(RUN), "-f", str(self.folder), "--healthy"], env=self.environment(), timeout=10, check=False
        )
        return done.returncode == 0

    def environment(self) -> dict[str, str]:
        return environment(self.folder, self.health)

    def said(self) -> str:
        return (self.folder / "log").read_text()


def environment(folder: Path, health: int) -> dict[str, str]:
    return os.environ | {
        "HUBWELL_BROKER_HEALTH": f"127.0.0.1:{health}",
        "HUBWELL_BROKER_SILENT_S": "4",
        "TMPDIR": str(folder),
    }


@pytest.fixture(params=["2.1.2"])
def running(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    """Mosquitto under `run`, which is told that its version is that of the parameter."""
    port, health = free_port(), free_port()
    for name, value in environment(tmp_path, health).items():
        monkeypatch.setenv(name, value)
    for name in ("passwords", "acl", "server.crt"):
        (tmp_path / name).touch()
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(
        f"per_listener_settings true\nuser root\nsys_interval 1\nlog_type all\n"
        f"listener {port} 127.0.0.1\npassword_file {tmp_path}/passwords\n"
        f"listener {health} 127.0.0.1\nallow_anonymous true\nacl_file {RUN.with_name('health.acl')}\n"
    )
    program = tmp_path / "mosquitto"
    version = f'[ "$1" = -h ] && echo "mosquitto version {request.param}" && exit 1'
    program.write_text(f'#!/bin/sh\n{version}\nexec {mosquitto_program()} "$@"\n')
    program.chmod(0o755)
    command = leashed([str(RUN), "-f", str(tmp_path), str(program), "-c", str(configuration)])
    server = Server("run", command, tmp_path / "log")
    server.start(lambda: accepts(port))
    hub = Running(tmp_path, port, health, server)
    yield hub
    server.kill()


def wait_for_end(running: Running) -> None:
    assert any(not running.server.running for _ in until(WITHIN_S)), running.said()


def can_log_in(running: Running, name: str, password: str) -> bool:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(running.port), "-u", name, "-P", password]
    return subprocess.run([*command, "-t", "t", "-m", "m"], capture_output=True, check=False).returncode == 0


def add_account(running: Running) -> None:
    add = [str(RUN.with_name("add-account")), "-f", str(running.folder), "device", "room-1"]
    subprocess.run(add, env=os.environ | {"HUBWELL_ACCOUNT_PASSWORD": "secret"}, check=True, timeout=10)


@pytest.mark.parametrize("running", ["2.0.11", "2.1.2"], indirect=True)
def test_new_account_is_let_in_without_a_reload_by_hand(running: Running) -> None:
    assert not can_log_in(running, "room-1", "secret")
    add_account(running)
    before = running.broker.pid
    assert any(can_log_in(running, "room-1", "secret") for _ in until(WITHIN_S)), running.said()
    assert running.broker.pid == before


@pytest.mark.parametrize("running", ["2.0.15", "2.0.21", "2.0.30"], indirect=True)
def test_new_account_restarts_a_broker_that_a_reload_may_crash(running: Running) -> None:
    add_account(running)
    wait_for_end(running)
    assert "may crash when it reads them again: it starts again" in running.said()
    assert "terminating" in running.said()
    assert "Reloading" not in running.said()


def test_new_certificate_ends_the_broker_in_order(running: Running) -> None:
    (running.folder / "server.crt").write_text("new")
    wait_for_end(running)
    assert "the certificate changed: Mosquitto starts again" in running.said()
    assert "terminating" in running.said()


def test_it_ends_with_the_broker_and_leaves_no_process(running: Running) -> None:
    everything = psutil.Process(running.server.pid).children(recursive=True)
    running.broker.kill()
    wait_for_end(running)
    gone, alive = psutil.wait_procs(everything, timeout=5)
    assert gone
    assert not alive


def test_terminated_it_ends_the_broker_in_order(running: Running) -> None:
    running.server.stop(signal.SIGTERM)
    assert "terminating" in running.said()


def test_health_is_an_answer_of_the_broker_and_silence_ends_it(running: Running) -> None:
    assert any(running.healthy() for _ in until(WITHIN_S))
    time.sleep(6)  # longer than the silence that ends it
    assert running.server.running, running.said()
    running.broker.suspend()
    wait_for_end(running)
    assert "has not answered for 4 s" in running.said()


def test_health_port_gives_nothing_else_away(running: Running) -> None:
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(running.health), "-v", "-W", "3"]
    command += ["-u", "hubwell-health", "-P", "hubwell-health"]
    command += ["-t", "#", "-t", "$SYS/#"]
    heard = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout
    assert {line.split()[0] for line in heard.splitlines()} == {"$SYS/broker/uptime"}
