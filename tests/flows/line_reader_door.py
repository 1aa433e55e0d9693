"""A door whose reader is a real terminal, onto which lines are written as a scanner does."""

import os
import pty
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.system_processes import Program, System, eventually
from hubwell.presence.rules import DEBOUNCE


@dataclass(frozen=True)
class Terminal:
    """Both ends of a terminal: one to write to, and the other's name."""

    ours: int
    name: str


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Open a terminal that changes nothing of what is written onto it."""
    ours, theirs = pty.openpty()
    try:
        for end in (ours, theirs):
            tty.setraw(end)
        yield Terminal(ours, os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)


@dataclass
class LineDoor:
    """An agent and the terminal that its reader listens to."""

    agent: Program
    terminal: Terminal
    tapped_at: dict[str, float] = field(default_factory=dict)

    def tap(self, line: str, expect: str, within: float = 20) -> str:
        """Hold something to the reader; return what the person is told, once it is the expected verdict."""
        # Another gesture of this badge, not the second half of its last one.
        again = self.tapped_at.get(line, float("-inf")) + DEBOUNCE.total_seconds() + 0.5
        time.sleep(max(0.0, again - time.monotonic()))
        before = len(self.agent.said())
        self.tapped_at[line] = time.monotonic()
        os.write(self.terminal.ours, line.encode() + b"\r\n")
        eventually(lambda: f" {expect}: " in self.agent.said()[before:], expect, within=within)
        return self.agent.said()[before:]


def line_door(hub: System, device: str, terminal: Terminal) -> LineDoor:
    """Make a device with such a reader, with the hub's keys of badges; its agent is not started yet."""
    exported, public = hub.folder / "device-keys", hub.run("keys", "roster-public")
    for done in (hub.run("keys", "export", str(exported)), public):
        assert done.returncode == 0, done.stderr
    reader = {"driver": "line", "name": "door", "device": terminal.name, "number_bytes": 7}
    settings = {
        "badges": {"keys_dir": str(exported), "roster_key": public.stdout.strip()},
        "reader": [{**reader, "feedback": [{"driver": "console"}]}],
    }
    return LineDoor(hub.agent(device, settings, env={"PYTHONUNBUFFERED": "1"}), terminal)
