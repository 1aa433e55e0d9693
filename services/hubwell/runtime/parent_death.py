"""Runs a program that cannot outlive the process that started it.

A program started through here is killed by the kernel when its starter is gone, however the starter ended
(kill -9 included), so a crash of `hubwell up` leaves nothing behind that holds a port or a data folder. It
can also be handed to another user: PostgreSQL refuses to run as root.

It is a file of its own, run by path in an isolated interpreter, because the alternative (`preexec_fn`) runs
Python between fork and exec in a process that has threads. The process id stays: this program becomes the
other one.
"""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PARENT_IS_GONE = 3


def leashed(
    command: Sequence[str | os.PathLike[str]],
    *,
    on_parent_death: signal.Signals = signal.SIGKILL,
    user: tuple[int, int] | None = None,
) -> list[str]:
    """Make the command line that runs `command` on a leash held by the process that will start it.

    The leash is held by the *thread* that starts it, which must live as long as the program.

    :param on_parent_death: what the program is sent when its starter is gone.
    :param user: user and group id to become first; needs root.
    """
    become = [] if user is None else ["--user", f"{user[0]}:{user[1]}"]
    return [
        sys.executable,
        "-I",
        "-S",
        str(Path(__file__)),
        "--parent",
        str(os.getpid()),
        "--signal",
        str(int(on_parent_death)),
        *become,
        "--",
        *(os.fspath(part) for part in command),
    ]


def _become(user: str) -> None:
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)


def _die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for the signal; after any change of user, which would clear the request."""
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the request was made
        sys.exit(_PARENT_IS_GONE)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.user:
        _become(arguments.user)
    _die_with(arguments.parent, arguments.signal)
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606  (no shell is the point)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run a program that ends when its starter ends.")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("command", nargs="+")
    return parser


if __name__ == "__main__":
    _run(_parser().parse_args())
