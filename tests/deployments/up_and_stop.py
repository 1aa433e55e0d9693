"""Type `scripts/up` as the README does, wait for the board, and end it with Ctrl-C; runs with a bare Python.

Ends with an error if the board does not come within five minutes or `scripts/up` does not end with success.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

WITHIN_S = 300


def free_port() -> int:
    """Return a port that no program has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def board(port: int) -> str:
    """Return the page of the board, or nothing while there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            return str(response.read().decode())
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return ""


def main() -> int:
    """Return the exit code of `scripts/up`, or 1 if it shows no board."""
    begin, port = time.monotonic(), free_port()
    hub = subprocess.Popen(["scripts/up", "--port", str(port)], start_new_session=True)
    while "Wood workshop" not in board(port):
        if hub.poll() is not None or time.monotonic() > begin + WITHIN_S:
            note(f"no board after {time.monotonic() - begin:.0f} s")
            if hub.poll() is None:
                os.killpg(hub.pid, signal.SIGKILL)
            return 1
        time.sleep(0.2)
    note(f"the board is there after {time.monotonic() - begin:.0f} s")
    os.killpg(hub.pid, signal.SIGINT)
    code = hub.wait()
    note(f"Ctrl-C: exit {code}")
    return code


def note(text: str) -> None:
    """Write a line at once, between those of `scripts/up`."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
