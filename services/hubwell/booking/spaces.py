"""The spaces that can be booked with their parts, and the parts that facilities give them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.booking import errors
from hubwell.booking.rules import LONGEST_PART_NAME, MOST_PARTS, BookableSpace, Part
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.storage.queries import Queries
from hubwell.vocabulary import LARGEST_CAPACITY, SpaceKind

_SQL: Final = Queries("hubwell.booking")
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class PartInput:
    """A part as facilities enter it; without a capacity it has an equal share of the space's."""

    name: str
    capacity: int | None = None


async def get_space(conn: Conn, space_id: str) -> BookableSpace:
    """Return a space, locked against its archiving and a change of its parts. Raises DomainError."""
    cursor = conn.cursor(row_factory=dict_row)
    row = await (await cursor.execute(_SQL["space"], {"space": space_id})).fetchone()
    if row is None:
        raise DomainError(SPACE_UNKNOWN)
    parts = await (await conn.execute(_SQL["parts"], {"space": space_id})).fetchall()
    return space_of(row, [Part(*part) for part in parts])


async def list_spaces(conn: Conn, kind: str | None = None) -> list[BookableSpace]:
    """Return the spaces that can be booked, in the order of the board."""
    parts: dict[str, list[Part]] = defaultdict(list)
    for space_id, *part in await (await conn.execute(_SQL["parts_of_all"])).fetchall():
        parts[space_id].append(Part(*part))
    cursor = conn.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(_SQL["bookable"], {"kind": kind})).fetchall()
    return [space_of(row, parts[row["id"]]) for row in rows]


async def set_parts(conn: Conn, space_id: str, parts: Sequence[PartInput], now: datetime) -> None:
    """Give a space these parts, the first keeping the bookings of the first before. Raises DomainError.

    The number of parts stays as it is while there are bookings that have not ended.
    """
    tidy = [PartInput(" ".join(part.name.split()), part.capacity) for part in parts]
    _check(tidy)
    if await (await conn.execute(_SQL["lock_space"], {"space": space_id})).fetchone() is None:
        raise DomainError(SPACE_UNKNOWN)
    before = await (await conn.execute(_SQL["parts"], {"space": space_id})).fetchall()
    values = {"space": space_id, "now": now}
    if len(before) != len(tidy):
        booked = await (await conn.execute(_SQL["has_bookings"], values)).fetchone()
        if booked is not None:
            raise DomainError(errors.PARTS_IN_USE)
    for position, part in enumerate(tidy, 1):
        row = {"space": space_id, "position": position, "name": part.name, "capacity": part.capacity}
        await conn.execute(_SQL["put_part"], row)
    await conn.execute(_SQL["drop_parts"], {"space": space_id, "most": len(tidy)})


def _check(parts: Sequence[PartInput]) -> None:
    names = {part.name.casefold() for part in parts}
    whole = len(parts) == 1
    if (
        not 1 <= len(parts) <= MOST_PARTS
        or len(names) != len(parts)
        or any(len(part.name) > LONGEST_PART_NAME or not (part.name or whole) for part in parts)
        or any(part.capacity is not None and not 1 <= part.capacity <= LARGEST_CAPACITY for part in parts)
    ):
        raise DomainError(errors.PARTS_UNREADABLE, most=MOST_PARTS, longest=LONGEST_PART_NAME)


def space_of(row: Mapping[str, Any], parts: Iterable[Part]) -> BookableSpace:
    """Return the space of a row with the columns of the query `bookable`."""
    return BookableSpace(
        id=row["id"],
        name=row["name"],
        kind=SpaceKind(row["kind"]),
        capacity=row["capacity"],
        opens_at=row["opens_at"],
        closes_at=row["closes_at"],
        turnaround=timedelta(minutes=row["turnaround_min"]),
        parts=tuple(parts),
        names=row["names"],
        personal=row["personal"],
        archived=row["archived"],
    )
