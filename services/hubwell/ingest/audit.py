"""Account for every message, per device and day, from the ledger in the database.

sent = stored + rejected + missing + dropped, where *dropped* is what the device declared it had to drop and
*missing* is the unexplained rest. Copies are counted separately: they change nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from psycopg import AsyncConnection, Connection
from psycopg.rows import class_row, dict_row

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.ingest")


@dataclass(frozen=True, slots=True)
class Hole:
    """Sequence numbers of one boot that were not received, and the cause if it is known."""

    boot: str
    first: int
    last: int
    cause: str
    explained: bool

    @property
    def count(self) -> int:
        """Number of messages in the hole."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Day:
    """Message counts of one device on one day, in the hub's time zone."""

    device: str
    day: date
    stored: int = 0
    rejected: int = 0
    duplicated: int = 0
    readings: int = 0
    clashing: int = 0
    """Readings that are not stored because their series had another value at that instant."""
    readings_refused: int = 0
    """Readings that are not stored because their value, time or unit cannot be right."""
    dropped: int = 0
    missing: int = 0
    unnumbered: int = 0
    """Observations that the device lost before it could number them, as it declared."""
    holes: list[Hole] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Messages that the device numbered."""
        return self.stored + self.rejected + self.dropped + self.missing


@dataclass(frozen=True, slots=True)
class Losses:
    """Messages of one device that are missing, from its boots that were heard in a span of time."""

    missing: int = 0
    """Numbers that never came, although later ones did."""
    to_come: int = 0
    """Numbers that the device gave out and that may still come."""
    dropped: int = 0
    """Numbers that the device declared it dropped."""
    refused: int = 0
    """Messages that were set aside, events left out."""


@dataclass(frozen=True, slots=True)
class DeclaredLoss:
    """Messages or observations that a device declared lost, by cause."""

    cause: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedMessages:
    """Messages of a device that were set aside, by code, with the newest reason."""

    code: str
    count: int
    last_at: datetime
    reason: str


class _Days(dict[tuple[str, date], Day]):
    def __missing__(self, key: tuple[str, date]) -> Day:
        self[key] = Day(*key)
        return self[key]


def audit(
    conn: Connection[Any], *, since: datetime, zone: str = "UTC", device: str | None = None
) -> list[Day]:
    """Return the counts of each device and day since a time, newest day first."""
    values = {"since": since, "zone": zone, "device": device}
    days = _Days()
    for row in _rows(conn, "audit_days", values):
        day = days[row["device_id"], row["day"]]
        day.stored, day.rejected = row["stored"], row["rejected"]
        day.duplicated, day.readings = row["duplicated"], row["readings"]
        day.clashing, day.readings_refused = row["clashing"], row["readings_refused"]
    for row in _rows(conn, "audit_unnumbered", values):
        day = days[row["device_id"], row["day"]]
        day.rejected += row["rejected"]
        day.duplicated += row["duplicated"]
    for row in _rows(conn, "audit_lost_before_numbering", values):
        days[row["device_id"], row["day"]].unnumbered += row["count"]
    for row in _rows(conn, "audit_holes", values):
        _add_hole(days[row["device_id"], row["day"]], row)
    return sorted(days.values(), key=lambda day: (-day.day.toordinal(), day.device))


def _rows(conn: Connection[Any], query: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from conn.cursor(row_factory=dict_row).execute(_SQL[query], values)


def _add_hole(day: Day, row: dict[str, Any]) -> None:
    if row["explained"]:
        cause = f"dropped by the device: {row['declared']}"
    elif row["may_come"]:
        cause = "not arrived yet: the device may still hold them"
    else:
        cause = "unknown"
    hole = Hole(str(row["boot"]), row["first"], row["last"], cause, row["explained"])
    day.holes.append(hole)
    if hole.explained:
        day.dropped += hole.count
    else:
        day.missing += hole.count


async def losses(conn: AsyncConnection[Any], since: datetime, device: str | None = None) -> dict[str, Losses]:
    """Return what is missing of each device, or of one."""
    refused: dict[str, int] = dict(
        await (await conn.execute(_SQL["refused_by_device"], {"since": since})).fetchall()
    )
    rows = await (await conn.execute(_SQL["losses"], {"since": since, "device": device})).fetchall()
    counted = {
        name: Losses(missing, to_come, dropped, refused.pop(name, 0))
        for name, missing, to_come, dropped in rows
    }
    return counted | {name: Losses(refused=count) for name, count in refused.items()}


async def declared_losses(conn: AsyncConnection[Any], device: str, since: datetime) -> list[DeclaredLoss]:
    """Return what a device declared lost, by cause; what was lost before it had a number too."""
    async with conn.cursor(row_factory=class_row(DeclaredLoss)) as cursor:
        await cursor.execute(_SQL["declared_losses"], {"device": device, "since": since})
        return await cursor.fetchall()


async def refused_messages(conn: AsyncConnection[Any], device: str, since: datetime) -> list[RefusedMessages]:
    """Return what was set aside of a device."""
    async with conn.cursor(row_factory=class_row(RefusedMessages)) as cursor:
        await cursor.execute(_SQL["refused_of_device"], {"device": device, "since": since})
        return await cursor.fetchall()


def newest_rejected(conn: Connection[Any], most: int) -> list[dict[str, Any]]:
    """Return the newest rejected messages with their reasons."""
    return list(_rows(conn, "newest_rejected", {"most": most}))
