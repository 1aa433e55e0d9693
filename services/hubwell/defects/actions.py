"""Report defects, take reports back, close and reopen defects, and list them.

Functions of a connection that never commit. Which reports are one defect the database decides: a unique index
allows one open defect of a kind in a space.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.defects import errors
from hubwell.defects.rules import (
    CLOSED_SHOWN_FOR,
    SAME_REPORT_WITHIN,
    UNDO_FOR,
    DefectKind,
    ReportKey,
)
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.defects")
_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was received. `counted`: whether it is a new one, and no double tap."""

    key: ReportKey
    reports: int
    counted: bool

    @property
    def is_new_defect(self) -> bool:
        """Whether the defect was not known before."""
        return self.counted and self.reports == 1


@dataclass(frozen=True, slots=True)
class RecentReport:
    """A report that can still be taken back."""

    key: ReportKey
    kind: DefectKind
    reports: int


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect as those see it who look after the spaces."""

    id: UUID
    space_id: str
    space_name: str
    archived: bool
    """Whether its space is archived."""
    kind: DefectKind
    first_at: datetime
    last_at: datetime
    reports: int
    closed_at: datetime | None
    closed_by: UUID | None
    note: str
    closed_by_name: str | None


@dataclass(frozen=True, slots=True)
class OpenDefect:
    """An open defect of one space."""

    id: UUID
    kind: DefectKind
    first_at: datetime
    reports: int


async def report(conn: Conn, space_id: str, kind: DefectKind, now: datetime) -> Reported:
    """Count a report in the open defect of its kind and space, or open one. Raises DomainError."""
    values = {"space": space_id, "kind": kind, "now": now, "same_within": SAME_REPORT_WITHIN}
    row = await (await conn.execute(_SQL["report"], values)).fetchone()
    counted = row is not None
    row = row or await (await conn.execute(_SQL["reported"], values)).fetchone()
    if row is None:
        raise DomainError(SPACE_UNKNOWN)
    defect_id, at, reports = row
    return Reported(ReportKey(defect_id, at), reports, counted)


async def take_back(conn: Conn, space_id: str, key: ReportKey, now: datetime) -> None:
    """Undo the newest report of a defect; without another report the defect is gone. Raises DomainError."""
    values = _of_report(space_id, key, now)
    for query in ("take_back_repeat", "take_back_only"):
        if await (await conn.execute(_SQL[query], values)).fetchone() is not None:
            return
    raise DomainError(errors.DEFECT_UNDO_LATE)


async def recent_report(conn: Conn, space_id: str, key: ReportKey, now: datetime) -> RecentReport | None:
    """Return a report that can still be taken back; None for any other."""
    values = _of_report(space_id, key, now)
    row = await (await conn.execute(_SQL["report_of"], values)).fetchone()
    return None if row is None else RecentReport(key, DefectKind(row[0]), row[1])


async def close(conn: Conn, defect_id: UUID, account_id: UUID | None, note: str, now: datetime) -> None:
    """Mark an open defect as done; `account_id` is None for a program. Raises DomainError."""
    closed_at, _ = await _locked(conn, defect_id)
    if closed_at is not None:
        raise DomainError(errors.DEFECT_DONE)
    values = {"defect": defect_id, "account": account_id, "note": note, "now": now}
    await conn.execute(_SQL["close"], values)


async def reopen(conn: Conn, defect_id: UUID) -> None:
    """Open a closed defect again, without its note. Raises DomainError."""
    closed_at, archived_at = await _locked(conn, defect_id)
    if closed_at is None:
        raise DomainError(errors.DEFECT_NOT_DONE)
    if archived_at is not None:
        raise DomainError(errors.DEFECT_SPACE_GONE)
    try:
        async with conn.transaction():
            await conn.execute(_SQL["reopen"], {"defect": defect_id})
    except psycopg.errors.UniqueViolation as error:
        raise DomainError(errors.DEFECT_OPEN_AGAIN) from error


async def close_of_space(conn: Conn, space_id: str, now: datetime) -> None:
    """Close what is open in a space that is archived."""
    await conn.execute(_SQL["close_of_space"], {"space": space_id, "now": now})


async def list_defects(conn: Conn, now: datetime) -> list[Defect]:
    """Return the open defects, the oldest first, then those that were closed in the last 30 days."""
    return await _defects(conn, {"closed_since": now - CLOSED_SHOWN_FOR, "defect": None})


async def get_defect(conn: Conn, defect_id: UUID) -> Defect:
    """Return one defect, whenever it was closed. Raises DomainError."""
    defects = await _defects(conn, {"closed_since": _ALWAYS, "defect": defect_id})
    if not defects:
        raise DomainError(errors.DEFECT_UNKNOWN)
    return defects[0]


async def open_in(conn: Conn, space_id: str) -> list[OpenDefect]:
    """Return the open defects of a space, the oldest first."""
    cursor = conn.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(_SQL["open_in"], {"space": space_id})).fetchall()
    return [OpenDefect(**row | {"kind": DefectKind(row["kind"])}) for row in rows]


async def count_open(conn: Conn) -> int:
    """Return how many defects are open."""
    row = await (await conn.execute(_SQL["count_open"])).fetchone()
    return 0 if row is None else int(row[0])


async def _defects(conn: Conn, values: dict[str, Any]) -> list[Defect]:
    cursor = conn.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(_SQL["defects"], values)).fetchall()
    return [Defect(**row | {"kind": DefectKind(row["kind"])}) for row in rows]


async def _locked(conn: Conn, defect_id: UUID) -> tuple[datetime | None, datetime | None]:
    """Lock a defect and its space; return when it was closed, and when its space was archived."""
    row = await (await conn.execute(_SQL["lock"], {"defect": defect_id})).fetchone()
    if row is None:
        raise DomainError(errors.DEFECT_UNKNOWN)
    return row[0], row[1]


def _of_report(space_id: str, key: ReportKey, now: datetime) -> dict[str, Any]:
    return {"space": space_id, "defect": key.defect_id, "at": key.at, "since": now - UNDO_FOR}
