"""Passes each command of the server to the part of the device that carries it out."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

from hubwell_edge.agent.server_commands import CommandError, ServerCommand
from hubwell_edge.clock import Clock
from hubwell_edge.outbox.file import OutboxUnavailableError
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.taps.files.muster_file import MusterFileError, save
from hubwell_edge.taps.files.roster import RosterError
from hubwell_edge.taps.tap_handler import TapHandler
from hubwell_edge.taps.tombstones import match_tombstones
from hubwell_wire.commands import Answer, Forget, Muster, SealedRoster

logger: Final = logging.getLogger(__name__)


class CommandDispatcher:
    """Handles the server's commands for one device; `taps` is None for a device without badge readers.

    `on_answer` hears every answer too.
    """

    def __init__(
        self,
        outbox: OutboxThread,
        taps: TapHandler | None,
        clock: Clock,
        *,
        on_answer: Callable[[Answer], None] | None = None,
    ) -> None:
        self._outbox, self._taps, self._clock, self._on_answer = outbox, taps, clock, on_answer

    @property
    def roster_at(self) -> datetime | None:
        """Time of the list of badges on this device; None without one."""
        roster = self._taps.roster if self._taps is not None else None
        return roster.at if roster is not None else None

    async def handle(self, command: ServerCommand) -> bool:
        """Carry out a command; return whether the device's status has changed. Raises CommandError."""
        try:
            return await self._handle(command)
        except (RosterError, MusterFileError, OutboxUnavailableError) as error:
            raise CommandError(str(error)) from error

    async def _handle(self, command: ServerCommand) -> bool:
        match command:
            case Answer():
                if self._on_answer is not None:
                    self._on_answer(command)
                if self._taps is not None:
                    await self._taps.handle_answer(command)
                return False
            case SealedRoster():
                return self._taps is not None and await self._update_roster(self._taps, command)
            case Forget():
                await self._erase(command)
                return False
            case Muster():
                # In the outbox's thread: it owns the folder, and writing a large muster takes time.
                folder, now = self._outbox.outbox.folder, self._clock.now()
                await self._outbox.run(lambda: save(folder, command, now))
                return False
            case _:
                assert_never(command)

    async def _update_roster(self, taps: TapHandler, sealed: SealedRoster) -> bool:
        updated = await taps.update_roster(sealed)
        if updated and taps.roster is not None:
            text = "stored a list of %d badges, made at %s"
            logger.info(text, len(taps.roster.badges), taps.roster.at, extra={"action": "roster"})
        return updated

    async def _erase(self, command: Forget) -> None:
        """Delete every trace of the badges that the tombstones identify."""
        candidates = await self._outbox.run(self._outbox.outbox.badges)
        if self._taps is not None:
            candidates |= self._taps.badges
        erased = await asyncio.to_thread(match_tombstones, candidates, command.badges)
        if self._taps is not None:
            await self._taps.forget(erased)
        # Even for an empty set: rows deleted earlier may still have bytes in the files' logs, and a device
        # without a list of badges, as a kiosk, cannot match what it has sent already.
        count = await self._outbox.erase(erased)
        if erased:
            logger.info("erased %d waiting taps, as the server asked", count, extra={"action": "erased"})
