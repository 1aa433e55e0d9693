"""The newest sealed muster on disk: this device keeps it and cannot read it.

Two officers hold half of the private key each; see `muster.py`.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from hubwell_edge.clock import Stamp, to_datetime
from hubwell_edge.taps.files.private_file import replace_file
from hubwell_wire.commands import Muster

FILE: Final = "muster.json"
AHEAD: Final = timedelta(days=1)
"""More than clocks differ."""


class MusterFileError(Exception):
    """A muster cannot be kept or read; the sentence says why and what to do."""


def load(folder: Path) -> Muster | None:
    """Return the muster that is kept, or None. Raises VaultError."""
    path = folder / FILE
    try:
        return Muster.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MusterFileError(f"cannot read the muster {path}: {error.strerror}; try as root") from error
    except ValidationError:
        raise MusterFileError(f"the muster {path} is broken; the server sends a new one") from None


def save(folder: Path, muster: Muster, now: Stamp) -> bool:
    """Keep a muster unless there is a newer one; tell whether it was kept. Raises VaultError.

    One from further in the future is refused: kept, it would shut out all right ones until then.
    """
    if now.synced and muster.at > to_datetime(now.wall_ms) + AHEAD:
        raise MusterFileError(f"a muster is dated {muster.at}: set the clock of the server, or ours")
    held = _held_since(folder)
    if held is not None and muster.at <= held:
        return False
    try:
        replace_file(folder / FILE, muster.encode())
    except OSError as error:
        raise MusterFileError(f"the muster cannot be written: {error.strerror}; free some space") from error
    return True


def _held_since(folder: Path) -> datetime | None:
    try:
        held = load(folder)
    except MusterFileError:  # broken: anything is better
        return None
    return held.at if held is not None else None
