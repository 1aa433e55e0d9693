"""Read a muster: the open one with its list, what sensors say, earlier reports. Functions of a connection."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.evacuation.report import Report
from hubwell.evacuation.rules import Sensed, SensorValue, State, sensed
from hubwell.storage.queries import Queries
from hubwell.vocabulary import HEADCOUNT, PRESENCE_QUANTITIES

_SQL: Final = Queries("hubwell.evacuation")
_MOST_REPORTS: Final = 100


@dataclass(frozen=True, slots=True)
class Muster:
    """The muster that is open."""

    id: UUID
    kind: Literal["drill", "alarm"]
    opened_at: datetime
    start: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class RollEntry:
    """One person on the list. `name` and `label` are None where names are not shown."""

    id: int
    space_id: str
    space: str
    zone: str
    since: datetime
    state: State
    changed_at: datetime | None
    late: bool
    erased: bool
    """The person's data were erased while the muster was open; somebody may be there all the same."""
    name: str | None
    label: str | None
    left_at: datetime | None
    """When the badge was tapped out. A badge, not a person: officers decide."""
    now_in: str | None
    """Name of another space where the badge was tapped since."""

    @property
    def tapped_out(self) -> bool:
        """Tell whether the badge has left since."""
        return self.left_at is not None


@dataclass(frozen=True, slots=True)
class Place:
    """A space and what its sensors say now."""

    id: str
    name: str
    zone: str
    sensed: Sensed
    reader_away_since: datetime | None = None
    """Since when a badge reader there is away: taps may wait on it."""


@dataclass(frozen=True, slots=True)
class ClosedDrill:
    """An earlier muster: its report has no names."""

    id: UUID
    kind: Literal["drill", "alarm"]
    opened_at: datetime
    closed_at: datetime
    report: Report


async def open_muster(conn: AsyncConnection[Any]) -> Muster | None:
    """Return the muster that is open, if any."""
    row = await (await conn.execute(_SQL["open_muster"])).fetchone()
    return None if row is None else Muster(row[0], row[1], row[2], Report.model_validate(row[3]))


async def people(conn: AsyncConnection[Any], muster: UUID, *, names: bool) -> list[RollEntry]:
    """Return the list by zone and space; without leave the names do not even leave the database."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["people"], {"muster": muster, "names": names})
        return [RollEntry(**{**row, "state": State(row["state"])}) for row in await cursor.fetchall()]


async def places(conn: AsyncConnection[Any], now: datetime) -> list[Place]:
    """Return every space, by zone, with what its sensors say."""
    values: dict[str, list[SensorValue]] = defaultdict(list)
    asked = {"presence": list(PRESENCE_QUANTITIES), "headcount": HEADCOUNT}
    for space, series, time, value, quality in await (await conn.execute(_SQL["sensors"], asked)).fetchall():
        values[space].append(SensorValue(series, time, value, doubtful=quality != 0))
    return [
        Place(space, name, zone, sensed(values[space], now), away)
        for space, name, zone, away in await (await conn.execute(_SQL["spaces"])).fetchall()
    ]


async def reports(conn: AsyncConnection[Any]) -> list[ClosedDrill]:
    """Return earlier musters, the newest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["closed"], {"most": _MOST_REPORTS})
        return [_closed(row) for row in await cursor.fetchall()]


async def report(conn: AsyncConnection[Any], muster: UUID) -> ClosedDrill | None:
    """Return one earlier muster."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["one_closed"], {"muster": muster})
        row = await cursor.fetchone()
    return None if row is None else _closed(row)


def _closed(row: dict[str, Any]) -> ClosedDrill:
    return ClosedDrill(
        row["id"], row["kind"], row["opened_at"], row["closed_at"], Report.model_validate(row["report"])
    )
