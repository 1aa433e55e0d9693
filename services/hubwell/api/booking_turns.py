"""Turns of those who book the same at one moment, in front of the database, which stays the judge.

Many who want the same part at one time would each hold a connection, wait in the database for the one that
wins, and then each read what is free instead. Here one of a process tries at a time, of those who are in each
other's way; the others wait without a connection. Once it has ended, one reading serves all who waited.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.booking import actions, rules, spaces, taken
from hubwell.booking.actions import Request
from hubwell.booking.rules import BookableSpace, BookingInput, Term
from hubwell.booking.taken import Surroundings
from hubwell.errors import DomainError
from hubwell.workflows.bookings import Clock, reader_of

_PATIENCE_S: Final = 2.0
"""A turn that takes longer holds up nobody: the others go on to the database."""
Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection[Any]]]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SharedReads(Generic[Key, Value]):
    """Makes one reading for all who ask before it begins: no answer is older than its question."""

    def __init__(self, read: Callable[[Key], Awaitable[Value]]) -> None:
        self._read = read
        self._next: dict[Key, asyncio.Task[Value]] = {}
        self._running: dict[Key, asyncio.Task[Value]] = {}

    async def get(self, key: Key) -> Value:
        """Return what a reading that begins after this call finds; raises what it raises."""
        if key not in self._next:
            self._next[key] = asyncio.create_task(self._after_the_running(key))
        # Whoever goes away stops the reading for no other.
        return await asyncio.shield(self._next[key])

    async def _after_the_running(self, key: Key) -> Value:
        if key in self._running:
            await asyncio.wait([self._running[key]])
        self._running[key] = self._next.pop(key)
        try:
            return await self._read(key)
        finally:
            del self._running[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """What a request wants to hold; all parts where it names none."""

    space: str
    term: Term
    parts: frozenset[int]
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def is_in_the_way_of(self, other: "_Wish") -> bool:
        mine, theirs = self.term, other.term
        meet = self.space == other.space and mine.start < theirs.end and theirs.start < mine.end
        return meet and not (self.parts and other.parts and self.parts.isdisjoint(other.parts))


@dataclass(frozen=True, slots=True)
class _Site:
    space: BookableSpace
    around: Surroundings


class BookingTurns:
    """The bookings that this process is making."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._running: list[_Wish] = []
        self._reads = SharedReads(self._look)

    @asynccontextmanager
    async def turn(
        self, actor: Principal, entered: BookingInput, clock: Clock, request: Request | None = None
    ) -> AsyncIterator[None]:
        """Wait for the bookings that are in the way; the block books and commits.

        Raises SpaceTakenError where one of them has taken what is wanted. Any other refusal is left to the
        block.
        """
        wish = _wish(entered, clock)
        if wish is None:
            yield
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while (other := self._in_the_way_of(wish)) is not None:
                    await other.ended.wait()
                    await self._refuse_if_taken(wish, actor, entered, clock, request)
        except TimeoutError:
            pass
        self._running.append(wish)
        try:
            yield
        finally:
            self._running.remove(wish)
            wish.ended.set()

    def _in_the_way_of(self, wish: _Wish) -> _Wish | None:
        return next((each for each in self._running if each.is_in_the_way_of(wish)), None)

    async def _refuse_if_taken(
        self, wish: _Wish, actor: Principal, entered: BookingInput, clock: Clock, request: Request | None
    ) -> None:
        site = await self._reads.get((wish.space, wish.term))
        if site is None or not site.around.bookings:
            return
        try:
            plan = rules.plan_of(entered, site.space, clock.zone, clock.now)
        except DomainError:
            return
        if site.around.in_the_way(plan) and not await self._is_known(actor, request):
            raise site.around.refusal(plan, reader_of(actor), clock.zone, clock.now)

    async def _is_known(self, actor: Principal, request: Request | None) -> bool:
        """Return whether the same request was answered before: it may be in its own way."""
        if request is None:
            return False
        async with self._connect() as conn:
            return await actions.of_request(conn, actor.actor, request) is not None

    async def _look(self, key: tuple[str, Term]) -> _Site | None:
        space_id, term = key
        async with self._connect() as conn:
            try:
                space = await spaces.get_space(conn, space_id)
            except DomainError:
                return None
            return _Site(space, await taken.surroundings(conn, space, term))


def _wish(entered: BookingInput, clock: Clock) -> _Wish | None:
    """Return what is wanted; None for input that cannot be booked, which the use case refuses."""
    try:
        zone = rules.zone_of(entered.zone, clock.zone)
        term = rules.read_term(entered.start, entered.end, zone, clock.now)
    except DomainError:
        return None
    return _Wish(entered.space, term, frozenset(entered.parts))
