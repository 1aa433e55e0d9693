"""Write bookings and their holds, in the caller's transaction.

Whether something is free is asked of nobody beforehand: the holds are inserted in the order of atoms, and
where fewer come than were meant, all is rolled back to a savepoint and `NotFreeError` raised.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from hubwell.booking import errors
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import Plan
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking")
Conn = AsyncConnection[Any]


class NotFreeError(Exception):
    """Others hold an atom at that time; nothing was written."""


@dataclass(frozen=True, slots=True)
class Request:
    """What makes a repeated request recognisable: the sender's key, and a hash of what was asked."""

    key: str
    digest: bytes


async def add(
    conn: Conn, plan: Plan, owner: str, now: datetime, request: Request | None = None
) -> UUID | None:
    """Store a booking with its holds; return its id. None: the same request has one already.

    Raises NotFreeError.
    """
    values = _columns(plan, now) | {"owner": owner}
    values |= {"key": request and request.key, "hash": request and request.digest}
    async with all_or_nothing(conn):
        row = await (await conn.execute(_SQL["add"], values)).fetchone()
        if row is None:
            return None
        booking_id: UUID = row[0]
        await _hold(conn, booking_id, plan, plan.parts)
    return booking_id


async def of_request(conn: Conn, owner: str, request: Request) -> UUID | None:
    """Return the booking that a request made before. Raises DomainError for a key of another request."""
    row = await (await conn.execute(_SQL["request"], {"owner": owner, "key": request.key})).fetchone()
    if row is None:
        return None
    booking_id, digest = row
    if digest != request.digest:
        raise DomainError(errors.KEY_REUSED)
    return UUID(str(booking_id))


async def move(conn: Conn, booking: Booking, plan: Plan, now: datetime) -> None:
    """Store what a booking is from now on. The caller has locked it. Raises NotFreeError.

    Atom by atom, what it held is freed and what it holds is taken, so that it never waits in a circle with
    bookings that are being made.
    """
    atoms = sorted({*booking.parts, *plan.parts})
    async with all_or_nothing(conn):
        await conn.execute(_SQL["lock_atoms"], {"atoms": atoms})
        for atom in atoms:
            await conn.execute(_SQL["free_atom"], {"booking": booking.id, "atom": atom})
            if atom in plan.parts:
                await _hold(conn, booking.id, plan, [atom])
        await conn.execute(_SQL["change"], _columns(plan, now) | {"booking": booking.id})


async def end(conn: Conn, booking: Booking, now: datetime) -> None:
    """End a booking now; its turnaround begins."""
    values = {"booking": booking.id, "now": now, "end": booking.end}
    await conn.execute(_SQL["end_holds"], values)
    await conn.execute(_SQL["end_booking"], values)


async def free(conn: Conn, booking_id: UUID) -> None:
    """Let a booking hold nothing any more."""
    await conn.execute(_SQL["free_all"], {"booking": booking_id})


async def cancel(conn: Conn, booking_id: UUID, now: datetime) -> None:
    """Cancel a booking; its atoms are free at once."""
    await free(conn, booking_id)
    await conn.execute(_SQL["cancel"], {"booking": booking_id, "now": now})


async def restore(conn: Conn, booking_id: UUID, plan: Plan, now: datetime) -> None:
    """Take back that a booking was cancelled. Raises NotFreeError."""
    async with all_or_nothing(conn):
        await _hold(conn, booking_id, plan, plan.parts)
        await conn.execute(_SQL["restore"], {"booking": booking_id, "now": now})


async def cancel_of_space(conn: Conn, space_id: str, now: datetime) -> int:
    """Cancel the bookings of a space that have not ended; return their number."""
    rows = await conn.execute(_SQL["cancel_of_space"], {"space": space_id, "now": now})
    cancelled = [row[0] for row in await rows.fetchall()]
    await conn.execute(_SQL["free_many"], {"bookings": cancelled})
    return len(cancelled)


async def forget_owner(conn: Conn, account_id: UUID) -> None:
    """Keep the bookings of an account that is erased, of nobody and for nothing."""
    await conn.execute(_SQL["forget_owner"], {"owner": f"account:{account_id}"})


async def _hold(conn: Conn, booking_id: UUID, plan: Plan, atoms: Sequence[int]) -> None:
    values = {
        "booking": booking_id,
        "atoms": list(atoms),
        "start": plan.term.start,
        "until": plan.held_until,
    }
    if (await conn.execute(_SQL["hold"], values)).rowcount != len(atoms):
        raise NotFreeError


@asynccontextmanager
async def all_or_nothing(conn: Conn) -> AsyncIterator[None]:
    """Roll back to here where others hold an atom; the order of locks makes deadlocks rare only."""
    try:
        async with conn.transaction():
            yield
    except (psycopg.errors.DeadlockDetected, psycopg.errors.ExclusionViolation) as error:
        raise NotFreeError from error


def _columns(plan: Plan, now: datetime) -> dict[str, Any]:
    return {
        "space": plan.space.id,
        "atoms": list(plan.parts),
        "start": plan.term.start,
        "end": plan.term.end,
        "title": plan.title,
        "shows_title": plan.shows_title,
        "people": plan.people,
        "now": now,
    }
