"""A process in a container under `watch`: its reports are its health, its silence ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lanes.servers import until

LIVES = """
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
address = "\\0" + os.environ["NOTIFY_SOCKET"][1:]
for left in range(int(sys.argv[1]), -1, -1):
    if left:
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"WATCHDOG=1", address)
    time.sleep(float(os.environ["WATCHDOG_USEC"]) / 4_000_000)
time.sleep(60)
"""
WATCH = [sys.executable, "-m", "hubwell.service.watch"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"WATCHDOG_LIMIT_S": "2", "TMPDIR": str(tmp_path)}


def start(environment: dict[str, str], reports: int) -> subprocess.Popen[str]:
    command = [*WATCH, sys.executable, "-c", LIVES, str(reports), "worker"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def healthy(environment: dict[str, str]) -> bool:
    return subprocess.run([*WATCH, "--healthy"], env=environment, check=False).returncode == 0


def test_reports_are_health(environment: dict[str, str]) -> None:
    assert not healthy(environment)
    with start(environment, reports=1000) as process:
        assert any(healthy(environment) for _ in until(20))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 7, "the signal reaches the process, its exit code comes back"


def test_silence_ends_the_process(environment: dict[str, str]) -> None:
    with start(environment, reports=1) as process:
        _, said = process.communicate(timeout=30)
        assert process.returncode == 128 + signal.SIGKILL
    assert said == "no sign of life for 2 s: the process is ended\n"
    assert not healthy(environment)


def test_slow_start_is_no_silence(environment: dict[str, str]) -> None:
    slow = f"import time; time.sleep(4); exec({LIVES!r})"
    command = [*WATCH, sys.executable, "-c", slow, "1000", "worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert any(healthy(environment) for _ in until(20))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 7


def test_start_without_end_is_ended(environment: dict[str, str]) -> None:
    with start(environment | {"WATCHDOG_LIMIT_S": "0.2"}, reports=0) as process:
        _, printed = process.communicate(timeout=30)
        assert process.returncode == 128 + signal.SIGKILL
    assert printed == "no sign of life for 1 s: the process is ended\n"


def test_command_that_reports_nothing_takes_its_time(environment: dict[str, str]) -> None:
    silent = "import sys, time; time.sleep(5); sys.exit(5)"
    command = [*WATCH, sys.executable, "-c", silent, "backup"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (5, "")


def test_exit_code_is_that_of_the_program(environment: dict[str, str]) -> None:
    done = subprocess.run([*WATCH, sys.executable, "-c", "raise SystemExit(3)"], env=environment, check=False)
    assert done.returncode == 3
