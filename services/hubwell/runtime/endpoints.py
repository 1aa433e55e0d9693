"""Addresses of a running Hubwell, in the file `running.json` of the data folder, for other commands."""

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from hubwell.runtime.data_lock import is_held

_NAME = "running.json"


class Running(BaseModel):
    """The addresses of one `hubwell up`."""

    model_config = ConfigDict(frozen=True)

    page: str
    database_url: str
    broker_url: str
    """For the server's processes: MQTT 5."""
    device_broker_url: str
    """For devices: MQTT 3.1.1."""
    keys_dir: Path | None = None
    """Folder of the hub's secrets."""

    @classmethod
    def over(cls, data_dir: Path) -> Self | None:
        """Read the addresses of the Hubwell that runs over `data_dir` now; None if none does."""
        try:
            text = (data_dir / _NAME).read_text()
        except OSError:
            return None
        return cls.model_validate_json(text) if is_held(data_dir) else None

    def write(self, data_dir: Path) -> None:
        """Write the addresses to the data folder, readable for the owner only. Raises OSError."""
        file = os.open(data_dir / _NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # may hold passwords
        with os.fdopen(file, "w") as opened:
            opened.write(self.model_dump_json(indent=2) + "\n")

    @staticmethod
    def remove(data_dir: Path) -> None:
        """Delete the addresses; does nothing when there are none."""
        (data_dir / _NAME).unlink(missing_ok=True)
