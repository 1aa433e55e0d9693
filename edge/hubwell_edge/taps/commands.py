"""What the server says besides receipts: each kind of message to the part that it concerns."""

import asyncio
import logging
from datetime import datetime
from typing import Final, assert_never

from hubwell_edge.agent.uplink import OrderError
from hubwell_edge.clock import Clock
from hubwell_edge.outbox.file import OutboxUnavailableError
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.taps.files.muster_file import MusterFileError, save
from hubwell_edge.taps.files.roster import RosterError
from hubwell_edge.taps.tap_handler import TapHandler
from hubwell_edge.taps.tombstones import match_tombstones
from hubwell_wire.commands import Answer, Forget, Muster, SealedRoster

logger: Final = logging.getLogger(__name__)

Order = Answer | Forget | Muster | SealedRoster


class CommandHandler:
    """Carries out the server's orders for one device; `desk` is None for a device without readers."""

    def __init__(self, outbox: OutboxThread, desk: TapHandler | None, clock: Clock) -> None:
        self._outbox, self._desk, self._clock = outbox, desk, clock

    @property
    def roster_at(self) -> datetime | None:
        """Time of the list of badges that the device holds."""
        roster = self._desk.roster if self._desk is not None else None
        return roster.at if roster is not None else None

    async def take(self, order: Order) -> bool:
        """Carry it out; tell whether the device's status is another one now. Raises OrderError."""
        try:
            return await self._take(order)
        except (RosterError, MusterFileError, OutboxUnavailableError) as error:
            raise OrderError(str(error)) from error

    async def _take(self, order: Order) -> bool:
        match order:
            case Answer():
                if self._desk is not None:
                    await self._desk.answered(order)
                return False
            case SealedRoster():
                return self._desk is not None and await self._take_roster(self._desk, order)
            case Forget():
                await self._forget(order)
                return False
            case Muster():
                # In the outbox's thread: its folder is written there, and a muster may be large.
                folder, now = self._outbox.outbox.folder, self._clock.now()
                await self._outbox.run(lambda: save(folder, order, now))
                return False
            case _:
                assert_never(order)

    async def _take_roster(self, desk: TapHandler, sealed: SealedRoster) -> bool:
        taken = await desk.take_roster(sealed)
        if taken and desk.roster is not None:
            text = "a list of %d badges, made at %s, is held now"
            logger.info(text, len(desk.roster.badges), desk.roster.at, extra={"action": "roster"})
        return taken

    async def _forget(self, order: Forget) -> None:
        """Delete every trace of the badges that are meant."""
        known = await self._outbox.run(self._outbox.outbox.badges)
        if self._desk is not None:
            known |= self._desk.badges
        gone = await asyncio.to_thread(match_tombstones, known, order.badges)
        if self._desk is not None:
            await self._desk.forget(gone)  # of nobody too: who left is in its files still
        if not gone:
            return
        count = await self._outbox.erase(gone)
        logger.info("erased as asked: %d waiting taps", count, extra={"action": "erased"})
