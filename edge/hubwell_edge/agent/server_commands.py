"""The server's commands, as the uplink hands them to the part of the device that carries them out."""

from datetime import datetime
from typing import Protocol

from hubwell_wire.commands import Answer, Forget, Muster, SealedRoster

ServerCommand = Answer | Forget | Muster | SealedRoster
"""What the server sends to a device besides receipts."""


class CommandHandler(Protocol):
    """Carries out the server's commands."""

    @property
    def roster_at(self) -> datetime | None:
        """Time of the list of badges on the device; None without one."""
        ...

    async def handle(self, command: ServerCommand) -> bool:
        """Carry out a command; return whether the device's status has changed. Raises CommandError."""
        ...


class CommandError(Exception):
    """A command of the server could not be carried out; the sentence gives the reason and what to do."""
