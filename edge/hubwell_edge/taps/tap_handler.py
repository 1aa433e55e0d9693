"""Turns a card into a tap in the outbox and shows the person an answer, with or without a network.

Card -> pseudonym -> durable commit -> the server's answer if it arrives in time, else the device's own
verdict, shown as provisional; a later answer of the server corrects it. A tap carries `said`, the verdict
shown, only when the device knows that no answer can arrive: only then is the verdict decided before the tap
is stored.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from hubwell_edge.clock import Clock, Stamp, to_datetime
from hubwell_edge.feedback.output import Feedback
from hubwell_edge.outbox.message import draft_event
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.readers.reader import Card
from hubwell_edge.taps.files.epoch_keys import KeyFolder, KeysError
from hubwell_edge.taps.files.roster import RosterStore
from hubwell_edge.taps.identity import Identity, identify, lacks_stable_id
from hubwell_edge.taps.local_presence import LocalPresence, Number
from hubwell_edge.taps.verdicts import (
    evacuation_text,
    inside_after,
    is_full,
    local_verdict,
    purpose_of,
    text_for,
)
from hubwell_wire.commands import Answer, Roster, SealedRoster
from hubwell_wire.enumerations import Verdict

logger: Final = logging.getLogger(__name__)

CORRECT_WITHIN_S: Final = 10.0
"""A correction is shown only this long after the tap: later, the next person may be at the reader."""
SERVER_ONLY_PATIENCE_S: Final = 2.0
"""Time to wait for the answer at desks and kiosks, where the device cannot decide a verdict itself."""
_MOST_WAITING: Final = 2000
_MOST_EARLY: Final = 64
_PRUNE_EVERY_S: Final = 600.0


@dataclass(eq=False, slots=True)
class Door:
    """One reader with the feedback that shows its answers, and its latest taps."""

    name: str
    feedback: Feedback
    latest: object = None
    unreadable_at_ms: int | None = None
    recent_taps: dict[str, int] = field(default_factory=dict)

    def is_unreadable_again(self, mono_ms: int, within_ms: int) -> bool:
        """Return whether something unreadable is still presented, as a card that stays on the reader."""
        before, self.unreadable_at_ms = self.unreadable_at_ms, mono_ms
        return before is not None and mono_ms - before < within_ms

    def is_repeated(self, badges: Collection[str], mono_ms: int, within_ms: int) -> bool:
        """Return whether one of the badges tapped here less than `within_ms` ago; if not, record this tap."""
        recent = {badge: at for badge, at in self.recent_taps.items() if mono_ms - at < within_ms}
        repeated = any(badge in recent for badge in badges)
        if not repeated:
            recent.update((badge, mono_ms) for badge in badges)
        self.recent_taps = recent
        return repeated


@dataclass(eq=False, slots=True)
class _Tap:
    """A tap that waits for the server's answer. `shown` is set as soon as any verdict was shown."""

    door: Door
    badges: tuple[str, ...]
    at: Stamp
    presented_s: float
    answer: asyncio.Future[Answer]
    number: Number | None
    shown: bool = False


