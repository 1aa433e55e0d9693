"""Ask the simulated hub's process to hold a virtual card to a door: it sends the tap as every device does.

Through a Unix socket of this user, which only `hubwell up` creates; there is no other way to it.
"""

import asyncio
import os
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from hubwell_wire.enumerations import Language, Verdict

CARDS: Final = 3
_WITHIN_S: Final = 8.0
_LONGEST_LINE: Final = 4096


class SimulatedHubAwayError(Exception):
    """The simulated hub does not run, or cannot send a tap now."""


class Held(BaseModel):
    """The tap that was sent, and the answer that its reader would show; without one, none came in time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    boot: UUID
    seq: int
    verdict: Verdict | None = None
    text: str = ""
    lang: Language | None = None
    ms: int = 0


class _Hold(BaseModel):
    device: str
    card: int


async def hold(path: Path, device: str, card: int) -> Held:
    """Hold a card to the reader of a simulated device. Raises SimulatedHubAwayError."""
    try:
        _check_owner(path)
        async with asyncio.timeout(_WITHIN_S):
            reading, writing = await asyncio.open_unix_connection(path, limit=_LONGEST_LINE)
            try:
                writing.write(_Hold(device=device, card=card).model_dump_json().encode() + b"\n")
                await writing.drain()
                line = await reading.readline()
            finally:
                writing.close()
        return Held.model_validate_json(line)
    except (OSError, TimeoutError, ValueError, ValidationError) as error:
        raise SimulatedHubAwayError(str(error)) from error


def _check_owner(path: Path) -> None:
    """Raise OSError for a socket of another user, who would choose what the page says."""
    if path.stat().st_uid != os.geteuid():
        raise PermissionError("the socket belongs to another user")
