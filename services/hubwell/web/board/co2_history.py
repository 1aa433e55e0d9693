"""Fetch the steps that the day's plots are drawn from, at most once a minute for the whole board."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.api import live_state
from hubwell.api.readings import closed_until
from hubwell.vocabulary import ROLLUP_STEP
from hubwell.web.board.co2_plot import Day, Step, bounds

_FRESH: Final = timedelta(minutes=1)


class DaySteps:
    """The last 24 hours of CO2 of every space, for a minute from one query."""

    def __init__(self) -> None:
        self._fetched: datetime | None = None
        self._days: dict[str, Day] = {}
        self._fetching = asyncio.Lock()

    async def at(self, conn: AsyncConnection[Any], now: datetime) -> dict[str, Day]:
        """Return the day of each space; `conn` is used where they are older than a minute."""
        async with self._fetching:
            if self._fetched is None or abs(now - self._fetched) > _FRESH:
                self._days = await self._fetch(conn, now)
                self._fetched = now
            return self._days

    async def _fetch(self, conn: AsyncConnection[Any], now: datetime) -> dict[str, Day]:
        start, end = bounds(now)
        end = min(end, closed_until(now))  # a step that still grows would show single readings
        series = {row["id"]: row["space_id"] for row in await live_state.rows(conn, "co2_series")}
        values = {"series": list(series), "start": start, "end": end, "width": ROLLUP_STEP}
        rows = await live_state.rows(conn, "steps_of_day", values)
        gathered: dict[tuple[str, datetime], list[live_state.Row]] = defaultdict(list)
        for row in rows:
            gathered[series[row["series_id"]], row["bucket"]].append(row)
        days: dict[str, Day] = defaultdict(Day)
        for (space, bucket), of_step in sorted(gathered.items()):
            count = sum(row["n"] for row in of_step)
            if not count:
                days[space].doubtful.append(bucket)
                continue
            good = [row for row in of_step if row["n"]]
            mean = sum(row["mean"] * row["n"] for row in good) / count
            days[space].steps.append(Step(bucket, mean, max(row["max"] for row in good)))
        return dict(days)
