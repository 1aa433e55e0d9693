"""Visits without a tap: closed by the clock, checked in at the desk, corrected or removed by their person.

An entry by staff or by the person is stored as a tap of its own kind, so that a later fold keeps it. Taps
are stored for days and visits for longer: a visit without taps is changed itself. All in the caller's
transaction, which passes the facts on to the switchboard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import PERSON_GONE, SPACE_UNKNOWN, DomainError
from hubwell.events import CheckedOut, InferredOut, VisitFact, VisitsChanged
from hubwell.presence import departure_notices, errors
from hubwell.presence.closing_hours import Hours, hub_hours
from hubwell.presence.rules import DEBOUNCE, Intent, Source, Visit, forgotten_at
from hubwell.presence.visit_store import TapHistory, tap_history_of, write
from hubwell.settings import Settings
from hubwell.storage.queries import Queries
from hubwell.vocabulary import LONGEST_VISIT

_SQL: Final = Queries("hubwell.presence")
_INSTANT: Final = datetime.resolution


@dataclass(frozen=True, slots=True)
class TapVisit:
    """The visit that a tap began or ended; without an end it goes on."""

    space_id: str
    start: datetime
    end: datetime | None


async def close_forgotten(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> list[VisitFact]:
    """End the visits that no tap ended by closing time, and mark them as inferred."""
    hours, facts = hub_hours(settings), list[VisitFact]()
    for key, space, start, closes in await (await conn.execute(_SQL["open_visits"])).fetchall():
        end = forgotten_at(space, start, hours if closes is None else replace(hours, spaces={space: closes}))
        if end < now:
            await conn.execute(_SQL["end_visit"], {"id": key, "end": end, "ended_by": "inferred"})
            facts.append(InferredOut(space_id=space, at=end))
    return [*facts, *await departure_notices.doors_left_at_closing(conn, now)]


async def check_in(
    conn: AsyncConnection[Any],
    person_id: UUID,
    space_id: str,
    at: datetime,
    *,
    hours: Hours,
    source: Literal["desk", "self"] = "desk",
) -> list[VisitFact]:
    """Let a person be in a space from this time on; from another space they move. Raises DomainError.

    `hours` is `hub_hours(settings)`. A full space does not refuse a check-in by staff.
    """
    return await _add_and_fold(conn, person_id, space_id, at, "in", source, hours)


async def check_out(
    conn: AsyncConnection[Any],
    person_id: UUID,
    space_id: str,
    at: datetime,
    *,
    hours: Hours,
    source: Literal["desk", "self"] = "desk",
) -> list[VisitFact]:
    """Let a person's visit of a space end at this time, if they are in. Raises DomainError."""
    return await _add_and_fold(conn, person_id, space_id, at, "out", source, hours)


async def correct_end(
    conn: AsyncConnection[Any], visit_id: int, person_id: UUID, left_at: datetime, *, hours: Hours
) -> list[VisitFact]:
    """Let a person's own visit end at the time they give. Raises DomainError.

    The visit may get another id where it is folded again.
    """
    await _lock(conn, person_id)
    visit = await _visit(conn, visit_id, person_id)
    _check_end(visit, left_at)
    if not visit.has_taps:
        values = {"id": visit_id, "end": left_at, "ended_by": "corrected"}
        await conn.execute(_SQL["end_visit"], values)
        return [CheckedOut(space_id=visit.space_id, at=left_at)]
    story = await tap_history_of(conn, person_id, visit.start, hours)
    # What ended it so far goes: as a tap that means "in or out" it would mean "in" now.
    await _delete_taps(conn, person_id, visit, first=visit.start + _INSTANT, last=left_at)
    await _add(conn, person_id, visit.space_id, left_at, "out", "self")
    return await _fold_again(conn, story)


async def remove_visit(
    conn: AsyncConnection[Any], visit_id: int, person_id: UUID, *, hours: Hours
) -> list[VisitFact]:
    """Remove one of a person's own visits, with the taps that it was made of. Raises DomainError."""
    await _lock(conn, person_id)
    visit = await _visit(conn, visit_id, person_id)
    removed = VisitsChanged(space_ids=(visit.space_id,))
    if not visit.has_taps:
        await conn.execute(_SQL["delete_visits"], {"ids": [visit_id]})
        return [removed]
    story = await tap_history_of(conn, person_id, visit.start, hours)
    await _delete_taps(conn, person_id, visit, first=visit.start, last=visit.end or datetime.now(UTC))
    await conn.execute(_SQL["delete_visits"], {"ids": [visit_id]})
    doors = story.doors_in(Visit(visit.space_id, visit.start, None, None)) if visit.end is None else []
    if visit.came_from is not None:  # otherwise the visit before would last until the next tap
        await _add(conn, person_id, visit.came_from, visit.start, "out", "self")
    folded = await _fold_again(conn, story)
    return [removed, *departure_notices.doors_left(doors), *folded]


