"""Run a process of the server in a container, where no systemd watches it, and end it when it hangs.

``python -m hubwell.service.watch PROGRAM ARGUMENT...`` takes systemd's place: the process reports its life by
sd_notify(3), as under a unit with WatchdogSec; without a report for `LIMIT_S` it is killed, and the
container's restart policy starts it again. Until its first report it has `START_LIMIT_S`. ``--healthy``
succeeds while the last report is young: the container's health. Other commands, such as a backup typed as
``docker-compose run api backup``, report nothing: they take the place of this program and are not watched.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Final

LIMIT_S: Final = float(os.environ.get("WATCHDOG_LIMIT_S", "60"))
"""Seconds without a report after which the process is killed. It reports at half of that."""
START_LIMIT_S: Final = 5 * LIMIT_S
"""Seconds until the first report: on a busy machine a start is slow, and one that is killed begins again."""
_PROCESSES: Final = frozenset({"api", "ingest", "worker"})
"""Commands of `hubwell` that run until they are stopped, and report their life."""
_HEARD: Final = Path(tempfile.gettempdir()) / "hubwell-heard"
_HEALTHY_S: Final = LIMIT_S * 0.75
_SIGNALLED: Final = 128  # the exit code of a process that a signal ended is this and the signal's number


def watch(command: list[str]) -> int:
    """Run `command` until it ends, pass SIGTERM and SIGINT on to it, and return its exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reports:
        address = f"hubwell-watch-{os.getpid()}"
        reports.bind("\0" + address)  # the abstract namespace: no file, and only this container reaches it
        reports.settimeout(0.5)
        settings = {"NOTIFY_SOCKET": f"@{address}", "WATCHDOG_USEC": str(round(LIMIT_S * 1_000_000))}
        with subprocess.Popen(command, env=os.environ | settings) as process:
            _pass_on_signals(process)
            status = _wait(process, reports)
    return status if status >= 0 else _SIGNALLED - status


def healthy() -> bool:
    """Return whether the process reported lately."""
    try:
        return time.time() - _HEARD.stat().st_mtime < _HEALTHY_S
    except FileNotFoundError:
        return False


def _wait(process: subprocess.Popen[bytes], reports: socket.socket) -> int:
    heard, limit = time.monotonic(), START_LIMIT_S
    while process.poll() is None:
        try:
            if reports.recv(256).startswith((b"WATCHDOG=1", b"READY=1")):
                heard, limit = time.monotonic(), LIMIT_S
                _HEARD.touch()
        except TimeoutError:
            pass
        if time.monotonic() - heard > limit:
            sys.stderr.write(f"no sign of life for {limit:g} s: the process is ended\n")
            process.kill()
            break
    return process.wait()


def _pass_on_signals(process: subprocess.Popen[bytes]) -> None:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)


def main(arguments: list[str]) -> int:
    """Run the program of the arguments; with ``--healthy`` report its health by the exit code."""
    if arguments == ["--healthy"]:
        return int(not healthy())
    if _PROCESSES.isdisjoint(arguments[1:]):
        os.execvp(arguments[0], arguments)  # noqa: S606 - the command of the container, as it was typed
    return watch(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
