"""Fetch the steps that the day's plots are drawn from, at most once a minute for the whole board."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.api import live_state
from hubwell.api.readings import binned_query
from hubwell.http.database import Database
from hubwell.vocabulary import ROLLUP_STEP
from hubwell.web.board.co2_plot import Step, bounds

_FRESH: Final = timedelta(minutes=1)


class DaySteps:
    """The last 24 hours of CO2 of every space, for a minute from one query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fetched: datetime | None = None
        self._steps: dict[str, list[Step]] = {}
        self._fetching = asyncio.Lock()

    async def at(self, conn: AsyncConnection[Any], now: datetime) -> dict[str, list[Step]]:
        """Return the steps by space; `conn` is used where they are older than a minute."""
        async with self._fetching:
            if self._fetched is None or abs(now - self._fetched) > _FRESH:
                self._steps = await self._fetch(conn, now)
                self._fetched = now
            return self._steps

    async def _fetch(self, conn: AsyncConnection[Any], now: datetime) -> dict[str, list[Step]]:
        start, end = bounds(now)
        query = binned_query(await self._database.engine(), ROLLUP_STEP)
        series = {row["id"]: row["space_id"] for row in await live_state.rows(conn, "co2_series")}
        values = {"series": list(series), "start": start, "end": end, "width": ROLLUP_STEP}
        rows = await live_state.rows(conn, query, values)
        gathered: dict[tuple[str, datetime], list[live_state.Row]] = defaultdict(list)
        for row in rows:
            gathered[series[row["series_id"]], row["bucket"]].append(row)
        steps: dict[str, list[Step]] = defaultdict(list)
        for (space, bucket), of_step in sorted(gathered.items()):
            count = sum(row["n"] for row in of_step)
            mean = sum(row["mean"] * row["n"] for row in of_step) / count
            steps[space].append(Step(bucket, mean, max(row["max"] for row in of_step)))
        return dict(steps)