async def refold_person(conn: AsyncConnection[Any], person_id: UUID, *, hours: Hours) -> list[VisitFact]:
    """Work out all visits of a person again, as after two entries of one person became one."""
    await _lock(conn, person_id)
    row = await (await conn.execute(_SQL["first_tap"], {"person": person_id})).fetchone()
    if row is None or row[0] is None:
        return []
    return await _write(conn, await tap_history_of(conn, person_id, row[0], hours))


@dataclass(frozen=True, slots=True)
class _Visit:
    space_id: str
    start: datetime
    end: datetime | None
    ended_by: str | None
    has_taps: bool
    next_start: datetime | None
    came_from: str | None


async def _lock(conn: AsyncConnection[Any], person_id: UUID) -> None:
    locked = await (await conn.execute(_SQL["lock_people"], {"people": [person_id]})).fetchone()
    if locked is None:
        raise DomainError(PERSON_GONE)


async def _visit(conn: AsyncConnection[Any], visit_id: int, person_id: UUID) -> _Visit:
    async with conn.cursor(row_factory=class_row(_Visit)) as cursor:
        await cursor.execute(_SQL["visit"], {"visit": visit_id, "person": person_id})
        visit = await cursor.fetchone()
    if visit is None:
        raise DomainError(errors.VISIT_GONE)
    return visit


def _check_end(visit: _Visit, left_at: datetime) -> None:
    if left_at <= visit.start:
        raise DomainError(errors.VISIT_ENDS_FIRST)
    if left_at > datetime.now(UTC):
        raise DomainError(errors.IN_THE_FUTURE)
    if left_at - visit.start > LONGEST_VISIT:
        raise DomainError(errors.VISIT_TOO_LONG, most=LONGEST_VISIT // timedelta(hours=1))
    if visit.next_start is not None and left_at >= visit.next_start:
        raise DomainError(errors.NEXT_VISIT_BEGAN)


async def _add_and_fold(
    conn: AsyncConnection[Any],
    person_id: UUID,
    space_id: str,
    at: datetime,
    intent: Intent,
    source: Source,
    hours: Hours,
) -> list[VisitFact]:
    if at > datetime.now(UTC):
        raise DomainError(errors.IN_THE_FUTURE)
    await _lock(conn, person_id)
    await _add(conn, person_id, space_id, at, intent, source)
    return await _write(conn, await tap_history_of(conn, person_id, at, hours))


async def _add(
    conn: AsyncConnection[Any], person_id: UUID, space_id: str, at: datetime, intent: Intent, source: Source
) -> None:
    values: dict[str, Any] = dict.fromkeys(("stream", "seq", "reader", "credential", "counter"))
    values |= {"person": person_id, "space": space_id, "time": at, "intent": intent, "source": source}
    if intent == "in" and await (await conn.execute(_SQL["archived_space"], values)).fetchone() is not None:
        raise DomainError(SPACE_UNKNOWN)
    try:
        async with conn.transaction():
            await conn.execute(_SQL["add_tap"], values | {"verdict": "counts"})
    except (psycopg.errors.ForeignKeyViolation, psycopg.errors.CheckViolation):  # or it is no id
        raise DomainError(SPACE_UNKNOWN) from None


async def _delete_taps(
    conn: AsyncConnection[Any], person_id: UUID, visit: _Visit, *, first: datetime, last: datetime
) -> None:
    """Delete the taps at the visit's space in a time, and the gesture that ended the visit."""
    ended = visit.end if visit.ended_by in {"tap", "corrected"} else None
    values: dict[str, Any] = {"person": person_id, "space": visit.space_id, "first": first, "last": last}
    await conn.execute(_SQL["delete_taps"], values | {"ended": ended, "debounce": DEBOUNCE})


async def _fold_again(conn: AsyncConnection[Any], before: TapHistory) -> list[VisitFact]:
    """Fold again from where the story began, whichever of its taps remain."""
    return await _write(conn, await tap_history_of(conn, before.person_id, before.since, before.hours))


async def _write(conn: AsyncConnection[Any], story: TapHistory) -> list[VisitFact]:
    now = datetime.now(UTC)
    changes = await write(conn, story, story.folded(now), now)
    return [*changes.facts, *departure_notices.doors_left(changes.departures)]


async def visit_of_tap(conn: AsyncConnection[Any], device_id: str, boot: UUID, seq: int) -> TapVisit | None:
    """Return the visit of the tap of an anonymous person; None without one. For the demonstration."""
    values = {"device": device_id, "boot": boot, "seq": seq}
    row = await (await conn.execute(_SQL["visit_of_tap"], values)).fetchone()
    return None if row is None else TapVisit(*row)


async def count_anonymous(conn: AsyncConnection[Any], space_id: str, devices: Sequence[str]) -> int:
    """Return how many anonymous people are in by a tap at these devices. For simulated devices only.

    Of real ones this number would show each tap: what is published comes from `privacy` alone.
    """
    values = {"space": space_id, "devices": list(devices)}
    row = await (await conn.execute(_SQL["count_anonymous"], values)).fetchone()
    return int(row[0]) if row else 0
