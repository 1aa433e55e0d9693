"""The newest sealed muster on disk: this device stores it and cannot read it.

Two officers hold half of the private key each; see `muster.py`.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from hubwell_edge.clock import Stamp, to_datetime
from hubwell_edge.taps.files.private_file import replace_file
from hubwell_edge.taps.files.roster import AHEAD
from hubwell_wire.commands import Muster

FILE: Final = "muster.json"


class MusterFileError(Exception):
    """A muster cannot be stored, read or opened; the sentence gives the reason and what to do."""


def load(folder: Path) -> Muster | None:
    """Return the stored muster, or None. Raises MusterFileError."""
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
    """Store a muster unless a newer one is stored; return whether it was stored. Raises MusterFileError.

    A muster dated further ahead than `AHEAD` is refused: once stored, it would block valid ones until then.
    """
    # While this clock is not set, every muster would seem to come from the future.
    if now.synced and muster.at > to_datetime(now.wall_ms) + AHEAD:
        raise MusterFileError(
            f"a muster is dated {muster.at}: set the clock of the server, or of this device"
        )
    stored_at = _stored_at(folder)
    if stored_at is not None and muster.at <= stored_at:
        return False
    try:
        replace_file(folder / FILE, muster.encode())
    except OSError as error:
        raise MusterFileError(f"the muster cannot be written: {error.strerror}; free some space") from error
    return True


def _stored_at(folder: Path) -> datetime | None:
    try:
        muster = load(folder)
    except MusterFileError:  # a broken file is replaced by any valid muster
        return None
    return muster.at if muster is not None else None
