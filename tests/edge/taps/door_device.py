"""A desk with a real outbox, and a feedback that remembers; the server is the test."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.agent_builders import NOON, ManualClock, stamp, until
from edge.taps.sample_badges import (
    BADGE,
    HUB_PUBLIC,
    OTHER,
    OTHER_UID,
    UID,
    RecordingFeedback,
    roster,
    sealed,
)
from hubwell_edge.clock import to_datetime
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.readers.reader import Card
from hubwell_edge.taps.commands import CommandDispatcher
from hubwell_edge.taps.files.epoch_keys import KeyFolder
from hubwell_edge.taps.files.roster import RosterStore
from hubwell_edge.taps.local_presence import LocalPresence
from hubwell_edge.taps.tap_handler import Door, TapHandler
from hubwell_wire.commands import Answer, RosterBadge
from hubwell_wire.messages import Tap
from hubwell_wire.parse import parse

PATIENT_MS = 20_000
CARD, OTHER_CARD = Card(uid=UID), Card(uid=OTHER_UID)
NOBODY = Card(uid=bytes.fromhex("04000000000001"))


@dataclass
class DoorDevice:
    """A desk with one door, and the clock and connection that a test moves."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(stamp()))
    online: bool = False
    patience_ms: int = 0
    feedback: RecordingFeedback = field(default_factory=RecordingFeedback)

    async def open(self) -> None:
        self.outbox = OutboxThread(Outbox(self.folder, kernel_boot="k1"))
        self.rosters = RosterStore(self.folder, site="hub", device="room-1", key=HUB_PUBLIC)
        self.tap_handler = TapHandler(
            self.outbox, KeyFolder(self.folder / "keys"), self.rosters, LocalPresence(self.folder),
            clock=self.clock, patience_ms=self.patience_ms, debounce_ms=5000, online=lambda: self.online,
        )  # fmt: skip
        self.door = Door("door", self.feedback)
        self.tap_handler.add_door(self.door)
        self.commands = CommandDispatcher(self.outbox, self.tap_handler, self.clock)

    async def close(self) -> None:
        await self.tap_handler.close()
        await self.outbox.close()

    async def list_badges(self, **values: Any) -> None:
        badges = {BADGE: RosterBadge(lang="it"), OTHER: RosterBadge()}
        await self.commands.handle(sealed(roster(to_datetime(NOON), **{"badges": badges, **values})))

    async def tap(self, card: Card = CARD, *, hears: int = 1, after_ms: int = 6000) -> None:
        """Present a card, later than the one before, and wait for so many texts."""
        self.clock.advance(after_ms)
        wanted = len(self.feedback.shown) + hears
        await self.tap_handler.handle_card(self.door, card)
        await until(lambda: len(self.feedback.shown) >= wanted)

    @property
    def taps(self) -> list[Tap]:
        rows = self.outbox.outbox.unsent(100)
        messages = [parse(f"hub/v1/hub/room-1/{row.channel}", row.payload()).message for row in rows]
        return [message for message in messages if isinstance(message, Tap)]

    def answer(self, verdict: Any, seq: int | None = None, text: str = "") -> Answer:
        box = self.outbox.outbox
        return Answer(
            v=1, type="answer", boot=box.boot, seq=seq or box.last_seq, verdict=verdict, text=text, lang="en"
        )
