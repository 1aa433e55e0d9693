"""The one door for writes and the one place where capabilities meet: facts come in, reactions happen.

Ingest, timetable, pages, API and command line all commit through it. Reactions change rows in the caller's
transaction and may cause further facts; deliveries are queued and listeners notified in the same
transaction, so that neither happens for something that is rolled back.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Self, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from hubwell.access import kiosks
from hubwell.air import actions as air
from hubwell.booking import actions as booking
from hubwell.booking.door.requests import DoorRequest, Wish
from hubwell.defects import actions as defects
from hubwell.deliver import queue
from hubwell.evacuation import announcement
from hubwell.events import (
    AllowlistChanged,
    BadgeAtDesk,
    BadgesErased,
    BadgeTapped,
    BookingsChanged,
    ChannelFact,
    CheckedIn,
    CheckedOut,
    DeviceDescribed,
    DeviceReported,
    DoorLeft,
    EpisodeOpened,
    EpisodeResolved,
    EvacuationChanged,
    Facts,
    FaultReported,
    FromDevices,
    HubChanged,
    InferredOut,
    KioskRefused,
    MessagesStored,
    Moved,
    MusterMarked,
    Reaction,
    ReadingsStored,
    Register,
    ScreenChanged,
    SpaceArchived,
    TapAnswered,
    UnregisteredHeard,
    VisitFact,
    VisitsChanged,
)
from hubwell.people import tap_register
from hubwell.presence import process_taps as presence
from hubwell.presence.door_policy import Policy
from hubwell.presence.process_taps import Expected, TapKey
from hubwell.presence.reader_messages import linked_notice, message_for
from hubwell.presence.rules import Intent
from hubwell.screens.notices import ReaderAnswer, changed_payloads, payloads_for
from hubwell.settings import Settings
from hubwell.spaces import devices, unregistered
from hubwell.storage.notify import Channel, notify, notify_each, notify_spaces
from hubwell.workflows.bookings import Clock
from hubwell.workflows.door import walk_ins

_Noticed = MessagesStored | VisitFact | BadgeAtDesk | Register
_ButTaps = MessagesStored | ReadingsStored | FromDevices | Reaction
_INTENTS: Final[Mapping[Wish, Intent]] = {Wish.TAKE: "in", Wish.EXTEND: "in", Wish.END: "out"}
"""What a tap for a panel means for the visit: who takes or extends is there, who ends leaves."""
_CHANNELS: Final[Mapping[type[ChannelFact], tuple[Channel, ...]]] = {
    AllowlistChanged: (Channel.ALLOWLISTS,),
    BadgesErased: (Channel.ERASURES,),
    EvacuationChanged: (Channel.EVACUATIONS, Channel.ALLOWLISTS),  # readers learn of it from their lists
    MusterMarked: (Channel.MUSTERS,),
    HubChanged: (Channel.HUB,),
}


@dataclass(slots=True)
class _Notices:
    """What listeners have to know of one transaction, each thing once."""

    spaces: set[str] = field(default_factory=set)
    """Spaces that look different on the board now."""
    doors: set[DoorLeft] = field(default_factory=set)
    desk_taps: set[int] = field(default_factory=set)
    screens: set[str] = field(default_factory=set)
    channels: set[Channel] = field(default_factory=set)
    """Channels whose listeners only have to know that something changed."""

    def add(self, fact: _Noticed) -> None:
        """Take down what listeners have to know of a fact."""
        match fact:
            case MessagesStored() | VisitsChanged():
                self.spaces.update(fact.space_ids)
            case BookingsChanged():
                self.spaces.update(fact.space_ids)
                self.channels.add(Channel.BOOKINGS)
            case CheckedIn() | CheckedOut() | InferredOut():
                self.spaces.add(fact.space_id)
            case Moved():
                self.spaces.update((fact.from_space_id, fact.space_id))
            case DoorLeft():
                self.doors.add(fact)
            case BadgeAtDesk():
                self.desk_taps.add(fact.desk_tap_id)
            case ScreenChanged():
                self.screens.add(fact.screen_id)
            case AllowlistChanged() | BadgesErased() | EvacuationChanged() | MusterMarked() | HubChanged():
                self.channels.update(_CHANNELS[type(fact)])
            case _:
                assert_never(fact)

    async def send(self, conn: AsyncConnection[Any]) -> None:
        """Notify; PostgreSQL passes it on when the transaction commits."""
        await notify_spaces(conn, sorted(self.spaces))
        await notify_each(conn, Channel.DEPARTURES, [f"{door.stream_id} {door.seq}" for door in self.doors])
        await notify_each(conn, Channel.DESK_TAPS, [str(tap) for tap in self.desk_taps])
        await notify_each(conn, Channel.SCREENS, changed_payloads(self.screens))
        for channel in sorted(self.channels):
            await notify(conn, channel)


class Switchboard:
    """Reacts to facts. `deliveries` is where an alert is handed over for sending."""

    def __init__(self, deliveries: queue.Deliveries, settings: Settings) -> None:
        self._deliveries = deliveries
        self._doors = Policy.of(settings)
        self._zone = ZoneInfo(settings.zone)
        self._assembly_point = settings.assembly_point

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
            case SpaceArchived():
                await defects.close_of_space(conn, fact.space_id, fact.at)
                await booking.cancel_of_space(conn, fact.space_id, fact.at)
                return await air.resolve(conn, fact.space_id, fact.at)
            case EpisodeOpened() | EpisodeResolved() | FaultReported():
                await self._deliveries.record(conn, fact)
            case DeviceReported():
                await devices.set_status(conn, fact)
            case DeviceDescribed():
                await devices.set_description(conn, fact)
            case UnregisteredHeard():
                await unregistered.note(conn, fact)
            case KioskRefused():
                await kiosks.refuse(conn, fact.device_id, fact.why, datetime.now(UTC))
            case (
                MessagesStored()
                | VisitsChanged()
                | BookingsChanged()
                | CheckedIn()
                | CheckedOut()
                | InferredOut()
                | Moved()
                | DoorLeft()
                | BadgeAtDesk()
                | AllowlistChanged()
                | BadgesErased()
                | EvacuationChanged()
                | MusterMarked()
                | HubChanged()
                | ScreenChanged()
            ):
                notices.add(fact)
            case _:
                assert_never(fact)
        return []

    async def _tapped(
        self, conn: AsyncConnection[Any], taps: list[BadgeTapped]
    ) -> tuple[list[Reaction], list[TapAnswered]]:
        facts: list[Reaction] = []
        answers: list[ReaderAnswer] = []
        left: list[TapAnswered] = []
        evacuation = await announcement.current(conn) if taps else None
        awaited = {} if evacuation else await _awaited_at_panels(conn, taps)
        expected = {key: Expected(_INTENTS[item.request.wish], item.people) for key, item in awaited.items()}
        results = await presence.tapped(conn, taps, self._doors, tap_register, expected)
        for tap, done in zip(taps, results, strict=True):
            facts += done.facts
            if done.answered_by is not None:
                request = awaited[tap.stream_id, tap.seq].request
                facts += await self._answer_panel(conn, request, done.answered_by)
            if done.response is not None:
                answers.append(await self._answer(conn, tap, done.response, evacuation))
            left += done.left
        await notify_each(conn, Channel.SCREENS, await payloads_for(conn, answers))
        # People who wait at a reader come first.
        return facts, [item.answer for item in answers] + left

    async def _answer_panel(
        self, conn: AsyncConnection[Any], request: DoorRequest, person_id: UUID
    ) -> tuple[BookingsChanged, ...]:
        clock = Clock(datetime.now(UTC), self._zone)
        return await walk_ins.answer(conn, request, person_id, clock)

    async def _answer(
        self,
        conn: AsyncConnection[Any],
        tap: BadgeTapped,
        response: presence.ReaderResponse,
        evacuation: announcement.Announcement | None,
    ) -> ReaderAnswer:
        code = ""
        if evacuation is not None:
            if response.code_for is not None:  # at a kiosk: none is shown now
                response = replace(response, verdict="refused")
            text = announcement.sentence(evacuation.kind, self._assembly_point, response.language)
        else:
            response, text, code = await _words_for(conn, tap, response)
        answer = TapAnswered(
            device_id=tap.device_id,
            boot=tap.boot,
            seq=tap.seq,
            verdict=response.verdict,
            text=text,
            language=response.language,
        )
        return ReaderAnswer(tap.reader, tap.time, answer, code)


async def _awaited_at_panels(
    conn: AsyncConnection[Any], taps: Sequence[BadgeTapped]
) -> dict[TapKey, walk_ins.Awaited]:
    """Return the taps for which a panel waits, the first at each space."""
    now = datetime.now(UTC)
    fresh = [tap for tap in taps if tap.space_id is not None and now - tap.time <= presence.FRESH]
    waiting = await walk_ins.awaited(conn, sorted({tap.space_id for tap in fresh if tap.space_id}), now)
    found: dict[TapKey, walk_ins.Awaited] = {}
    for tap in fresh:
        item = waiting.get(tap.space_id or "")
        if item is not None and item.request.is_answered_by(tap.time):
            found[tap.stream_id, tap.seq] = item
            del waiting[item.request.space_id]
    return found


async def _words_for(
    conn: AsyncConnection[Any], tap: BadgeTapped, response: presence.ReaderResponse
) -> tuple[presence.ReaderResponse, str, str]:
    """Return what the person reads, as which verdict, and the code; one is issued at a kiosk."""
    code = None
    if response.code_for is not None:
        code = await kiosks.issue_code(
            conn, tap.device_id, response.code_for, response.credential_id, datetime.now(UTC)
        )
        if code is None:
            response = replace(response, verdict="refused", shade="no-code")
    text = message_for(response.verdict, response.language, response.shade, code=code or "")
    text = f"{text} {linked_notice(response.language)}" if response.linked else text
    return response, text, code or ""
