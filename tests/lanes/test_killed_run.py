"""A test run that is killed leaves no server and no files, neither on disk nor in memory."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lanes.paths import PROJECT
from lanes.servers import until

WAITING_TEST = """
import time
from pathlib import Path
from lanes.plain import plain

def test_waits_with_a_running_server():
    server = plain(on_disk=False)
    server.start()
    made = Path("made.part")
    made.write_text(f"{server.folder}\\n{server.pid}")
    made.rename("made")
    time.sleep(300)
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [[], ["-n", "1"]], ids=["one process", "a worker"])
def test_killed_run_leaves_nothing(tmp_path: Path, processes: list[str]) -> None:
    (tmp_path / "test_waiting.py").write_text(WAITING_TEST)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(PROJECT / "tests")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, *processes]
    run = subprocess.Popen(
        [*command, "--rootdir", str(tmp_path), "test_waiting.py"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    made = tmp_path / "made"
    for _ in until(120):
        if made.exists():
            break
    name, pid = made.read_text().split()
    assert (Path(name) / "data" / "PG_VERSION").exists()

    os.killpg(run.pid, signal.SIGKILL)
    run.wait()

    for _ in until(60):
        if not psutil.pid_exists(int(pid)) and not Path(name).exists():
            break
    assert not psutil.pid_exists(int(pid))
    assert not Path(name).exists()
