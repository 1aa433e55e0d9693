"""Release bookings to which nobody came, once each, and take that back; in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.booking import actions
from hubwell.booking.no_shows.evidence import (
    QUARTER,
    Evidence,
    Judgement,
    Sample,
    Series,
    is_co2_at_floor,
    judge,
    sensed,
)
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import Plan
from hubwell.storage.queries import Queries
from hubwell.vocabulary import CO2, SpaceFeature, SpaceKind

_SQL: Final = Queries("hubwell.booking.no_shows")
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Due:
    """A booking whose release is due."""

    id: UUID
    space_id: str
    start: datetime
    release_at: datetime
    kind: str
    features: list[str]

    @property
    def is_quiet(self) -> bool:
        """Whether people sit still there: everywhere but in a workshop that is not kept quiet."""
        return self.kind != SpaceKind.WORKSHOP or SpaceFeature.QUIET in self.features


@dataclass(frozen=True, slots=True)
class Judged:
    """A booking with what was decided."""

    booking_id: UUID
    space_id: str
    judgement: Judgement


async def judge_due(conn: Conn, now: datetime) -> list[Judged]:
    """Judge the bookings that are due, and release those to which nobody came.

    A run that is late judges with what was sensed until now: who came meanwhile keeps the booking.
    """
    rows = await (await conn.execute(_SQL["due"], {"now": now})).fetchall()
    return [await _judge(conn, Due(*row), now) for row in rows]


async def take_back(conn: Conn, booking: Booking, plan: Plan, now: datetime) -> None:
    """Give a released booking its time again. Raises NotFreeError."""
    await actions.move(conn, booking, plan, now)
    await conn.execute(_SQL["taken_back"], {"booking": booking.id})


async def _judge(conn: Conn, due: Due, now: datetime) -> Judged:
    judgement = judge(await _evidence(conn, due, now))
    await conn.execute(_SQL["judged"], {"booking": due.id, "now": now})
    if judgement.releases:
        await actions.free(conn, due.id)
        await conn.execute(_SQL["release"], {"booking": due.id, "now": now})
    return Judged(due.id, due.space_id, judgement)


async def _evidence(conn: Conn, due: Due, now: datetime) -> Evidence:
    values = {"space": due.space_id, "start": due.start, "now": now, "co2": CO2}
    row = await (await conn.execute(_SQL["came"], values)).fetchone()
    people, co2_at_floor = [], []
    for series_id, is_co2, holds in await (await conn.execute(_SQL["sensors"], values)).fetchall():
        since = due.start - holds
        samples = {"series": series_id, "since": since, "until": now}
        rows = await (await conn.execute(_SQL["samples"], samples)).fetchall()
        series = Series(holds, [Sample(*each) for each in rows])
        if is_co2:
            floor = await (await conn.execute(_SQL["co2_floor"], values | {"series": series_id})).fetchone()
            co2_at_floor.append(is_co2_at_floor(series, floor[0] if floor else None, now))
        else:
            people.append(series)
    return Evidence(
        is_quiet=due.is_quiet,
        tapped=bool(row and row[0]),
        people=sensed(people, due.start, now),
        quarters=(due.release_at - due.start) // QUARTER,
        co2_at_floor=bool(co2_at_floor) and all(co2_at_floor),
    )
