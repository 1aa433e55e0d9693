"""Read and change what the hub says of itself, within the caller's transaction."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.errors import DomainError
from hubwell.events import Facts, HubChanged
from hubwell.hub_profile import errors, rules
from hubwell.settings import Settings
from hubwell.storage.queries import Queries

_LOG: Final = logging.getLogger(__name__)
_SQL: Final = Queries("hubwell.hub_profile")
GRAFANA_ROLE: Final = "hubwell_grafana"
"""The account that Grafana reads with (`dashboards/database/grafana_reader.sql`)."""


@dataclass(frozen=True, slots=True)
class Milestones:
    """What happened once, and when; None for what did not."""

    restore_proven_at: datetime | None = None
    grafana_seen_at: datetime | None = None
    no_grafana_since: datetime | None = None


async def read(conn: AsyncConnection[Any]) -> dict[str, str]:
    """Return the fields that were chosen, with their values."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        return _usable(await (await cursor.execute(_SQL["profile"])).fetchone())


def read_sync(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """Return the same as `read`, for commands that use no event loop."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return _usable(cursor.execute(_SQL["profile"]).fetchone())


async def change(
    conn: AsyncConnection[Any], values: Mapping[str, str], installation: Settings
) -> tuple[list[str], Facts]:
    """Set these fields; return the names of those that are different now, and the facts. Raises DomainError.

    The others stay; an empty value is the default again.
    """
    chosen = rules.checked(values, installation)
    await conn.execute(_SQL["lock_profile"])
    before = await read(conn)
    changed = sorted(field for field, value in chosen.items() if before.get(field) != value)
    if not changed:
        return [], []
    await conn.execute(_SQL["set_profile"], dict.fromkeys(rules.FIELDS) | before | chosen)
    return changed, [HubChanged()]


async def milestones(conn: AsyncConnection[Any]) -> Milestones:
    """Return what happened."""
    async with conn.cursor(row_factory=class_row(Milestones)) as cursor:
        return await (await cursor.execute(_SQL["milestones"])).fetchone() or Milestones()


async def note_restore(conn: AsyncConnection[Any], at: datetime, now: datetime) -> None:
    """Note that a backup of this hub was restored with success; the newest time stays. Raises DomainError."""
    if at > now:
        raise DomainError(errors.RESTORE_IN_FUTURE)
    await conn.execute(_SQL["lock_profile"])
    await conn.execute(_SQL["set_restore_proven"], {"at": at})


async def set_no_grafana(conn: AsyncConnection[Any], since: datetime | None) -> None:
    """Note since when the hub does without Grafana on purpose; None where it does not."""
    await conn.execute(_SQL["lock_profile"])
    await conn.execute(_SQL["set_no_grafana"], {"since": since})


async def is_grafana_connected(conn: AsyncConnection[Any]) -> bool:
    """Return whether Grafana's account has a session in this database at this moment."""
    row = await (await conn.execute(_SQL["grafana_connected"], {"role": GRAFANA_ROLE})).fetchone()
    return row is not None and bool(row[0])


async def note_grafana(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Note the first time that Grafana reads this database; a job of the timetable."""
    del settings  # every job gets them
    if await is_grafana_connected(conn):
        await conn.execute(_SQL["set_grafana_seen"], {"now": now})


def _usable(row: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return what was chosen, without a zone that this machine's database of time zones does not have."""
    chosen = {field: value for field, value in (row or {}).items() if value is not None}
    if "zone" in chosen and not rules.is_zone(chosen["zone"]):
        _LOG.warning("this machine has no time zone %s", chosen["zone"], extra={"action": "zone-unknown"})
        del chosen["zone"]
    return chosen
