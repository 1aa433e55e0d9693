"""A hub on Docker Compose as its operator has it: a clone of the project, a shell, and the guide."""

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deployments.guide import PROJECT, commands
from deployments.private_engine import PrivateEngine

HEALTHY_WITHIN_S = 180
_SUSPEND = """
for status in /proc/[0-9]*/cmdline; do
    if tr '\\0' ' ' <"$status" | grep -v service.watch | grep -v sh | grep -q "$1"; then
        process=${status%/cmdline}
        kill -STOP "${process#/proc/}"
    fi
done
"""


class ComposeHub:
    """The operator's clone and what they type in it."""

    def __init__(self, engine: PrivateEngine, folder: Path, *, revision: str = "HEAD") -> None:
        """Clone the project's revision into `folder`, whose name is the project's for Compose."""
        self.engine = engine
        self.folder = folder
        self.typed: list[str] = []
        self._guide = commands("With Docker Compose")
        here = f"--quiet file://{PROJECT} {folder.name} && cd {folder.name}"
        clone = {"https://git.example/hubwell.git && cd hubwell": here}
        self.type("git clone", changes=clone, where=folder.parent)
        self.run(["git", "checkout", "--quiet", revision])

    def type(
        self,
        beginning: str,
        *more: str,
        changes: Mapping[str, str] = MappingProxyType({}),
        check: bool = True,
        typed: str = "",
        where: Path | None = None,
    ) -> str:
        """Run the guide's command that begins so, with an operator's changes, and return its output.

        `changes` are words of the command and what replaces them, `more` is appended, `typed` is its input,
        `where` the folder if it is not the clone.
        """
        (command,) = [line for line in self._guide if line.startswith(beginning)]
        self.typed.append(command)
        for word, other in changes.items():
            command = command.replace(word, other)
        # There is no terminal here.
        command = command.replace("docker-compose exec ", "docker-compose exec -T ")
        return self.run(["sh", "-c", " ".join([command, *more])], check=check, typed=typed, where=where)

    def untyped(self) -> set[str]:
        """Return the guide's commands that were not typed yet."""
        return set(self._guide) - set(self.typed)

    def compose(self, *arguments: str, check: bool = True, typed: str = "") -> str:
        """Run docker-compose in the clone and return what it printed."""
        return self.run(["docker-compose", *arguments], check=check, typed=typed)

    def exec(self, service: str, *command: str, check: bool = True) -> str:
        """Run a command in a service's container and return its output."""
        done = self.engine.docker("exec", self.container(service), *command, check=check)
        return done.stdout + done.stderr

    def hubwell(self, *arguments: str, check: bool = True) -> str:
        """Run `hubwell` in the container of the pages."""
        return self.exec("api", "hubwell", *arguments, check=check)

    def sql(self, query: str, *, superuser: str = "postgres") -> str:
        """Return what the database answers, without headings."""
        command = ["psql", "--no-psqlrc", "-qAt", "-U", superuser, "-d", "hubwell", "-c", query]
        return self.exec("database", *command).strip()

    def run(
        self, command: list[str], *, check: bool = True, typed: str = "", where: Path | None = None
    ) -> str:
        """Run a program in the clone, or `where`, and return what it printed on both outputs."""
        done = self.engine.run(command, cwd=where or self.folder, check=check, typed=typed, within_s=600)
        return done.stdout + done.stderr

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        return self.named(service)[0]

    def named(self, service: str = "") -> list[str]:
        """Return the ids of a service's containers, or of all."""
        label = "label=com.docker.compose."
        filters = [f"{label}project={self.folder.name}", f"{label}oneoff=False"]
        filters += [f"{label}service={service}"] if service else []
        chosen = [option for one in filters for option in ("--filter", one)]
        return self.engine.docker("ps", "-aq", *chosen).stdout.split()

    def page(self, path: str, *options: str, port: int = 8000) -> tuple[int, str]:
        """Return the status and the body of a page; 0 where nothing answers. `options` go to curl."""
        curl = ["curl", "--silent", "--max-time", "60", "--write-out", "\n%{http_code}", *options]
        done = self.engine.inside([*curl, f"http://127.0.0.1:{port}{path}"], check=False)
        body, _, status = done.stdout.rpartition("\n")
        return int(status or 0), body

    def board(self) -> dict[str, str]:
        """Return the state of each space on the board, by its id; nothing while there is no board."""
        status, body = self.page("/api/v1/spaces")
        return {one["id"]: one["state"] for one in json.loads(body)["spaces"]} if status == 200 else {}

    def lets_in(self, password: str, device: str = "joinery-1") -> bool:
        """Return whether the broker takes the device's password at the port for devices."""
        place = ["-h", "127.0.0.1", "-p", "8883", "--cafile", f"{self.folder}/certificates/ca.crt"]
        account = ["-i", device, "-u", device, "-P", password, "-t", f"hub/v1/hub/{device}/down/#"]
        return self.engine.inside(["mosquitto_sub", "-E", *place, *account], check=False).returncode == 0

    def containers(self) -> dict[str, str]:
        """Return each container's state by service: `healthy` and the like, or `exited` and its status."""
        ids = self.named()
        if not ids:
            return {}
        shown = json.loads(self.engine.docker("inspect", *ids).stdout)
        return {one["Config"]["Labels"]["com.docker.compose.service"]: _state(one["State"]) for one in shown}

    def setting(self, name: str) -> str:
        """Return a setting of .env."""
        found = re.search(rf"^{name}=(.*)$", self._env.read_text(), re.MULTILINE)
        return found[1] if found else ""

    def set(self, name: str, value: str) -> str:
        """Give a setting of .env another value, as with an editor; return the value before."""
        before = self.setting(name)
        lines = [line for line in self._env.read_text().splitlines() if not line.startswith(f"{name}=")]
        self._env.write_text("\n".join([*lines, f"{name}={value}", ""]))
        return before

    @property
    def _env(self) -> Path:
        return self.folder / ".env"

    def fill_disk(self) -> None:
        """Fill the disk of the database's volume to the last byte."""
        self._in_volume("dd if=/dev/zero of=/data/filler bs=1M 2>/dev/null || true")
        self.sql("CREATE TABLE filler (text text)")
        # Tables and the write-ahead log have some room in their files still.
        use_up = "INSERT INTO filler SELECT repeat(md5(generate_series(1, 1000000)::text), 60)"
        self.exec("database", "psql", "-U", "postgres", "-d", "hubwell", "-c", use_up, check=False)

    def free_disk(self) -> None:
        """Take what filled it away, also while the database restarts again and again."""
        self._in_volume("rm /data/filler")

    def _in_volume(self, command: str) -> None:
        mount = ["--volume", f"{self.folder.name}_database:/data", "--entrypoint=sh"]
        image = "timescale/timescaledb:2.29.2-pg17"
        self.engine.docker("run", "--rm", "--network=none", *mount, image, "-c", command)

    def restarts(self, service: str) -> int:
        """Return how often the engine started a service's container again."""
        shown = self.engine.docker("inspect", "--format", "{{.RestartCount}}", self.container(service))
        return int(shown.stdout)

    def hang(self, service: str) -> None:
        """Stop a service's own program from running, without ending it."""
        program = {"broker": "^mosquitto -c"}.get(service, f"hubwell {service}")
        self.exec(service, "sh", "-c", _SUSPEND, "sh", program)

    def kill(self, service: str) -> None:
        """End a service's process as a crash would; `docker kill` would count as stopped by the operator."""
        shown = json.loads(self.engine.docker("inspect", self.container(service)).stdout)[0]
        self.engine.kill(shown["State"]["Pid"])

    def wait(self, condition: Callable[[], bool], *, why: str, every_s: float = 0.5) -> float:
        """Wait for a condition and return the seconds it took; the error has the state of each container."""
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > HEALTHY_WITHIN_S:
                raise AssertionError(
                    f"not within {HEALTHY_WITHIN_S:g} s: {why}\n{self.containers()}\n{self._logs()}"
                )
            time.sleep(every_s)
        return time.monotonic() - begin

    def _logs(self) -> str:
        ids = self.named()
        return "\n".join(
            f"{identity}: {done.stdout[-600:]}{done.stderr[-600:]}"
            for identity in ids
            for done in [self.engine.docker("logs", "--tail=6", identity, check=False)]
        )

    def wait_until_healthy(self) -> float:
        """Wait until every service does its work or has done it; return the seconds it took."""
        return self.wait(self._is_healthy, why="every service is healthy")

    def _is_healthy(self) -> bool:
        states = self.containers()
        return bool(states) and set(states.values()) <= {"healthy", "exited 0"}

    def missing_messages(self) -> int:
        """Return how many messages `hubwell audit` misses."""
        report = self.hubwell("audit", "--json", check=False)
        missing: int = json.loads(report)["missing"]
        return missing

    def readings(self) -> int:
        """Return how many readings are stored."""
        return int(self.sql("SELECT count(*) FROM reading"))

    def wait_until_whole(self) -> float:
        """Wait until all is healthy, new readings come in and none is missing; return the seconds to healthy.

        Devices send again what has no receipt after 20 s: until then the audit misses it.
        """
        took = self.wait_until_healthy()
        before = self.readings()
        self.wait(lambda: self.readings() > before, why="readings come in")
        # Each question starts a Python of its own, on a machine that has more to do.
        self.wait(lambda: self.missing_messages() == 0, why="no message is missing", every_s=2)
        return took


def password_in(printed: str) -> str:
    """Return the password of a device that `hubwell-admin` printed."""
    (password,) = re.findall(r"shown once: ([0-9a-f]{48})$", printed, re.MULTILINE)
    return str(password)


def _state(shown: dict[str, Any]) -> str:
    if shown["Status"] == "exited":
        return f"exited {shown['ExitCode']}"
    return str(shown.get("Health", shown)["Status"])
