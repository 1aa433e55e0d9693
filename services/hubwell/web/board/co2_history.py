"""Fetch the steps that the day's plots are drawn from, at most once a minute for the whole board."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from hubwell.api import live_state
from hubwell.api.readings import binned_query
from hubwell.http.database import Database
from hubwell.web.board.co2_plot import STEP, Step, bounds

_FRESH: Final = timedelta(minutes=1)


class DaySteps:
    """The last 24 hours of CO2 of every space, kept for a minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fetched: datetime | None = None
        self._steps: dict[str, list[Step]] = {}
        self._fetching = asyncio.Lock()

    async def at(self, now: datetime) -> dict[str, list[Step]]:
        """Return the steps by space. Raises DatabaseAwayError or SchemaMissingError."""
        async with self._fetching:
            if self._fetched is None or abs(now - self._fetched) > _FRESH:
                self._steps = await self._fetch(now)
                self._fetched = now
            return self._steps

    async def _fetch(self, now: datetime) -> dict[str, list[Step]]:
        start, end = bounds(now)
        query = binned_query(await self._database.engine(), STEP)
        async with self._database.connection() as conn:
            series = {row["id"]: row["space_id"] for row in await live_state.rows(conn, "co2_series")}
            values = {"series": list(series), "start": start, "end": end, "width": STEP}
            rows = await live_state.rows(conn, query, values)
        gathered: dict[tuple[str, datetime], list[live_state.Row]] = defaultdict(list)
        for row in rows:
            gathered[series[row["series_id"]], row["bucket"]].append(row)
        steps: dict[str, list[Step]] = defaultdict(list)
        for (space, bucket), found in sorted(gathered.items()):
            count = sum(row["n"] for row in found)
            mean = sum(row["mean"] * row["n"] for row in found) / count
            steps[space].append(Step(bucket, mean, max(row["max"] for row in found)))
        return dict(steps)
