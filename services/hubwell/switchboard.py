"""The one door for writes and the one place where capabilities meet: facts come in, reactions happen.

Ingest, timetable, pages, API and command line all commit through it. Reactions change rows in the caller's
transaction and may cause further facts; deliveries are queued and listeners notified in the same
transaction, so that neither happens for something that is rolled back.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self, assert_never

from psycopg import AsyncConnection

from hubwell.access import codes
from hubwell.air import actions as air
from hubwell.deliver import queue
from hubwell.events import (
    AllowlistChanged,
    BadgeAtDesk,
    BadgesErased,
    BadgeTapped,
    CheckedIn,
    CheckedOut,
    DeviceDescribed,
    DeviceReported,
    DoorLeft,
    EpisodeOpened,
    EpisodeResolved,
    Facts,
    FaultReported,
    InferredOut,
    MessagesStored,
    Moved,
    Reaction,
    ReadingsStored,
    TapAnswered,
    VisitFact,
    VisitsChanged,
)
from hubwell.people import tap_register
from hubwell.presence import process_taps as presence
from hubwell.presence.door_policy import Policy
from hubwell.presence.reader_messages import message_for
from hubwell.settings import Settings
from hubwell.spaces import devices
from hubwell.storage.notify import Channel, notify, notify_each, notify_spaces

_Noticed = MessagesStored | VisitFact | BadgeAtDesk | AllowlistChanged | BadgesErased
_ButTaps = MessagesStored | ReadingsStored | FaultReported | DeviceReported | DeviceDescribed | Reaction


@dataclass(slots=True)
class _Notices:
    """What listeners have to know of one transaction, each thing once."""

    spaces: set[str] = field(default_factory=set)
    """Spaces that look different on the board now."""
    doors: set[DoorLeft] = field(default_factory=set)
    desk_taps: set[int] = field(default_factory=set)
    allowlist: bool = False
    erased: bool = False

    def add(self, fact: _Noticed) -> None:
        """Take down what listeners have to know of a fact."""
        match fact:
            case MessagesStored() | VisitsChanged():
                self.spaces.update(fact.space_ids)
            case CheckedIn() | CheckedOut() | InferredOut():
                self.spaces.add(fact.space_id)
            case Moved():
                self.spaces.update((fact.from_space_id, fact.space_id))
            case DoorLeft():
                self.doors.add(fact)
            case BadgeAtDesk():
                self.desk_taps.add(fact.desk_tap_id)
            case AllowlistChanged():
                self.allowlist = True
            case BadgesErased():
                self.erased = True
            case _:
                assert_never(fact)

    async def send(self, conn: AsyncConnection[Any]) -> None:
        """Notify; PostgreSQL passes it on when the transaction commits."""
        await notify_spaces(conn, sorted(self.spaces))
        await notify_each(conn, Channel.DEPARTURES, [f"{door.stream_id} {door.seq}" for door in self.doors])
        await notify_each(conn, Channel.DESK_TAPS, [str(tap) for tap in self.desk_taps])
        if self.allowlist:
            await notify(conn, Channel.ALLOWLISTS)
        if self.erased:
            await notify(conn, Channel.ERASURES)


class Switchboard:
    """Reacts to facts. `deliveries` is where an alert is handed over for sending."""

    def __init__(self, deliveries: queue.Deliveries, settings: Settings) -> None:
        self._deliveries = deliveries
        self._doors = Policy.of(settings)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the switchboard of these settings; nothing connects until it is used."""
        return cls(queue.deliveries(settings), settings)

    async def commit(self, conn: AsyncConnection[Any], facts: Facts) -> list[TapAnswered]:
        """React to each fact and to what comes of it, in the caller's transaction, which the caller commits.

        Returns the answers for devices with readers, to be sent after the commit.
        """
        taps = [fact for fact in facts if isinstance(fact, BadgeTapped)]
        # Taps first, because rules ask whether a space is occupied; together, because people come together.
        movements, answers = await self._tapped(conn, taps)
        waiting: deque[_ButTaps] = deque(movements)
        waiting.extend(fact for fact in facts if not isinstance(fact, BadgeTapped))
        notices = _Notices()
        while waiting:
            waiting.extend(await self._react_to(conn, waiting.popleft(), notices))
        await notices.send(conn)
        return answers

    async def _react_to(
        self, conn: AsyncConnection[Any], fact: _ButTaps, notices: _Notices
    ) -> Sequence[Reaction]:
        match fact:
            case ReadingsStored():
                return await air.evaluate(conn, fact)
            case EpisodeOpened() | EpisodeResolved() | FaultReported():
                await self._deliveries.record(conn, fact)
            case DeviceReported():
                await devices.set_status(conn, fact)
            case DeviceDescribed():
                await devices.set_description(conn, fact)
            case (
                MessagesStored()
                | VisitsChanged()
                | CheckedIn()
                | CheckedOut()
                | InferredOut()
                | Moved()
                | DoorLeft()
                | BadgeAtDesk()
                | AllowlistChanged()
                | BadgesErased()
            ):
                notices.add(fact)
            case _:
                assert_never(fact)
        return []

    async def _tapped(
        self, conn: AsyncConnection[Any], taps: list[BadgeTapped]
    ) -> tuple[list[Reaction], list[TapAnswered]]:
        facts: list[Reaction] = []
        answers: list[TapAnswered] = []
        left: list[TapAnswered] = []
        for tap, done in zip(taps, await presence.tapped(conn, taps, self._doors, tap_register), strict=True):
            facts += done.facts
            if done.told is not None:
                answers.append(await _answer(conn, tap, done.told))
            left += done.left
        return facts, answers + left  # people who wait at a reader come first


async def _answer(conn: AsyncConnection[Any], tap: BadgeTapped, told: presence.ReaderResponse) -> TapAnswered:
    code = "" if told.code_for is None else await codes.issue(conn, told.code_for)
    return TapAnswered(
        device_id=tap.device_id,
        boot=tap.boot,
        seq=tap.seq,
        verdict=told.verdict,
        text=message_for(told.verdict, told.language, told.shade, code=code),
        language=told.language,
    )
