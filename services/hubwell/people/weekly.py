"""Sessions that repeat each week: worked out on the hub's clocks, stored as sessions that share a series.

A week later is the same time on the clocks, also across a change between summer and winter time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import SPACE_UNKNOWN, DomainError, refuse_all
from hubwell.people import course_sessions, errors
from hubwell.people.course_sessions import KEPT_DAYS, Plan, Session
from hubwell.storage.queries import Queries
from hubwell.vocabulary import SpaceKind

_SQL: Final = Queries("hubwell.people", "weekly.sql")
_A_WEEK: Final = timedelta(days=7)
MOST_SESSIONS: Final = 104
"""Two years, as far as a session can be entered ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyPlan:
    """A session of each week, as staff enter it: times are on the hub's clocks."""

    title: str
    purpose: str
    space_id: str
    first: date
    until: date
    start: time
    end: time
    without: frozenset[date] = frozenset()
    kept_days: int = KEPT_DAYS


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What a weekly plan comes to, before anything is stored."""

    sessions: tuple[Plan, ...]
    left_out: tuple[date, ...]
    """Days of the series without a session, as was asked."""
    not_in_series: tuple[date, ...]
    """Days to leave out on which no session would have been."""
    taken: tuple[date, ...]
    """Days on which the owner has another session at that time."""


def local_moment(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    """Return a time on the hub's clocks; the first of two, None where the clocks skip it."""
    local = datetime.combine(day, clock, zone)
    moment = local.astimezone(UTC)
    same = moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
    return moment if same else None


def days_of(first: date, until: date) -> list[date]:
    """Return every day of a series, a week apart, from the first on."""
    return [first + _A_WEEK * week for week in range((until - first) // _A_WEEK + 1)]


def plans_of(weekly: WeeklyPlan, zone: ZoneInfo, now: datetime) -> list[Plan]:
    """Return a plan for each session of a series. Raises DomainError with all that is wrong."""
    refuse_all(_refusals(weekly))
    days = [day for day in days_of(weekly.first, weekly.until) if day not in weekly.without]
    if not days:
        raise DomainError(errors.SERIES_EMPTY)
    terms = [
        (day, local_moment(day, weekly.start, zone), local_moment(day, weekly.end, zone)) for day in days
    ]
    skipped = [day for day, start, end in terms if start is None or end is None]
    if skipped:
        raise DomainError(errors.SERIES_CLOCKS, days=as_list(skipped))
    plans = [
        Plan(
            title=weekly.title,
            purpose=weekly.purpose,
            space_id=weekly.space_id,
            start=start,
            end=end,
            kept_days=weekly.kept_days,
        )
        for _, start, end in terms
        if start is not None and end is not None
    ]
    refuse_all(course_sessions.term_refusal(plan.start, plan.end, now) for plan in (plans[0], plans[-1]))
    return plans


def _refusals(weekly: WeeklyPlan) -> Iterator[DomainError | None]:
    yield from course_sessions.text_refusals(weekly.title, weekly.purpose)
    yield course_sessions.days_refusal(weekly.kept_days)
    if weekly.until < weekly.first + _A_WEEK:
        yield DomainError(errors.SERIES_UNTIL_FIRST)
    elif weekly.until - weekly.first >= _A_WEEK * MOST_SESSIONS:
        yield DomainError(errors.SERIES_TOO_LONG, most=MOST_SESSIONS)
    if weekly.end <= weekly.start:
        yield DomainError(errors.SESSION_ENDS_FIRST)


def as_list(days: Iterable[date]) -> str:
    """Return days as a refusal names them: 2026-12-22, 2026-12-29."""
    return ", ".join(day.isoformat() for day in days)


async def plan(
    conn: AsyncConnection[Any], owner: UUID, weekly: WeeklyPlan, zone: ZoneInfo, now: datetime
) -> SeriesPlan:
    """Work out a series without storing it. Raises DomainError."""
    sessions = plans_of(weekly, zone, now)
    values = {"space": weekly.space_id, "relaxation": SpaceKind.RELAXATION}
    refuse_all([_space_refusal(await (await conn.execute(_SQL["space_for_sessions"], values)).fetchone())])
    days = days_of(weekly.first, weekly.until)
    terms = {"starts": [each.start for each in sessions], "ends": [each.end for each in sessions]}
    overlaps = await (await conn.execute(_SQL["overlaps_of_series"], {"owner": owner} | terms)).fetchall()
    return SeriesPlan(
        sessions=tuple(sessions),
        left_out=tuple(day for day in days if day in weekly.without),
        not_in_series=tuple(sorted(weekly.without.difference(days))),
        taken=tuple(row[0].astimezone(zone).date() for row in overlaps),
    )


def _space_refusal(row: tuple[bool, bool] | None) -> DomainError | None:
    """Return why there are no sessions in a space, by whether they can be and whether it is for rest."""
    if row is None or not (row[0] or row[1]):
        return DomainError(SPACE_UNKNOWN)
    return DomainError(errors.SESSION_IN_RELAXATION) if row[1] else None


async def add(
    conn: AsyncConnection[Any], owner: UUID, weekly: WeeklyPlan, zone: ZoneInfo, now: datetime
) -> tuple[UUID, int]:
    """Enter all sessions of a series; return its id and their number. Raises DomainError."""
    await course_sessions.lock_owner(conn, owner)
    planned = await plan(conn, owner, weekly, zone, now)
    if planned.taken:
        raise DomainError(errors.SERIES_OVERLAPS, days=as_list(planned.taken))
    series = uuid4()
    kept = timedelta(days=weekly.kept_days)
    values = {
        "series": series,
        "title": weekly.title.strip(),
        "purpose": weekly.purpose.strip(),
        "space": weekly.space_id,
        "owner": owner,
        "starts": [each.start for each in planned.sessions],
        "ends": [each.end for each in planned.sessions],
        "untils": [each.end + kept for each in planned.sessions],
    }
    await conn.execute(_SQL["add_series"], values)
    return series, len(planned.sessions)


async def sessions_of(conn: AsyncConnection[Any], series: UUID, owner: UUID, now: datetime) -> list[Session]:
    """Return the sessions of an owner's series whose roll can still be read, the earliest first."""
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        await cursor.execute(_SQL["sessions_of_series"], {"series": series, "owner": owner, "now": now})
        return await cursor.fetchall()


async def delete_from(
    conn: AsyncConnection[Any], series: UUID, owner: UUID, first: date, zone: ZoneInfo
) -> int:
    """Delete the sessions of an owner's series from a day on, with their rolls; return their number."""
    values = {"series": series, "owner": owner, "since": datetime.combine(first, time(), zone)}
    return (await conn.execute(_SQL["delete_series"], values)).rowcount
