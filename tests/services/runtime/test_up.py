"""`hubwell up` as a person types it: the real parts, real kills, and what is said."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from hubwell.runtime.endpoints import Running
from process_end import has_ended

WITHIN = 90.0  # seconds; two cores, and other tests beside this one
PARTS = {"ingest", "api", "worker", "postgres", "broker"}


class Up:
    """One `hubwell up` in a process of its own."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.output = data.parent / "output"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUBWELL_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hubwell", "up", "--data", str(data), *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    def said(self) -> str:
        return self.output.read_text()

    def page(self) -> str:
        """Wait for the address."""
        until(lambda: "Hubwell is up" in self.said() or self.process.poll() is not None, self.said)
        addresses = re.findall(r"Hubwell is up: +(http://\S+)", self.said())
        assert len(addresses) == 1, self.said()
        return str(addresses[0])

    def parts(self) -> dict[str, psutil.Process]:
        """The children by name; those that have ended and not been collected yet do not count."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):
                words = " ".join(child.cmdline())
                name = next((name for name in PARTS if re.search(rf"(?:\b|_){name}\b", words)), None)
                if name and "parent_death.py" not in words:
                    found[name] = child
        return found

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN)


def until(true: Callable[[], bool], otherwise: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)


def is_healthy(page: str) -> bool:
    try:
        return httpx.get(f"{page}/api/v1/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def remember(data: Path, text: str) -> None:
    running = Running.over(data)
    assert running
    with psycopg.connect(running.database_url) as connection:
        connection.execute("create table if not exists kept (text text)")
        connection.execute("insert into kept values (%s)", [text])


def remembered(data: Path) -> list[str]:
    running = Running.over(data)
    assert running
    with psycopg.connect(running.database_url) as connection:
        return [row[0] for row in connection.execute("select text from kept order by text").fetchall()]


def others_may_read(path: Path) -> bool:
    """Return whether group or others have rights; the group's `x` is the mask of an access control list.

    The database's socket is open to all, in a folder that is not.
    """
    return not (path.is_symlink() or path.is_socket()) and bool(path.stat().st_mode & 0o067)


@pytest.fixture
def started() -> Iterator[list[Up]]:
    """Every `hubwell up` of a test, ended afterwards."""
    all_of_them: list[Up] = []
    yield all_of_them
    for up in all_of_them:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


@pytest.mark.slow
def test_up_heals_after_kills_stops_clean_and_continues_with_its_data(
    tmp_path: Path, started: list[Up]
) -> None:
    data = tmp_path / "data"
    up = Up(data, "--port", "0", "--no-demo")
    started.append(up)
    page = up.page()
    assert page.startswith("http://localhost:")  # a name: passkeys belong to no number
    by_number = page.replace("localhost", "127.0.0.1")
    led = httpx.get(f"{by_number}/devices", headers={"accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (307, f"{page}/devices")
    assert is_healthy(page)
    remember(data, "a committed row")
    assert set(up.parts()) == PARTS
    assert not [path for path in (data, *data.rglob("*")) if others_may_read(path)]

    # kill -9 of any part heals by itself, at the same addresses
    addresses = Running.over(data)
    for name in sorted(PARTS):
        victim = up.parts()[name]
        victim.kill()
        until(lambda: up.parts().get(name, victim) != victim, up.said)  # noqa: B023  (called in this round)
        until(lambda: is_healthy(page), up.said)
    assert Running.over(data) == addresses
    assert up.said().count("was ended by SIGKILL; it is restarted. Its log:") == len(PARTS)

    # a second instance is refused in one sentence
    second = subprocess.run(up.process.args, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert second.returncode == 1
    assert (
        second.stderr == f"Hubwell is already running with the data in {data} (process {up.process.pid}).\n"
    )

    # kill -9 of the whole leaves nothing behind
    parts = list(up.parts().values())
    up.process.kill()
    up.process.wait()
    until(lambda: all(has_ended(part) for part in parts))
    assert Running.over(data) is None

    # the next start goes on with the same data, and Ctrl-C ends it quietly
    again = Up(data, "--port", "0", "--no-demo")
    started.append(again)
    again.page()
    assert remembered(data) == ["a committed row"]
    parts = list(again.parts().values())
    assert len(parts) == len(PARTS)
    assert again.interrupt() == 0
    assert all(has_ended(part) for part in parts)
    assert again.said().splitlines()[-1] == f"Hubwell is stopped; the data is in {data}."
    assert "Traceback" not in again.said()


def replayed(folder: Path) -> str:
    """Replay a file as README says, beside the hub over `folder/data`; return what it printed."""
    (folder / "room.csv").write_text("time,co2\n2026-01-05T10:00:00Z,600\n")
    (folder / "room.toml").write_text(
        '[time]\ncolumns = ["time"]\nformat = "%Y-%m-%dT%H:%M:%SZ"\nzone = "UTC"\n'
        '[[columns]]\ncolumn = "co2"\nseries = "room/co2"\nunit = "ppm"\n'
    )
    environment = os.environ | {"HUBWELL_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "hubwell_edge", "replay", "room.csv", "--map", "room.toml"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_demo_shows_a_board_with_live_data(tmp_path: Path, started: list[Up]) -> None:
    up = Up(tmp_path / "data", "--port", "0")
    started.append(up)
    body = httpx.get(f"{up.page()}/api/v1/spaces").text
    assert body.count('"last_heard":"20') >= 8, body
    assert "Not everything is ready" not in up.said()
    assert "There are no badge readers here" not in httpx.get(f"{up.page()}/privacy").text
    until(lambda: "/setup?code=" in up.said(), up.said)
    assert "device 'replay' is not registered" in replayed(tmp_path)
    setup = re.findall(r"http://\S+/setup\S+", up.said())[0]
    assert "Set up the hub" in httpx.get(setup, headers={"accept": "text/html"}).text
    assert up.interrupt() == 0


def test_taken_port_is_refused_in_one_sentence(tmp_path: Path, started: list[Up]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        up = Up(tmp_path / "data", "--port", str(port))
        started.append(up)
        assert up.process.wait(WITHIN) == 1
    assert re.fullmatch(
        rf"Port {port} is taken by another program: choose another one, for example --port \d+\.\n", up.said()
    )


def test_data_folder_that_is_a_file_is_refused_in_one_sentence(tmp_path: Path, started: list[Up]) -> None:
    (tmp_path / "data").write_text("")
    up = Up(tmp_path / "data")
    started.append(up)
    assert up.process.wait(WITHIN) == 1
    assert up.said() == f"{tmp_path / 'data'} is a file, not a folder: choose another one with --data.\n"
