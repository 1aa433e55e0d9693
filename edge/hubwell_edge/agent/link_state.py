"""The state of the running agent's connection to the broker, in a small file, for ``hubwell-edge doctor``.

The doctor cannot connect beside the agent where an account is one client at the broker: it would end the
agent's connection. So the agent states what it meets.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

_NAME: Final = "link.json"


@dataclass(frozen=True, slots=True)
class LinkState:
    """What the agent met last at the broker."""

    ok: bool
    text: str
    at: str
    """RFC 3339, by the device's clock."""
    refused: str = ""
    """Why an order in the server's name was refused last; empty where none was."""
    refused_at: str = ""
    """When, to about ten minutes: RFC 3339, by the device's clock."""

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the state in the outbox folder; None without a readable one."""
        try:
            return cls(**json.loads((folder / _NAME).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Replace the state in the outbox folder; a disk that refuses is named elsewhere."""
        unfinished = folder / f"{_NAME}.new"
        content = json.dumps(asdict(self)).encode()
        with suppress(OSError):
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            unfinished.replace(folder / _NAME)
