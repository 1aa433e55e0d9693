"""Open and close an evacuation or a drill, in the caller's transaction.

The list begins with the people who are probably inside and grows with later taps. Closing writes the report
and deletes the list in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from hubwell.audit import deletions
from hubwell.errors import DomainError
from hubwell.evacuation import errors
from hubwell.evacuation.announcement import Kind
from hubwell.evacuation.read_model import people, places
from hubwell.evacuation.report import Count, Report, SpaceAtStart, ZoneCount
from hubwell.evacuation.rules import Tick, reconcile, tally
from hubwell.events import EvacuationChanged, Facts
from hubwell.settings import Settings
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.evacuation")

LONGEST_DRILL: Final = timedelta(hours=8)
LONGEST_ALARM: Final = timedelta(hours=72)
"""The timetable closes a muster after this time: its list of names has to be deleted in any case."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new muster, or an open drill that became an alarm."""

    id: UUID
    was_drill: bool
    facts: Facts = (EvacuationChanged(),)


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed muster: what stays of it."""

    report: Report
    facts: Facts = (EvacuationChanged(),)


async def open_muster(conn: AsyncConnection[Any], kind: Kind, by: UUID | None, now: datetime) -> Opened:
    """Open a muster with all people who are probably inside.

    An alarm turns an open drill into an alarm, so that officers need not close the drill first. Raises
    DomainError if one is open already.
    """
    if kind == "alarm":
        row = await (await conn.execute(_SQL["drill_becomes_alarm"])).fetchone()
        if row is not None:
            return Opened(row[0], was_drill=True)
    muster = await _begin(conn, kind, by, now)
    await conn.execute(_SQL["add_people"], {"muster": muster})
    await _note_start(conn, muster, now)
    return Opened(muster, was_drill=False)


async def _begin(conn: AsyncConnection[Any], kind: Kind, by: UUID | None, now: datetime) -> UUID:
    try:
        async with conn.transaction():
            cursor = await conn.execute(_SQL["begin"], {"kind": kind, "by": by, "now": now})
            row = await cursor.fetchone()
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name != "muster_one_open":
            raise
        raise DomainError(errors.ALREADY_OPEN) from error
    assert row is not None  # noqa: S101 (RETURNING gives one)
    muster: UUID = row[0]
    return muster


async def _note_start(conn: AsyncConnection[Any], muster: UUID, now: datetime) -> None:
    """Store the counts of badges and sensors at the opening; later the sensors see people leave."""
    badges = dict(await (await conn.execute(_SQL["badges"], {"muster": muster})).fetchall())
    start = tuple(
        SpaceAtStart.of(place.id, place.name, place.zone, reconcile(badges.get(place.id, 0), place.sensed))
        for place in await places(conn, now)
    )
    report = Report(start=start).model_dump(mode="json", include={"start"})
    await conn.execute(_SQL["note_start"], {"muster": muster, "report": Jsonb(report)})


async def follow(conn: AsyncConnection[Any], muster: UUID) -> None:
    """Add everybody who tapped in since, also by taps that came late. Nothing happens to a closed muster."""
    await conn.execute(_SQL["add_people"], {"muster": muster})


async def close(
    conn: AsyncConnection[Any], muster: UUID, now: datetime, *, by_itself: bool = False
) -> Closed:
    """Write the report and delete the list; `by_itself` marks a close by the timetable.

    Raises DomainError if the muster is closed already.
    """
    row = await (await conn.execute(_SQL["lock_to_close"], {"muster": muster})).fetchone()
    if row is None:
        raise DomainError(errors.NOT_OPEN)
    _, opened_at, start = row
    await follow(conn, muster)
    report = await _report(conn, muster, Report.model_validate(start), opened_at)
    report = report.model_copy(update={"closed_by_itself": by_itself})
    deleted = (await conn.execute(_SQL["forget_people"], {"muster": muster})).rowcount
    row = await (await conn.execute(_SQL["people_left_over"], {"muster": muster})).fetchone()
    left_over = row[0] if row else 0
    await deletions.record(
        conn, data="muster-list", why="retention", rows=deleted, left_over=left_over, at=now
    )
    values = {"muster": muster, "now": now, "report": Jsonb(report.model_dump(mode="json"))}
    await conn.execute(_SQL["close"], values)
    return Closed(report)


async def _report(conn: AsyncConnection[Any], muster: UUID, start: Report, opened_at: datetime) -> Report:
    """Return the report: the start, and the counts of each zone and of the whole hub."""
    ticks = [
        Tick(row.zone, row.state, row.changed_at, row.tapped_out, row.late, row.is_visitor)
        for row in await people(conn, muster, names=False)
    ]
    unseen: dict[str, int] = {}
    for space in start.start:
        unseen[space.zone] = unseen.get(space.zone, 0) + space.without_badge
    zones = sorted({tick.zone for tick in ticks} | {zone for zone, people in unseen.items() if people})
    counts = []
    for zone in zones:
        count = Count.of(tally([t for t in ticks if t.zone == zone], opened_at), unseen.get(zone, 0))
        counts.append(ZoneCount(zone=zone, **count.model_dump()))
    total = Count.of(tally(ticks, opened_at), sum(unseen.values()))
    return start.model_copy(update={"total": total, "zones": tuple(counts)})


async def move_person(conn: AsyncConnection[Any], *, keep: UUID, drop: UUID) -> None:
    """Replace the person `drop` by `keep` on open lists that `keep` is not on yet."""
    await conn.execute(_SQL["move_person"], {"keep": keep, "drop": drop})


async def close_forgotten(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> Facts:
    """Close a muster that is open for longer than its kind may be; a job of the timetable."""
    del settings  # every job gets them
    values = {"now": now, "drill": LONGEST_DRILL, "alarm": LONGEST_ALARM}
    overdue = await (await conn.execute(_SQL["overdue"], values)).fetchall()
    return [fact for row in overdue for fact in (await close(conn, row[0], now, by_itself=True)).facts]
