"""Write series of bookings in the caller's transaction: many dates with one statement each.

As with a single booking, whether the dates are free is asked of nobody beforehand: the holds are inserted in
the order of atoms and times, and where fewer come than were meant, all is rolled back to a savepoint.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.booking import errors as booking_errors
from hubwell.booking.actions import NotFreeError, Request, all_or_nothing
from hubwell.booking.read_model import Booking
from hubwell.booking.series.occurrences import Occurrence, Pattern
from hubwell.booking.series.plan import SeriesPlan
from hubwell.booking.series.preview import PreviewDate, unnested
from hubwell.booking.series.read_model import Series
from hubwell.errors import DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.series")
Conn = AsyncConnection[Any]


async def add(
    conn: Conn,
    plan: SeriesPlan,
    dates: Sequence[PreviewDate],
    owner: str,
    now: datetime,
    request: Request | None = None,
) -> UUID | None:
    """Store a series with its chosen dates, and remember the others. None: the same request has one already.

    Raises NotFreeError.
    """
    values = _columns(plan.pattern) | {
        "rule": plan.rule,
        "zone": plan.pattern.zone.key,
        "clock_change": plan.pattern.clock_change.value,
        "first_at": plan.first_at,
        "last_at": plan.last_at,
        "owner": owner,
        "now": now,
        "key": request and request.key,
        "hash": request and request.digest,
    }
    async with all_or_nothing(conn):
        row = await (await conn.execute(_SQL["add"], values)).fetchone()
        if row is None:
            return None
        series_id: UUID = row[0]
        chosen = [date.occurrence for date in dates if date.chosen]
        await _book(conn, series_id, plan.pattern, chosen, owner, now)
        await _remember(conn, series_id, [date for date in dates if not date.chosen])
    return series_id


async def of_request(conn: Conn, owner: str, request: Request) -> UUID | None:
    """Return the series that a request made before. Raises DomainError for a key of another request."""
    row = await (await conn.execute(_SQL["request"], {"owner": owner, "key": request.key})).fetchone()
    if row is None:
        return None
    series_id, digest = row
    if digest != request.digest:
        raise DomainError(booking_errors.KEY_REUSED)
    return UUID(str(series_id))


async def split(conn: Conn, series: Series, date: datetime, last: datetime, now: datetime) -> UUID:
    """Make a series of its own of the dates from `date` on, exceptions and left-out ones too; return its id.

    `last` is the last date that stays.
    """
    values = {"series": series.id, "date": date, "last": last, "now": now}
    row = await (await conn.execute(_SQL["split"], values)).fetchone()
    if row is None:
        raise RuntimeError("a locked series is there")
    values["to"] = row[0]
    await conn.execute(_SQL["hand_over_dates"], values)
    await conn.execute(_SQL["hand_over_skips"], values)
    await conn.execute(_SQL["end_before"], values)
    return UUID(str(row[0]))


async def change(
    conn: Conn,
    series: Series,
    pattern: Pattern,
    moved: Sequence[tuple[Booking, Occurrence]],
    left: Sequence[UUID],
    later: timedelta,
    date: datetime,
    now: datetime,
) -> None:
    """Give the dates of a series from `date` on what they have in common now. Raises NotFreeError.

    `moved` are the bookings that follow with their new dates, `left` those that stay as they are from now on.
    """
    ids = [booking.id for booking, _ in moved]
    values = unnested([occurrence for _, occurrence in moved]) | _columns(pattern)
    values |= {"series": series.id, "bookings": ids, "later": later, "date": date, "now": now}
    atoms = sorted({*pattern.parts, *(part for booking, _ in moved for part in booking.parts)})
    takes_time = any(_takes_other(booking, pattern, occurrence) for booking, occurrence in moved)
    async with all_or_nothing(conn):
        await conn.execute(_SQL["stay_behind"], {"series": series.id, "bookings": list(left), "now": now})
        if takes_time:
            await conn.execute(_SQL["lock_atoms_of_dates"], {"atoms": atoms})
            await conn.execute(_SQL["free_dates"], values)
        await conn.execute(_SQL["change_dates"], values)
        if takes_time:
            await _hold(conn, ids, pattern)
        if later:
            await conn.execute(_SQL["shift_keys"], values)
            await conn.execute(_SQL["shift_skips"], values)
        await conn.execute(_SQL["change_series"], values)


async def cancel(conn: Conn, series: Series, date: datetime, now: datetime) -> list[UUID]:
    """Cancel the dates of a series from `date` on that have not ended; return their bookings."""
    values = {"series": series.id, "date": date, "now": now}
    rows = await (await conn.execute(_SQL["cancel_dates"], values)).fetchall()
    cancelled = [row[0] for row in rows]
    await conn.execute(_SQL["free_dates"], {"bookings": cancelled})
    if cancelled:
        await conn.execute(_SQL["cancel_series"], values)
    return cancelled


async def restore(conn: Conn, series: Series, bookings: Sequence[Booking], now: datetime) -> int:
    """Take back that dates were cancelled with their series, where they are free; return their number."""
    ids = [booking.id for booking in bookings]
    atoms = {booking.id: len(booking.parts) for booking in bookings}
    try:
        async with all_or_nothing(conn):
            values = {"bookings": ids}
            held: dict[UUID, int] = dict.fromkeys(ids, 0)
            for (booking_id,) in await (await conn.execute(_SQL["hold_dates"], values)).fetchall():
                held[booking_id] += 1
            whole = [each for each in ids if held[each] == atoms[each]]
            await conn.execute(_SQL["free_dates"], {"bookings": [each for each in ids if each not in whole]})
            await conn.execute(_SQL["restore_dates"], {"bookings": whole, "now": now})
            await conn.execute(_SQL["restore_series"], {"series": series.id})
    except NotFreeError:  # a deadlock: nobody else can be named
        return 0
    return len(whole)


async def book_skipped(
    conn: Conn, series: Series, pattern: Pattern, occurrence: Occurrence, owner: str, now: datetime
) -> None:
    """Book a date that was left out. Raises NotFreeError, and KeyError where it is not remembered."""
    values = {"series": series.id, "date": occurrence.at}
    async with all_or_nothing(conn):
        if await (await conn.execute(_SQL["take_skip"], values)).fetchone() is None:
            raise KeyError(occurrence.at)
        await _book(conn, series.id, pattern, [occurrence], owner, now)
        await conn.execute(_SQL["touch_series"], values)


async def forget_owner(conn: Conn, account_id: UUID) -> None:
    """Keep the series of an account that is erased, of nobody and for nothing."""
    await conn.execute(_SQL["forget_owner"], {"owner": f"account:{account_id}"})


async def _book(
    conn: Conn, series_id: UUID, pattern: Pattern, dates: Sequence[Occurrence], owner: str, now: datetime
) -> None:
    values = _columns(pattern) | unnested(dates) | {"owner": owner, "now": now, "series": series_id}
    rows = await (await conn.execute(_SQL["add_dates"], values)).fetchall()
    await _hold(conn, [row[0] for row in rows], pattern)


async def _hold(conn: Conn, bookings: Sequence[UUID], pattern: Pattern) -> None:
    values = {"bookings": list(bookings)}
    if (await conn.execute(_SQL["hold_dates"], values)).rowcount != len(bookings) * len(pattern.parts):
        raise NotFreeError


async def _remember(conn: Conn, series_id: UUID, dates: Sequence[PreviewDate]) -> None:
    values = {
        "series": series_id,
        "dates": [date.occurrence.at for date in dates],
        "reasons": [date.left_out_because for date in dates],
    }
    await conn.execute(_SQL["remember_skips"], values)


def _takes_other(booking: Booking, pattern: Pattern, occurrence: Occurrence) -> bool:
    term = occurrence.term
    same_time = term is not None and (booking.start, booking.end) == (term.start, term.end)
    return not same_time or booking.parts != pattern.parts


def _columns(pattern: Pattern) -> dict[str, Any]:
    return {
        "space": pattern.space.id,
        "atoms": list(pattern.parts),
        "lasts": pattern.length,
        "title": pattern.title,
        "shows_title": pattern.shows_title,
        "people": pattern.people,
    }
