"""The real processes of a flow, each started as its user starts it, and ended with the test.

`hubwell` processes get their settings by environment, `hubwell-edge` by options or a device file.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from feed.ingest_setup import CLOSING
from lanes.servers import Server, leashed, until

_CONNECTED = "Connected to the broker"


class Program(Server):
    """A process whose log and end a test can wait for."""

    def __init__(self, name: str, command: list[str], folder: Path, env: Mapping[str, str]) -> None:
        self.log = folder / f"{name}.log"
        self._read_from = 0
        super().__init__(name, leashed(["env", *(f"{k}={v}" for k, v in env.items()), *command]), self.log)

    def begin(self, says: str = "", *, within: float = 60) -> None:
        """Start it; wait until this life of it has said something, if a text is given."""
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        self.start(lambda: says in self.said(), within=within)

    def said(self) -> str:
        """What this life of it has written so far."""
        with self.log.open("rb") as file:
            file.seek(self._read_from)
            return file.read().decode(errors="replace")

    def wait(self, within: float) -> int:
        """Wait for its own end and return the exit code."""
        assert self._process is not None, f"{self.name} was not started"
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {within} s:\n{self.tail()}") from None

    def tail(self) -> str:
        """The end of what it wrote, for a failure's report."""
        return self.said()[-3000:]


class System:
    """One database, one broker, and the processes that a test puts between them."""

    def __init__(
        self,
        folder: Path,
        *,
        database: str,
        broker: str,
        device_broker: str | None = None,
        site: str = "hub",
        **settings: str,
    ) -> None:
        """`settings` are further HUBWELL_ variables; devices connect to `device_broker` if it is given.

        Badges that nobody enrolled are counted, and the hub does not close soon.
        """
        self.folder = folder
        self.database = database
        self.broker = broker
        self.device_broker = device_broker or broker
        self.site = site
        self._programs: list[Program] = []
        self._env = {
            "HUBWELL_DATABASE_URL": database,
            "HUBWELL_BROKER_URL": broker,
            "HUBWELL_SITE": site,
            "HUBWELL_KEYS_DIR": str(folder / "keys"),
            "HUBWELL_UNKNOWN_BADGES": "count",
            "HUBWELL_CLOSING_TIME": CLOSING.isoformat(),
            **{f"HUBWELL_{name.upper()}": value for name, value in settings.items()},
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in reversed(self._programs):
            program.stop(signal.SIGTERM, within=5)

    def ingest(self, worker: str = "1", **settings: str) -> Program:
        """Start an ingest process and wait until it is subscribed."""
        program = self.server("ingest", "--worker", worker, name=f"ingest-{worker}", **settings)
        program.begin(_CONNECTED)
        return program

    def server(self, *arguments: str, name: str = "", **settings: str) -> Program:
        """Make a `hubwell` process; not started yet."""
        env = self._env | {f"HUBWELL_{key.upper()}": value for key, value in settings.items()}
        return self._add(name or arguments[0], [sys.executable, "-m", "hubwell", *arguments], env)

    def edge(self, *arguments: str, name: str = "edge", env: Mapping[str, str] | None = None) -> Program:
        """Make a `hubwell-edge` process; not started yet."""
        return self._add(name, [sys.executable, "-m", "hubwell_edge", *arguments], env or {})

    def simulator(self, *arguments: str, data: str = "sim", name: str = "simulate") -> Program:
        """Make a simulated hub of this site, as fast as can be; not started yet."""
        options = ["--broker", self.device_broker, "--data", str(self.folder / data), "--site", self.site]
        return self.edge("simulate", *options, "--speed", "max", *arguments, name=name)

    def replay(self, file: Path, layout: Path, device: str, *options: str) -> Program:
        """Make a replay of a recorded file; not started yet."""
        where = ["--broker", self.device_broker, "--site", self.site, "--device", device]
        return self.edge("replay", str(file), "--map", str(layout), *where, *options, name=f"replay-{device}")

    def agent(
        self,
        device: str,
        settings: Mapping[str, Any],
        *,
        name: str = "",
        outbox: str = "",
        chips: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Program:
        """Make an agent over a device file with these values; not started yet.

        `chips` puts models in place of the hardware, `env` is added to its environment.
        """
        name = name or device
        base: dict[str, Any] = {
            "site": self.site,
            "device": device,
            "clock": "trust",
            "broker": {"url": self.device_broker, "resend_s": 1.0},
            "outbox": {"dir": str(self.folder / "outbox" / (outbox or name))},
        }
        file = self.folder / f"{name}.toml"
        file.write_text("\n".join(_toml(_merged(base, settings))))
        options = ["--simulate-hardware"] if chips else []
        return self.edge("run", "--config", str(file), *options, name=name, env=env)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a `hubwell` command to its end."""
        return subprocess.run(
            leashed([sys.executable, "-m", "hubwell", *arguments]),
            env={**os.environ, **self._env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def audit(self, *options: str) -> dict[str, Any]:
        """Return what `hubwell audit --json` says about the last ten years or more."""
        done = self.run("audit", "--json", "--days", "6000", *options)
        assert done.stdout, done.stderr
        account: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if account["clean"] else 1)
        return account

    def _add(self, name: str, command: list[str], env: Mapping[str, str]) -> Program:
        program = Program(name, command, self.folder, env)
        self._programs.append(program)
        return program


def eventually(true: Callable[[], bool], what: str, *, within: float = 30) -> None:
    """Wait until something holds, or fail saying what did not."""
    for _ in until(within):
        if true():
            return
    raise AssertionError(f"not within {within:g} s: {what}")


def total(account: Mapping[str, Any], field: str) -> int:
    """Sum one column of an audit over its devices and days."""
    return sum(int(day[field]) for day in account["days"])


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def _toml(values: Mapping[str, Any], inside: str = "") -> list[str]:
    """Write the few shapes that a device file has: values, tables, and `[[sensor]]`, also nested."""
    plain = {key: value for key, value in values.items() if not isinstance(value, dict | list)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for key, value in values.items():
        name = f"{inside}{key}"
        if isinstance(value, dict):
            lines += [f"[{name}]", *_toml(value, f"{name}.")]
        elif isinstance(value, list):
            for table in value:
                lines += [f"[[{name}]]", *_toml(table, f"{name}.")]
    return lines
