"""Close windows of five minutes and publish their figures of people, in the transaction of a scheduled job.

Visits come from presence; figures go to the table `people_figure` after disclosure control. A window is
closed 20 s after its end and never revised: a tap that arrives later counts only in windows that are closed
after it. After an outage the missed windows are closed one by one, oldest first, so that hysteresis is
applied to each.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.privacy.disclosure_control import Cell, Figure, Room, close
from hubwell.settings import Settings
from hubwell.storage.queries import Queries
from hubwell.vocabulary import COUNT_WINDOW, OPEN_VISIT_IGNORED_AFTER

_SQL: Final = Queries("hubwell.privacy", "publish_counts.sql")

SETTLE: Final = timedelta(seconds=20)
"""How long after its end a window is closed, for taps that are on their way."""
CATCH_UP: Final = timedelta(hours=12)
"""How far back missed windows are closed; older ones get no figures."""
KEPT: Final = timedelta(days=90)


async def close_windows(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Close every window that has ended and is not closed yet; delete figures older than `KEPT`."""
    del settings
    await conn.execute(_SQL["one_at_a_time"])
    rooms = [Room(*row) for row in await (await conn.execute(_SQL["rooms"])).fetchall()]
    if not rooms:
        return
    for start in await _to_close(conn, now):
        await _close(conn, rooms, start)
    await conn.execute(_SQL["prune"], {"before": now - KEPT})


def window_of(moment: datetime) -> datetime:
    """Return the start of the window that a moment is in."""
    return datetime.fromtimestamp(
        moment.timestamp() // COUNT_WINDOW.total_seconds() * COUNT_WINDOW.total_seconds(), UTC
    )


async def _to_close(conn: AsyncConnection[Any], now: datetime) -> list[datetime]:
    newest = window_of(now - SETTLE) - COUNT_WINDOW
    row = await (await conn.execute(_SQL["last_closed"])).fetchone()
    last = row[0] if row and row[0] is not None else newest - COUNT_WINDOW
    start = max(last + COUNT_WINDOW, window_of(now - CATCH_UP))
    return [start + number * COUNT_WINDOW for number in range((newest - start) // COUNT_WINDOW + 1)]


async def _close(conn: AsyncConnection[Any], rooms: list[Room], start: datetime) -> None:
    values = {"start": start, "end": start + COUNT_WINDOW, "longest": OPEN_VISIT_IGNORED_AFTER}
    people = dict(await (await conn.execute(_SQL["people_in_window"], values)).fetchall())
    last_groups = {
        Cell(scope, place): count
        for scope, place, count in await (await conn.execute(_SQL["held"])).fetchall()
    }
    closed = close(rooms, people, last_groups)
    async with conn.cursor() as cursor:
        await cursor.executemany(_SQL["publish"], [_row(figure, start) for figure in closed.figures])
        groups = [
            {"scope": cell.scope, "place": cell.place, "people": group, "start": start}
            for cell, group in closed.held.items()
        ]
        await cursor.executemany(_SQL["hold"], groups)
        await cursor.execute(_SQL["let_go"], {"start": start})


def _row(figure: Figure, start: datetime) -> dict[str, object]:
    return {
        "scope": figure.cell.scope,
        "place": figure.cell.place,
        "start": start,
        "about": figure.about,
        "fullness": figure.fullness,
        "withheld": figure.withheld,
    }
