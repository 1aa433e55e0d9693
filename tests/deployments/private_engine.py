"""A Docker Engine for tests: its data in one folder, processes, mounts and network in namespaces.

While images are built the engine uses the machine's network, without a bridge or a firewall rule. While
containers run it is in a new network namespace, so that bridges, rules and published ports vanish with it.
The engine is the first process of a process namespace: when it is killed, so is all that it started.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from lanes.missing_part import missing
from lanes.servers import leashed

PROGRAMS: Final = ("dockerd", "docker-compose", "mmdebstrap", "nsenter", "unshare")
_DEBIAN: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Debian's own programs only, so that each machine runs the same client."""
_STARTS_WITHIN_S: Final = 60


class PrivateEngine:
    """The engine, stopped at first; `folder` keeps its images from one run to the next."""

    def __init__(self, folder: Path) -> None:
        """Choose the folder; skips the test where a program or the right to use it is missing."""
        for program in PROGRAMS:
            if shutil.which(program, path=_DEBIAN) is None:
                missing(program, "scripts/test-compose installs it")
        if os.geteuid() != 0:
            missing("the right to run a Docker Engine", "run scripts/test-compose as root")
        self._folder = folder
        self._path = _DEBIAN
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Environment of client programs: Debian's programs, this engine, nothing of the caller's Hubwell."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBWELL_")}
        return inherited | {
            "PATH": self._path,
            "DOCKER_HOST": f"unix://{self._folder}/socket",
            "DOCKER_BUILDKIT": "1",
        }

    def use_compose(self, folder: Path) -> None:
        """Take `docker-compose` from this folder instead of Debian's."""
        self._path = f"{folder}:{_DEBIAN}"

    def forget_containers(self) -> None:
        """Remove what an interrupted run left, images excepted; to be called before the first start."""
        for remains in ("containers", "volumes", "network"):
            shutil.rmtree(self._folder / "data-root" / remains, ignore_errors=True)

    def start(self, *, builds: bool = False) -> None:
        """Start it and wait until it answers: for building images, or else for running containers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for remains in ("exec-root", "pidfile"):  # on a real machine they are gone after a power cut
            path = self._folder / remains
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        command = ["dockerd", "--host", f"unix://{self._folder}/socket", "--group", "root"]
        for option in ("data-root", "exec-root", "pidfile"):
            command += [f"--{option}", str(self._folder / option)]
        namespaces = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if builds:
            command = [*namespaces, *command, "--bridge=none", "--iptables=false", "--ip-forward=false"]
        else:
            command = [*namespaces, "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                leashed(command),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(_STARTS_WITHIN_S * 10):
            if self.docker("info", check=False).returncode == 0:
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the engine did not start; the end of its log:\n{self._log_end()}")

    def stop(self) -> None:
        """Stop it and its containers in order; harmless when it is not running."""
        self._end(signal.SIGTERM)

    def cut_power(self) -> None:
        """End the engine and every process of its containers at once, as when the machine loses its power."""
        self._end(signal.SIGKILL)

    def kill(self, process: int) -> None:
        """End a process of a container; `process` is its id as the engine shows it."""
        enter = ["nsenter", "--target", str(self._pid), "--pid", "--mount", "--"]
        self.run([*enter, "kill", "-KILL", str(process)])

    @property
    def _pid(self) -> int:
        """The engine's process id on the machine."""
        assert self._process is not None, "the engine is not running"
        return psutil.Process(self._process.pid).children()[0].pid

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            with suppress(IndexError):  # it may have ended by itself
                os.kill(self._pid, how)
            self._process.wait(120)
            self._process = None

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Docker's client; its output is in the error when it fails."""
        return self.run(["docker", *arguments], check=check)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        check: bool = True,
        typed: str = "",
        within_s: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a client program that speaks to this engine; `typed` is its input."""
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=cwd,
            input=typed,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done

    def inside(self, command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program in the network namespace of the containers: published ports are on its loopback."""
        return self.run([*self._network, *command], check=check)

    @contextmanager
    def beside(self, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Keep a program running in that namespace, with a pipe as its input."""
        called = leashed([*self._network, *command])
        with subprocess.Popen(called, env=self.environment, stdin=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.terminate()
                process.wait(60)  # before its input is closed

    @property
    def _network(self) -> list[str]:
        return ["nsenter", "--target", str(self._pid), "--net", "--"]

    def _log_end(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-2000:]
