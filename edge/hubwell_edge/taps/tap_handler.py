"""The tap desk: a card becomes a tap in the outbox, and the person hears an answer, whatever else is gone.

Card -> pseudonym -> durable commit -> the server's answer if it comes in time, else our own, marked as
provisional; an answer that comes later corrects it. A tap's `said` is given only when the device knows that
no answer can come, because only then it has decided what to say before the tap is stored.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from hubwell_edge.clock import Clock, Stamp
from hubwell_edge.feedback.output import Feedback
from hubwell_edge.outbox.message import event_draft
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.readers.reader import Card
from hubwell_edge.taps.files.epoch_keys import KeyFolder, KeysError
from hubwell_edge.taps.files.roster import RosterStore
from hubwell_edge.taps.identity import Identity, hides_itself, identify
from hubwell_edge.taps.local_presence import Number, Presence
from hubwell_edge.taps.verdicts import inside_after, is_full, local_verdict, purpose_of, words
from hubwell_wire.commands import Answer, Roster, SealedRoster
from hubwell_wire.fields import Verdict

logger: Final = logging.getLogger(__name__)

CORRECT_WITHIN_S: Final = 10.0
"""Whoever tapped longer ago has gone on: a correction would speak to the next one."""
SERVER_ONLY_PATIENCE_S: Final = 2.0
"""Patience at desks and kiosks, where this device has nothing of its own to say."""
_WAITING_KEPT: Final = 2000
_EARLY_KEPT: Final = 64
_TIDY_EVERY_S: Final = 600.0


@dataclass(eq=False, slots=True)
class Door:
    """One reader, what shows its answers, and its latest taps."""

    name: str
    feedback: Feedback
    latest: object = None
    gestures: dict[str, int] = field(default_factory=dict)

    def is_again(self, badges: Collection[str], mono_ms: int, within_ms: int) -> bool:
        """Tell whether one of the badges was here a moment ago; remember that it is here now."""
        self.gestures = {badge: at for badge, at in self.gestures.items() if mono_ms - at < within_ms}
        again = any(badge in self.gestures for badge in badges)
        if not again:
            self.gestures.update((badge, mono_ms) for badge in badges)
        return again


@dataclass(eq=False, slots=True)
class _Tap:
    """A tap that waits for the server's answer."""

    door: Door
    badges: tuple[str, ...]
    at: Stamp
    born: float
    answer: asyncio.Future[Answer]
    number: Number | None
    told: bool = False


