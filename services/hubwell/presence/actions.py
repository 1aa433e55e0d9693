"""Keep visits in step with taps, in the caller's transaction."""

from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.events import BadgeTapped, VisitsChanged
from hubwell.presence.rules import LONGEST, TapAt, Visit, fold_taps
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.presence")


async def tapped(conn: AsyncConnection[Any], tap: BadgeTapped) -> VisitsChanged | None:
    """Store a tap and work out the badge's visits anew from where it could matter.

    Late and repeated taps are harmless: the visits are a function of all taps, whatever their order. The
    work begins at a tap before which the person was certainly out, because nobody stays longer than
    `LONGEST`: from a later one, the same taps could pair differently.
    """
    badge = {"badge": tap.badge}
    await conn.execute(_SQL["lock_badge"], badge)
    await conn.execute(
        _SQL["add_tap"],
        {
            "stream": tap.stream_id,
            "seq": tap.seq,
            "time": tap.time,
            "epoch": tap.epoch,
            "reader": tap.reader,
            "space": tap.space_id,
            **badge,
        },
    )
    since = await _fold_from(conn, tap)
    taps = await (await conn.execute(_SQL["taps_since"], {**badge, "since": since})).fetchall()
    wanted = fold_taps((TapAt(time, space) for time, space in taps), datetime.now(UTC))
    changed = await _reconcile(conn, tap.badge, since, wanted)
    return VisitsChanged(space_ids=tuple(sorted(changed))) if changed else None


async def close_forgotten(conn: AsyncConnection[Any], now: datetime) -> VisitsChanged | None:
    """End the visits that nobody ended, and mark them as inferred."""
    rows = await (await conn.execute(_SQL["forgotten"], {"now": now, "longest": LONGEST})).fetchall()
    return VisitsChanged(space_ids=tuple(sorted({row[0] for row in rows}))) if rows else None


async def _fold_from(conn: AsyncConnection[Any], tap: BadgeTapped) -> datetime:
    values = {"badge": tap.badge, "time": tap.time, "longest": LONGEST}
    row = await (await conn.execute(_SQL["certainly_out_before"], values)).fetchone()
    earlier: datetime | None = row[0] if row else None
    return earlier if earlier is not None else tap.time


async def _reconcile(
    conn: AsyncConnection[Any], badge: bytes, since: datetime, wanted: list[Visit]
) -> set[str]:
    """Make the stored visits since then equal to the wanted ones; return the spaces concerned."""
    rows = await (await conn.execute(_SQL["visits_since"], {"badge": badge, "since": since})).fetchall()
    stored = {Visit(space, start, end, ended_by): key for key, space, start, end, ended_by in rows}
    outdated = [visit for visit in stored if visit not in wanted]
    missing = [visit for visit in wanted if visit not in stored]
    await conn.execute(_SQL["delete_visits"], {"ids": [stored[visit] for visit in outdated]})
    for visit in missing:
        values = {
            "badge": badge,
            "space": visit.space_id,
            "start": visit.start,
            "end": visit.end,
            "ended_by": visit.ended_by,
        }
        await conn.execute(_SQL["add_visit"], values)
    return {visit.space_id for visit in outdated + missing}
