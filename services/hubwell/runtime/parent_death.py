"""Runs a program that cannot outlive its parent process.

The kernel signals the program when its parent ends in any way (kill -9 included; Linux only), so a crash of
`hubwell up` leaves no process that holds a port or a data folder. The program can also run as another user:
PostgreSQL refuses to run as root.

This file is run by path in an isolated interpreter, because the alternative (`preexec_fn`) runs Python
between fork and exec in a process that has threads. The process id stays the same: this program replaces
itself by the other one (exec).
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
    """Return the command line that runs `command` and ends it with its parent, the calling process.

    The kernel watches the *thread* that starts the program, which must live as long as the program.

    :param on_parent_death: signal that the program gets when its parent has ended.
    :param user: user and group id to run as; needs root.
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
    """Request the signal from the kernel; after any change of user, which would clear the request.

    Raises OSError. Does nothing on other systems than Linux.
    """
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # the parent ended before the request
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