class TapHandler:
    """Takes the cards of all readers of a device. `online` tells whether the broker can be reached."""

    def __init__(
        self,
        outbox: OutboxThread,
        keys: KeyFolder,
        shelf: RosterStore,
        presence: Presence,
        *,
        clock: Clock,
        patience_ms: int,
        debounce_ms: int,
        online: Callable[[], bool],
    ) -> None:
        self._outbox, self._keys, self._shelf, self._presence = outbox, keys, shelf, presence
        self._clock, self._online = clock, online
        self._patience_s, self._debounce_ms = patience_ms / 1000, debounce_ms
        self._waiting: OrderedDict[Number, _Tap] = OrderedDict()
        self._early: OrderedDict[Number, Answer] = OrderedDict()
        self._speaking: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.Task[None] | None = None

    async def present(self, door: Door, card: Card) -> None:
        """Store the tap of a card, and see to it that the person hears an answer."""
        if hides_itself(card):
            self._say_at_once(door, "phone")
            return
        try:
            who = identify(card, self._keys.epochs(), self._shelf.roster)
        except KeysError as error:
            logger.error("%s", error, extra={"action": "tap-without-key"})  # noqa: TRY400 - a sentence, no bug
            self._say_at_once(door, "desk")
            return
        except ValueError as error:
            logger.warning("reader %s: %s", door.name, error, extra={"action": "tap-refused"})
            self._say_at_once(door, "unknown")
            return
        now = self._clock.now()
        if door.is_again(who.badges, now.mono_ms, self._debounce_ms):
            self._say_at_once(door, "again", who.badges)
            return
        await self._store(door, who, now)

    async def _store(self, door: Door, who: Identity, now: Stamp) -> None:
        purpose = purpose_of(door.name, self._shelf.roster)
        roster, inside = self._shelf.roster, self._presence.inside(who.badges, now)
        full = is_full(roster, self._presence.count(now))
        verdict = local_verdict(who.badges, purpose, roster, inside=inside, full=full)
        text = words(verdict, who.badges, roster, crowded=full and verdict == "in")
        # Messages of a clock that was never set wait here, so no answer to them can come either.
        can_ask = self._online() and now.synced
        data = who.tap(door.name, None if can_ask else verdict)
        number = await self._outbox.put_event(event_draft(data, now))
        loop = asyncio.get_running_loop()
        tap = _Tap(door, who.badges, now, loop.time(), loop.create_future(), number)
        door.latest = tap
        patience_s = 0.0
        if number is not None:
            await self._await_answer(number, tap)
            if can_ask:
                patience_s = self._patience_s if purpose == "space" else SERVER_ONLY_PATIENCE_S
        task = asyncio.create_task(self._speak(tap, verdict, text, patience_s), name=f"tap.{door.name}")
        self._speaking.add(task)
        task.add_done_callback(self._speaking.discard)

    async def answered(self, answer: Answer) -> None:
        """Take the server's answer: tell it, or correct what was told; and learn who is in.

        A second one, `out`, comes when the person was seen elsewhere since, or was checked out otherwise.
        """
        number = (answer.boot, answer.seq)
        tap = self._waiting.pop(number, None)
        if tap is not None:
            await self._deliver(tap, answer)
        elif not await self._correct(number, answer.verdict):
            # Ours too, if it overtook the commit.
            self._early[number] = answer
            _cap(self._early, _EARLY_KEPT)

    async def _correct(self, number: Number, verdict: Verdict) -> bool:
        """Learn of a tap that waits for nothing any more; tell whether it is the latest of anybody."""
        known, inside = self._presence.known_by(number), inside_after(verdict)
        if inside and known:
            badges = [seen.badge for seen in known]
            noted = self._presence.note(badges, known[0].reader, known[0].at, inside=True, number=number)
            await self._outbox.run(lambda: self._presence.save(noted))
        elif inside is False and known:
            left = self._presence.leave(number)
            await self._outbox.run(lambda: self._presence.unsave(left))
        return bool(known)

    async def _deliver(self, tap: _Tap, answer: Answer) -> None:
        if not tap.told:
            if not tap.answer.done():
                tap.answer.set_result(answer)
        else:
            late_s = asyncio.get_running_loop().time() - tap.born
            if tap.door.latest is tap and late_s < CORRECT_WITHIN_S:
                self._tell(tap, answer)
        await self._learn(tap, answer.verdict)

    @property
    def roster(self) -> Roster | None:
        """The list of badges that is held."""
        return self._shelf.roster

    @property
    def badges(self) -> set[str]:
        """All pseudonyms that are known here, besides those in the outbox."""
        listed = set(self._shelf.roster.badges) if self._shelf.roster is not None else set()
        return listed | self._presence.badges

    async def take_roster(self, sealed: SealedRoster) -> bool:
        """Keep a list of badges if it is right and newer; tell whether it was kept. Raises RosterError."""
        return await self._outbox.run(lambda: self._shelf.take(sealed, self._clock.now()))

    async def forget(self, badges: Collection[str]) -> None:
        """Drop what is known of these badges, in memory and on disk. Raises RosterError."""
        gone = [number for number, tap in self._waiting.items() if not set(tap.badges).isdisjoint(badges)]
        for number in gone:
            self._waiting.pop(number).badges = ()  # nothing more is learned of who is not known any more
        await self._outbox.run(lambda: self._presence.forget(badges))
        await self._outbox.run(lambda: self._shelf.forget(badges))

    def start(self) -> None:
        """Begin to delete, now and then, what is known of people who tapped long ago."""
        self._tidying = asyncio.create_task(self._tidy_for_ever(), name="taps.tidy")

    async def _tidy_for_ever(self) -> None:
        while True:
            now = self._clock.now()
            await self._outbox.run(lambda now=now: self._presence.prune(now))  # type: ignore[misc] # bound now
            await asyncio.sleep(_TIDY_EVERY_S)

    async def close(self) -> None:
        """Let nobody wait any longer."""
        tasks = [*self._speaking, *((self._tidying,) if self._tidying is not None else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._outbox.run(self._presence.close)

    async def _await_answer(self, number: Number, tap: _Tap) -> None:
        early = self._early.pop(number, None)
        if early is not None:
            await self._deliver(tap, early)
            return
        self._waiting[number] = tap
        _cap(self._waiting, _WAITING_KEPT)

    async def _speak(self, tap: _Tap, verdict: Verdict, text: str, patience_s: float) -> None:
        """Tell the server's answer if it comes in time, else our own."""
        if not tap.answer.done() and patience_s:
            await asyncio.wait({tap.answer}, timeout=patience_s)
        tap.told = True
        if tap.answer.done():
            self._tell(tap, tap.answer.result())
            return  # who is in was learned when it came, and may be another by now
        tap.door.feedback.show(verdict, text, provisional=True)
        await self._learn(tap, verdict)

    def _tell(self, tap: _Tap, answer: Answer) -> None:
        text = answer.text or words(answer.verdict, tap.badges, self._shelf.roster)
        tap.door.feedback.show(answer.verdict, text, provisional=False)

    def _say_at_once(self, door: Door, verdict: Verdict, badges: Collection[str] = ()) -> None:
        """Tell what no server needs to be asked about."""
        text = words(verdict, tuple(badges), self._shelf.roster)
        door.feedback.show(verdict, text, provisional=False)

    async def _learn(self, tap: _Tap, verdict: Verdict) -> None:
        inside = inside_after(verdict)
        if inside is None or not tap.badges:
            return
        noted = self._presence.note(tap.badges, tap.door.name, tap.at, inside=inside, number=tap.number)
        await self._outbox.run(lambda: self._presence.save(noted))


def _cap(kept: OrderedDict[Number, _Tap] | OrderedDict[Number, Answer], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
