"""Starts servers for tests as processes that end with the test run, however it ends."""

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from lanes.missing_part import missing

_POLL = 0.02  # seconds
_STRIDE, _SHARE = 1500, 1400  # ports from one process's first to the next one's; how many of them it uses


def _own_ports() -> Iterator[int]:
    """Give the ports of this process's share over and over, from anywhere in it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    share = range(20_000 + worker * _STRIDE, 20_000 + worker * _STRIDE + _SHARE)
    begin = random.randrange(_SHARE)
    return itertools.cycle([*share[begin:], *share[:begin]])


_PORTS = _own_ports()


def free_port(*, row: int = 1) -> int:
    """Return a TCP port that nobody listens on, the first of so many in a row.

    Below those that the system gives to outgoing connections, and from a share that no other process of the
    test run takes from: what is free when it is found would else be taken when a server wants it.
    """
    for first in _PORTS:
        ports = range(first, first + row)
        if all(_is_free(port) for port in ports):
            for _ in ports[1:]:
                next(_PORTS)
            return first
    raise AssertionError("the ports do not end")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Tell whether something on loopback accepts connections at this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def until(deadline: float) -> Iterator[None]:
    """Yield about every 20 ms while there is time; `deadline` is in seconds from now."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        yield
        time.sleep(_POLL)


def leashed(
    command: Sequence[str], *, ends_by: signal.Signals = signal.SIGKILL, user: tuple[int, int] | None = None
) -> list[str]:
    """Let the kernel end the process when the test run is gone, kill -9 included.

    By setpriv of util-linux; where that is missing, the fixtures' own clean-up has to do.

    :param user: user and group id to become; in the same step, for a change of user clears the leash.
    """
    leash = shutil.which("setpriv")
    if leash is None and user is not None:
        missing("setpriv (PostgreSQL does not run as root)", "install util-linux, or run the tests as a user")
    if leash is None:
        return [*command]
    become = [] if user is None else [f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups"]
    return [leash, *become, "--pdeathsig", ends_by.name.removeprefix("SIG"), "--", *command]


class Server:
    """One program in the background: out of reach of the terminal's Ctrl-C, stopped by its fixture."""

    def __init__(self, name: str, command: Sequence[str], log: Path, *, cwd: Path | None = None) -> None:
        self.name = name
        self._command = [*command]
        self._log = log
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id; an error when it was never started or was stopped."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], *, within: float = 60) -> None:
        """Start and wait until `ready()`; what it wrote is in the error when it ends before."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._cwd,
                start_new_session=True,
            )
        for _ in until(within):
            if not self.running:
                break
            if ready():
                return
        self.kill()
        raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text(errors='replace')[-4000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM, *, within: float = 20) -> None:
        """Ask it to stop, wait, and kill it if it does not. Harmless when it is not running."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it and its children as a power cut would."""
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):  # it may just have ended by itself
            children = psutil.Process(self._process.pid).children(recursive=True)
            self.stop(signal.SIGKILL)
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            psutil.wait_procs(children)
        self.stop(signal.SIGKILL)
