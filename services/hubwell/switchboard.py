"""Who reacts to what: the one place where capabilities meet.

Reactions change rows in the transaction of the batch that caused them and may cause further facts;
deliveries are only queued here, in the same transaction, and leave later.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, assert_never

from psycopg import AsyncConnection

from hubwell.access import codes
from hubwell.air import actions as air
from hubwell.deliver import queue
from hubwell.events import (
    BadgeTapped,
    CheckedIn,
    CheckedOut,
    EpisodeOpened,
    EpisodeResolved,
    Facts,
    FaultReported,
    InferredOut,
    Moved,
    Reaction,
    ReadingsStored,
    TapAnswered,
    VisitsChanged,
)
from hubwell.presence import process_taps as presence
from hubwell.presence.door_policy import Policy
from hubwell.presence.reader_messages import message_for
from hubwell.settings import Settings

_ANNOUNCED_TOGETHER: Final = 100
"""Spaces in one notification: PostgreSQL takes at most 8000 bytes, an id has at most 63."""
_ButTaps = ReadingsStored | FaultReported | Reaction


class Switchboard:
    """Reacts to facts. `deliveries` is where an alert is handed over for sending."""

    def __init__(self, deliveries: queue.Deliveries, settings: Settings) -> None:
        self._deliveries = deliveries
        self._doors = Policy.of(settings)

    async def react(self, conn: AsyncConnection[Any], facts: Facts) -> list[TapAnswered]:
        """React to each fact and to what comes of it, until nothing more follows.

        Returns what people at readers are told once the transaction is committed.
        """
        taps = [fact for fact in facts if isinstance(fact, BadgeTapped)]
        # Taps first, because rules ask whether a space is occupied; together, because people come together.
        movements, answers = await self._tapped(conn, taps)
        waiting: deque[_ButTaps] = deque(movements)
        waiting.extend(fact for fact in facts if not isinstance(fact, BadgeTapped))
        changed: set[str] = set()
        while waiting:
            waiting.extend(await self._react_to(conn, waiting.popleft(), changed))
        await self._announce(conn, sorted(changed))
        return answers

    async def _react_to(
        self, conn: AsyncConnection[Any], fact: _ButTaps, changed: set[str]
    ) -> Sequence[Reaction]:
        match fact:
            case ReadingsStored():
                return await air.evaluate(conn, fact)
            case EpisodeOpened() | EpisodeResolved() | FaultReported():
                await self._deliveries.record(conn, fact)
                return []
            case VisitsChanged():
                changed.update(fact.space_ids)
                return []
            case CheckedIn() | Moved() | CheckedOut() | InferredOut():
                return []  # nobody needs to know yet; it is recorded nowhere
            case _:
                assert_never(fact)

    async def _tapped(
        self, conn: AsyncConnection[Any], taps: list[BadgeTapped]
    ) -> tuple[list[Reaction], list[TapAnswered]]:
        facts: list[Reaction] = []
        answers: list[TapAnswered] = []
        left: list[TapAnswered] = []
        for tap, done in zip(taps, await presence.tapped(conn, taps, self._doors), strict=True):
            facts += done.facts
            if done.told is not None:
                answers.append(await _answer(conn, tap, done.told))
            left += done.left
        return facts, answers + left  # first those for whom somebody waits

    async def _announce(self, conn: AsyncConnection[Any], spaces: list[str]) -> None:
        """Tell the board: somebody may have left a space that no device of this batch is in."""
        for first in range(0, len(spaces), _ANNOUNCED_TOGETHER):
            await self._deliveries.announce(conn, tuple(spaces[first : first + _ANNOUNCED_TOGETHER]))


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
