"""Key epochs of the pseudonyms (progress of a key change, deletion of an old epoch) and readers' purposes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.audit import deletions
from hubwell.errors import DomainError
from hubwell.events import AllowlistChanged, Facts
from hubwell.people import errors
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.people")


@dataclass(frozen=True, slots=True)
class EpochUse:
    """Valid credentials with a pseudonym of an epoch; `only_until_here`: those without a newer one."""

    epoch: int
    credentials: int
    only_until_here: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Numbers of deleted rows. `left` is the number that a check found after the deletion: 0 is the proof."""

    pseudonyms: int
    credentials: int
    to_enrol_again: int
    left: int
    facts: Facts = (AllowlistChanged(),)


async def epochs(conn: AsyncConnection[Any]) -> list[EpochUse]:
    """Return the use of each epoch by valid credentials, the newest epoch first."""
    async with conn.cursor(row_factory=class_row(EpochUse)) as cursor:
        await cursor.execute(_SQL["epochs"])
        return await cursor.fetchall()


async def forget_epoch(conn: AsyncConnection[Any], epoch: int) -> Forgotten:
    """Delete every pseudonym of an epoch, and the credentials that have no other; record the proof.

    People stay; those who have no credential any more have to be enrolled again.
    """
    values = {"epoch": epoch}
    pseudonyms = await _row(conn, "forget_epoch", values)
    await conn.execute(_SQL["forget_desk_taps_of_epoch"], values)
    unreachable = await _row(conn, "delete_unreachable", values)
    remaining = await _row(conn, "rows_of_epoch", values)
    await deletions.record(
        conn,
        data="credential",
        why="epoch-destroyed",
        rows=pseudonyms[0],
        left_over=remaining[0],
        at=datetime.now(UTC),
    )
    return Forgotten(pseudonyms[0], unreachable[0], unreachable[1], remaining[0])


async def put_reader(conn: AsyncConnection[Any], device: str, name: str, purpose: str) -> Facts:
    """Set the purpose of a device's reader. Raises DomainError."""
    values = {"device": device, "name": name, "purpose": purpose}
    try:
        async with conn.transaction():
            await conn.execute(_SQL["put_reader"], values)
    except (psycopg.errors.ForeignKeyViolation, psycopg.errors.CheckViolation) as error:
        of_purpose = error.diag.constraint_name == "reader_purpose_known"
        raise DomainError(errors.READER_PURPOSE_UNKNOWN if of_purpose else errors.READER_UNKNOWN) from None
    return [AllowlistChanged()]


async def readers(conn: AsyncConnection[Any]) -> list[dict[str, Any]]:
    """Return the readers whose purpose was set, by device and name."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["readers"])
        return await cursor.fetchall()


async def _row(conn: AsyncConnection[Any], query: str, values: dict[str, Any]) -> tuple[Any, ...]:
    row = await (await conn.execute(_SQL[query], values)).fetchone()
    if row is None:
        raise RuntimeError(f"{query} gave no row")
    return tuple(row)