class TapHandler:
    """Handles the cards of all readers of a device.

    `online` returns whether the broker is connected. `patience_ms` is how long a person waits for the
    server's answer before the device's own verdict is shown; taps of one badge within `debounce_ms` are one
    gesture.
    """

    def __init__(
        self,
        outbox: OutboxThread,
        keys: KeyFolder,
        rosters: RosterStore,
        presence: LocalPresence,
        *,
        clock: Clock,
        patience_ms: int,
        debounce_ms: int,
        online: Callable[[], bool],
    ) -> None:
        self._outbox, self._keys, self._rosters, self._presence = outbox, keys, rosters, presence
        self._clock, self._online = clock, online
        self._patience_s, self._debounce_ms = patience_ms / 1000, debounce_ms
        self._waiting: OrderedDict[Number, _Tap] = OrderedDict()
        self._early_answers: OrderedDict[Number, Answer] = OrderedDict()
        self._display_tasks: set[asyncio.Task[None]] = set()
        self._prune_task: asyncio.Task[None] | None = None
        self._doors: list[Door] = []

    async def handle_card(self, door: Door, card: Card) -> None:
        """Store the tap of a card and start showing an answer; also shows why a card makes no tap."""
        if lacks_stable_id(card):
            self._show_local(door, "phone")
            return
        try:
            who = identify(card, self._keys.epochs(), self._rosters.roster)
        except KeysError as error:
            logger.error("%s", error, extra={"action": "tap-without-key"})  # noqa: TRY400 - a sentence, no bug
            self._show_local(door, "desk")
            return
        except ValueError as error:
            logger.warning("reader %s: %s", door.name, error, extra={"action": "tap-refused"})
            self.handle_unreadable(door)
            return
        now = self._clock.now()
        if door.is_repeated(who.badges, now.mono_ms, self._debounce_ms):
            self._show_local(door, "again", who.badges)
            return
        await self._store(door, who, now)

    def handle_unreadable(self, door: Door) -> None:
        """Show that what was presented cannot be read, once as long as it stays."""
        if not door.is_unreadable_again(self._clock.now().mono_ms, self._debounce_ms):
            self._show_local(door, "unknown")

    async def _store(self, door: Door, who: Identity, now: Stamp) -> None:
        purpose = purpose_of(door.name, self._rosters.roster)
        roster, inside = self._rosters.roster, self._presence.inside(who.badges, now)
        full = is_full(roster, self._presence.count(now))
        verdict = local_verdict(who.badges, purpose, roster, inside=inside, full=full)
        text = text_for(verdict, who.badges, roster, crowded=full and verdict == "in")
        # The outbox holds messages of an unsynchronised clock back, so no answer to them can arrive either.
        can_ask = self._online() and now.synced
        data = who.tap(door.name, None if can_ask else verdict)
        number = await self._outbox.put_event(draft_event(data, now))
        loop = asyncio.get_running_loop()
        tap = _Tap(door, who.badges, now, loop.time(), loop.create_future(), number)
        door.latest = tap
        # Without a number (the disk refuses) no answer can be matched to the tap, so none is awaited.
        patience_s = 0.0
        if number is not None:
            await self._await_answer(number, tap)
            if can_ask:
                patience_s = self._patience_s if purpose == "space" else SERVER_ONLY_PATIENCE_S
        show = self._show_first(tap, verdict, text, patience_s)
        task = asyncio.create_task(show, name=f"tap.{door.name}")
        self._display_tasks.add(task)
        task.add_done_callback(self._display_tasks.discard)

    async def handle_answer(self, answer: Answer) -> None:
        """Show the server's answer, or correct the verdict shown before; update the local presence.

        A second answer `out` to the same tap means that the visit has ended elsewhere.
        """
        number = (answer.boot, answer.seq)
        tap = self._waiting.pop(number, None)
        if tap is not None:
            await self._deliver(tap, answer)
        elif not await self._correct(number, answer.verdict):
            # The answer may belong to a tap whose commit has not returned yet.
            self._early_answers[number] = answer
            _limit(self._early_answers, _MOST_EARLY)

    async def _correct(self, number: Number, verdict: Verdict) -> bool:
        """Apply the answer to a tap that no longer waits; return whether any state comes from that tap."""
        states, inside = self._presence.states_from(number), inside_after(verdict)
        if inside and states:
            badges = [state.badge for state in states]
            first = states[0]
            changed = self._presence.record(badges, first.reader, first.at, inside=True, number=number)
            await self._outbox.run(lambda: self._presence.save(changed))
        elif inside is False and states:
            departed = self._presence.end_visit(number)
            await self._outbox.run(lambda: self._presence.delete(departed))
        return bool(states)

    async def _deliver(self, tap: _Tap, answer: Answer) -> None:
        if not tap.shown:
            if not tap.answer.done():  # a second answer may arrive before the first is shown
                tap.answer.set_result(answer)
        else:
            late_s = asyncio.get_running_loop().time() - tap.presented_s
            # Only for the latest tap at the door: otherwise the correction is for a person who has left.
            if tap.door.latest is tap and late_s < CORRECT_WITHIN_S:
                self._show_answer(tap, answer)
        await self._update_presence(tap, answer.verdict)

    @property
    def roster(self) -> Roster | None:
        """The list of badges on this device; None without one."""
        return self._rosters.roster

    @property
    def badges(self) -> set[str]:
        """All pseudonyms stored on this device, besides those in the outbox."""
        listed = set(self._rosters.roster.badges) if self._rosters.roster is not None else set()
        return listed | self._presence.badges

    async def update_roster(self, sealed: SealedRoster) -> bool:
        """Store a list of badges if it is valid and newer; return whether it was. Raises RosterError."""
        updated = await self._outbox.run(lambda: self._rosters.update(sealed, self._clock.now()))
        self._announce()
        return updated

    def _announce(self) -> None:
        text = self._evacuation_text(())
        for door in self._doors:
            door.feedback.announce(text)

    def _evacuation_text(self, badges: Sequence[str]) -> str | None:
        now = to_datetime(self._clock.now().wall_ms)
        return evacuation_text(badges, self._rosters.roster, now)

    async def forget(self, badges: Collection[str]) -> None:
        """Delete the state of these badges from memory and disk. Raises RosterError."""
        erased = [number for number, tap in self._waiting.items() if not set(tap.badges).isdisjoint(badges)]
        for number in erased:
            self._waiting.pop(number).badges = ()  # without badges, a late answer cannot record them again
        await self._outbox.run(lambda: self._presence.forget(badges))
        await self._outbox.run(lambda: self._rosters.forget(badges))

    def add_door(self, door: Door) -> None:
        """Add a reader that shows evacuations between taps."""
        self._doors.append(door)

    def start(self) -> None:
        """Start the task that regularly deletes presence records older than their retention."""
        self._announce()
        self._prune_task = asyncio.create_task(self._prune_regularly(), name="taps.prune")

    async def _prune_regularly(self) -> None:
        while True:
            now = self._clock.now()
            await self._outbox.run(lambda now=now: self._presence.prune(now))  # type: ignore[misc] # bound now
            self._announce()  # the one shown may have expired
            await asyncio.sleep(_PRUNE_EVERY_S)

    async def close(self) -> None:
        """Cancel pending answers and the pruning, and close the presence file."""
        tasks = [*self._display_tasks, *((self._prune_task,) if self._prune_task is not None else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._outbox.run(self._presence.close)

    async def _await_answer(self, number: Number, tap: _Tap) -> None:
        early = self._early_answers.pop(number, None)
        if early is not None:
            await self._deliver(tap, early)
            return
        self._waiting[number] = tap
        _limit(self._waiting, _MOST_WAITING)

    async def _show_first(self, tap: _Tap, verdict: Verdict, text: str, patience_s: float) -> None:
        """Show the server's answer if it arrives within `patience_s`, else the device's own verdict."""
        if not tap.answer.done() and patience_s:
            await asyncio.wait({tap.answer}, timeout=patience_s)
        tap.shown = True
        if tap.answer.done():
            self._show_answer(tap, tap.answer.result())
            return  # `_deliver` has updated the presence already, and it may have changed since
        tap.door.feedback.show(verdict, self._evacuation_text(tap.badges) or text, provisional=True)
        await self._update_presence(tap, verdict)

    def _show_answer(self, tap: _Tap, answer: Answer) -> None:
        text = answer.text or text_for(answer.verdict, tap.badges, self._rosters.roster)
        text = self._evacuation_text(tap.badges) or text
        tap.door.feedback.show(answer.verdict, text, provisional=False)

    def _show_local(self, door: Door, verdict: Verdict, badges: Collection[str] = ()) -> None:
        """Show a final verdict that needs no answer of the server."""
        text = text_for(verdict, tuple(badges), self._rosters.roster)
        text = self._evacuation_text(tuple(badges)) or text
        door.feedback.show(verdict, text, provisional=False)

    async def _update_presence(self, tap: _Tap, verdict: Verdict) -> None:
        inside = inside_after(verdict)
        if inside is None or not tap.badges:
            return
        changed = self._presence.record(tap.badges, tap.door.name, tap.at, inside=inside, number=tap.number)
        await self._outbox.run(lambda: self._presence.save(changed))


def _limit(entries: OrderedDict[Number, _Tap] | OrderedDict[Number, Answer], most: int) -> None:
    while len(entries) > most:
        entries.popitem(last=False)
