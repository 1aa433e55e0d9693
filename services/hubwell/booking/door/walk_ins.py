"""Take a free space now, extend it and end it, for the person of a badge; in the caller's transaction.

A space in parts is taken one part at a time. What is taken ends before the next booking and at closing time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.booking import actions, errors, read_model, rules
from hubwell.booking.actions import NotFreeError
from hubwell.booking.door.requests import Wish
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import BookableSpace, Part, Plan, Term
from hubwell.booking.spaces import space_of
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.door")
LENGTHS: Final = (30, 60, 90)
"""Minutes for which a free space is taken."""
EXTENSIONS: Final = (15, 30)
"""Minutes by which it is extended."""
_LEAST_MINUTES: Final = 10
LEAST: Final = timedelta(minutes=_LEAST_MINUTES)
"""What is free for less than this is not offered."""
_MOST: Final = timedelta(minutes=max(LENGTHS))
_AHEAD: Final = timedelta(hours=24)
_A_MINUTE: Final = timedelta(minutes=1)
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Length:
    """A length that is offered: its minutes, and when it would end."""

    minutes: int
    end: datetime


@dataclass(frozen=True, slots=True)
class FreePart:
    """A part that is free now, and until when it can be taken."""

    part: Part
    until: datetime


@dataclass(frozen=True, slots=True)
class DoorState:
    """What a badge can do at a space: the space, its free parts, and whether somebody has something now."""

    space: BookableSpace
    walk_ins: bool
    is_open: bool
    free: tuple[FreePart, ...]
    is_booked_now: bool

    def lengths(self, now: datetime) -> list[Length]:
        """Return how long the space can be taken."""
        return lengths_until(max((part.until for part in self.free), default=now), now)


def lengths_until(latest: datetime, now: datetime) -> list[Length]:
    """Return the lengths up to a time; the rest of it where it is shorter than each, and long enough."""
    whole = [Length(minutes, end_after(minutes, latest, now)) for minutes in LENGTHS]
    fitting = [length for length in whole if now + timedelta(minutes=length.minutes) <= latest]
    rest = latest - now
    if fitting or rest < LEAST:
        return fitting
    return [Length(rest // _A_MINUTE, latest)]


def end_after(minutes: int, latest: datetime, now: datetime) -> datetime:
    """Return the end of a length from now on, at a full minute and not after the latest."""
    return min((now + timedelta(minutes=minutes)).replace(second=0, microsecond=0), latest)


def minutes_in(wish: Wish, text: str) -> int:
    """Return the minutes of a wish. Raises DomainError."""
    if wish is Wish.END:
        return 0
    digits = text.strip()
    minutes = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len("999") else 0
    if minutes not in EXTENSIONS if wish is Wish.EXTEND else not _LEAST_MINUTES <= minutes <= max(LENGTHS):
        raise DomainError(errors.WALK_IN_LENGTH_UNKNOWN)
    return minutes


async def door_state(conn: Conn, space_id: str, zone: ZoneInfo, now: datetime) -> DoorState:
    """Return what can be done at the door of a space; takes no lock. Raises DomainError."""
    cursor = conn.cursor(row_factory=dict_row)
    row = await (await cursor.execute(_SQL["space_at_door"], {"space": space_id})).fetchone()
    if row is None:
        raise DomainError(SPACE_UNKNOWN)
    values = {"space": space_id, "now": now}
    rows = await (await conn.execute(_SQL["parts_at_door"], values)).fetchall()
    parts = [(Part(*columns), held_from) for *columns, held_from in rows]
    space = space_of(row, [part for part, _ in parts])
    closes = rules.open_until(space, now, now + _AHEAD, zone)
    free = []
    for part, held_from in parts:
        until = closes if held_from is None else min(closes, held_from - space.turnaround)
        if until - now >= LEAST:
            free.append(FreePart(part, until))
    is_booked = any(held_from is not None and held_from <= now for _, held_from in parts)
    return DoorState(space, row["walk_ins"], closes - now >= LEAST, tuple(free), is_booked)


def take_refusal(state: DoorState) -> DomainError | None:
    """Return why nothing of a space can be taken now."""
    if state.space.personal or state.space.archived or not state.walk_ins:
        return DomainError(errors.WALK_INS_OFF)
    if not state.is_open:
        return DomainError(errors.WALK_IN_CLOSED)
    return None if state.free else DomainError(errors.WALK_IN_TAKEN)


async def take(
    conn: Conn, space_id: str, minutes: int, person_id: UUID, zone: ZoneInfo, now: datetime
) -> Booking:
    """Book what is free of a space from now on for a person. Raises DomainError."""
    await _check_has_none(conn, person_id, now)
    state = await door_state(conn, space_id, zone, now)
    refusal = take_refusal(state)
    if refusal is not None:
        raise refusal
    wanted = now + timedelta(minutes=minutes)
    for free in sorted(state.free, key=lambda free: (free.until < wanted, -free.until.timestamp())):
        plan = Plan(
            space=state.space,
            parts=(free.part.id,),
            term=Term(now, end_after(minutes, free.until, now)),
            people=1,
            title="",
            shows_title=True,
        )
        try:
            booking_id = await actions.add(conn, plan, f"person:{person_id}", now)
        except NotFreeError:
            continue
        if booking_id is not None:
            await conn.execute(_SQL["mark_walk_in"], {"booking": booking_id})
            return await read_model.get(conn, booking_id)
    raise DomainError(errors.WALK_IN_TAKEN)


async def extend(
    conn: Conn, space_id: str, minutes: int, person_id: UUID, zone: ZoneInfo, now: datetime
) -> Booking:
    """Let what a person has of a space now last longer. Raises DomainError."""
    booking = await _own(conn, space_id, person_id, now)
    state = await door_state(conn, space_id, zone, now)
    closes = rules.open_until(state.space, booking.end, booking.end + _MOST, zone)
    latest = min(closes, booking.start + rules.LONGEST)
    values = {"atoms": list(booking.parts), "booking": booking.id, "start": booking.end}
    row = await (await conn.execute(_SQL["held_after"], values)).fetchone()
    if row is not None and row[0] is not None:
        latest = min(latest, row[0] - state.space.turnaround)
    end = min(booking.end + timedelta(minutes=minutes), latest)
    if end <= booking.end:
        raise DomainError(errors.WALK_IN_NO_LONGER)
    plan = Plan(
        space=state.space,
        parts=booking.parts,
        term=Term(booking.start, end),
        people=booking.people,
        title=booking.title,
        shows_title=booking.shows_title,
    )
    try:
        await actions.move(conn, booking, plan, now)
    except NotFreeError as error:
        raise DomainError(errors.WALK_IN_NO_LONGER) from error
    return await read_model.get(conn, booking.id)


async def end(conn: Conn, space_id: str, person_id: UUID, now: datetime) -> Booking:
    """End what a person has of a space now. Raises DomainError."""
    booking = await _own(conn, space_id, person_id, now)
    await actions.end(conn, booking, now)
    return await read_model.get(conn, booking.id)


async def people_of_current(conn: Conn, space_id: str, now: datetime) -> frozenset[UUID]:
    """Return the people who have something of a space now, by their badge or by their account."""
    rows = await conn.execute(_SQL["people_of_current"], {"space": space_id, "now": now})
    return frozenset(row[0] for row in await rows.fetchall())


async def move_person(conn: Conn, *, keep: UUID, drop: UUID) -> None:
    """Let what one person has taken be another's, of whom they are a second entry."""
    await conn.execute(_SQL["move_person"], {"keep": keep, "drop": drop})


async def _check_has_none(conn: Conn, person_id: UUID, now: datetime) -> None:
    if await _current_of(conn, None, person_id, now, walk_ins=True):
        raise DomainError(errors.WALK_IN_SECOND)


async def _own(conn: Conn, space_id: str, person_id: UUID, now: datetime) -> Booking:
    for booking_id in await _current_of(conn, space_id, person_id, now):
        booking = await read_model.locked(conn, booking_id)
        if booking.cancelled_at is None and booking.start < now < booking.end:
            return booking
    raise DomainError(errors.WALK_IN_NOT_YOURS)


async def _current_of(
    conn: Conn, space_id: str | None, person_id: UUID, now: datetime, *, walk_ins: bool = False
) -> list[UUID]:
    values = {"space": space_id, "person": person_id, "now": now, "walk_ins": walk_ins}
    return [row[0] for row in await (await conn.execute(_SQL["current_of"], values)).fetchall()]
