"""Read the open muster and its list, the newest values of sensors, and earlier reports."""

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
from hubwell.vocabulary import HEADCOUNT, PRESENCE_QUANTITIES, Quality

_SQL: Final = Queries("hubwell.evacuation")
_MOST_REPORTS: Final = 100


@dataclass(frozen=True, slots=True)
class Muster:
    """An open muster."""

    id: UUID
    kind: Literal["drill", "alarm"]
    opened_at: datetime
    start: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class RollEntry:
    """One person on the list. `name` and `label` are None if names are not shown."""

    id: int
    space_id: str
    space: str
    zone: str
    since: datetime
    state: State
    changed_at: datetime | None
    late: bool
    erased: bool
    """The person's data was erased while the muster was open; the person may still be inside."""
    is_visitor: bool
    """Entered by an officer: a visitor without a badge."""
    name: str | None
    label: str | None
    left_at: datetime | None
    """When the badge was tapped out. That does not prove that the person is outside; officers decide."""
    now_in: str | None
    """Name of another space where the badge was tapped since."""

    @property
    def tapped_out(self) -> bool:
        """Whether the badge was tapped out since."""
        return self.left_at is not None


@dataclass(frozen=True, slots=True)
class Place:
    """A space and the newest values of its sensors."""

    id: str
    name: str
    zone: str
    sensed: Sensed
    reader_away_since: datetime | None = None
    """Since when a badge reader there is offline; it may hold taps that the server does not have yet."""


@dataclass(frozen=True, slots=True)
class ClosedDrill:
    """An earlier muster; its report has no names."""

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
    """Return the list by zone and space; without `names` they are not even read from the database."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["people"], {"muster": muster, "names": names})
        return [RollEntry(**{**row, "state": State(row["state"])}) for row in await cursor.fetchall()]


async def places(conn: AsyncConnection[Any], now: datetime) -> list[Place]:
    """Return every space, by zone, with the newest values of its sensors."""
    values: dict[str, list[SensorValue]] = defaultdict(list)
    quantities = {"presence": list(PRESENCE_QUANTITIES), "headcount": HEADCOUNT}
    rows = await (await conn.execute(_SQL["sensors"], quantities)).fetchall()
    for space, series, time, value, quality in rows:
        values[space].append(
            SensorValue(
                series, time, value, inferred=quality == Quality.INFERRED, suspect=quality >= Quality.SUSPECT
            )
        )
    spaces = await (await conn.execute(_SQL["spaces"], {"now": now})).fetchall()
    return [
        Place(space, name, zone, sensed(values[space], now, left=left), away)
        for space, name, zone, away, left in spaces
    ]


async def reports(conn: AsyncConnection[Any]) -> list[ClosedDrill]:
    """Return the last 100 closed musters, the newest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["closed"], {"most": _MOST_REPORTS})
        return [_closed(row) for row in await cursor.fetchall()]


async def report(conn: AsyncConnection[Any], muster: UUID) -> ClosedDrill | None:
    """Return one closed muster; None if it is unknown or still open."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["one_closed"], {"muster": muster})
        row = await cursor.fetchone()
    return None if row is None else _closed(row)


def _closed(row: dict[str, Any]) -> ClosedDrill:
    return ClosedDrill(
        row["id"], row["kind"], row["opened_at"], row["closed_at"], Report.model_validate(row["report"])
    )
