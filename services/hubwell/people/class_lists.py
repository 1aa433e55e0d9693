"""Lists of names that wait at the desk for their badges, in the caller's transaction.

A list is its owner's alone, and deleted when it is ended, or some hours after its last use.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import DomainError
from hubwell.people import errors, persons
from hubwell.people.credentials import CredentialKind
from hubwell.people.desk_taps import WAITS
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.people", "class_lists.sql")
MOST_NAMES: Final = 500
MOST_LISTS: Final = 5
"""Lists of one account at once."""
_MOST_SAME: Final = 5
_MOST_TYPED: Final = 200_000
_SEPARATORS: Final = ("\t", ";", ",")
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"')

Columns = Literal["last-first", "first-last"]


@dataclass(frozen=True, slots=True)
class ClassList:
    """A list of names; `reader` is device and reader of its desk, empty for every desk."""

    id: UUID
    reader: str
    language: str | None
    started_at: datetime
    taps_after: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """A list as its owner finds it again."""

    id: UUID
    started_at: datetime
    names: int
    done: int


@dataclass(frozen=True, slots=True)
class ClassName:
    """A name on a list, with its badge once it has one."""

    position: int
    name: str
    credential_id: int | None
    skipped: bool
    done_at: datetime | None
    person_id: UUID | None
    enrolled_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether the name has neither a badge nor been skipped."""
        return self.credential_id is None and not self.skipped


@dataclass(frozen=True, slots=True)
class SameName:
    """A person of the register who has the name already; `credentials` is the number of valid ones."""

    id: UUID
    name: str
    credentials: int


@dataclass(frozen=True, slots=True)
class WaitingTap:
    """The newest tap of a badge at the list's reader, with its person if the badge is enrolled."""

    id: int
    tapped_at: datetime
    kind: CredentialKind
    device_name: str
    device: str
    credential_id: int | None
    person_id: UUID | None
    name: str | None


@dataclass(frozen=True, slots=True)
class DeskReader:
    """A reader of a desk, as a list names it."""

    key: str
    device_name: str
    device: str
    reader: str


def names_in(text: str, columns: Columns = "last-first") -> list[str]:
    """Read pasted names, one a line, also as cells of a spreadsheet; empty lines are left out.

    A line of two cells is a name in two parts, in the order of `columns`. Raises DomainError for the first
    line that cannot be a name.
    """
    if len(text) > _MOST_TYPED:
        raise DomainError(errors.CLASS_TOO_LONG, most=MOST_NAMES)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip(' \t;,"')]
    if not lines:
        raise DomainError(errors.CLASS_EMPTY)
    if len(lines) > MOST_NAMES:
        raise DomainError(errors.CLASS_HAS_MORE, most=MOST_NAMES, given=len(lines))
    return [_name(number, line, columns) for number, line in lines]


def _name(number: int, line: str, columns: Columns) -> str:
    cells = _cells(line)
    if len(cells) > len(("last", "first")):
        raise DomainError(errors.CLASS_LINE_CELLS, line=number, cells=len(cells))
    if columns == "last-first":
        cells.reverse()
    try:
        return persons.clean_name(" ".join(cells))
    except DomainError as error:
        if error.kind is errors.NAME_NOT_PRINTABLE:
            raise DomainError(errors.CLASS_LINE_ODD, line=number) from error
        raise DomainError(errors.CLASS_LINE_LONG, line=number, most=persons.LONGEST_NAME) from error


def _cells(line: str) -> list[str]:
    """Split a line at tabs, else at semicolons, else at commas; cells may be quoted."""
    separator = next((each for each in _SEPARATORS if each in _QUOTED.sub("", line)), None)
    cells = [line] if separator is None else _split(line, separator)
    return [cell for cell in (_unquoted(cell) for cell in cells) if cell]


def _split(line: str, separator: str) -> list[str]:
    """Split at the separators outside quotes."""
    cells, quoted = [""], False
    for letter in line:
        quoted ^= letter == '"'
        if letter == separator and not quoted:
            cells.append("")
        else:
            cells[-1] += letter
    return cells


def _unquoted(cell: str) -> str:
    cell = cell.strip()
    match = _QUOTED.fullmatch(cell)
    return match[1].replace('""', '"').strip() if match else cell


def doubled(names: list[ClassName]) -> frozenset[int]:
    """Return the positions of names that are on a list more than once, whatever their capital letters."""
    counts = Counter(item.name.casefold() for item in names)
    return frozenset(item.position for item in names if counts[item.name.casefold()] > 1)


async def start(
    conn: AsyncConnection[Any],
    owner: UUID,
    names: list[str],
    now: datetime,
    *,
    reader: str = "",
    language: str | None = None,
) -> UUID:
    """Store a list and return its id. Raises DomainError, also for no reader where there are several."""
    readers = {each.key for each in await desk_readers(conn)}
    if reader not in readers and (reader or len(readers) > 1):
        raise DomainError(errors.CLASS_READER_UNKNOWN)
    row = await (await conn.execute(_SQL["count_lists"], {"owner": owner})).fetchone()
    if row is not None and row[0] >= MOST_LISTS:
        raise DomainError(errors.CLASS_LISTS_FULL, most=MOST_LISTS)
    values = {
        "owner": owner,
        "reader": reader,
        "language": persons.known_language(language),
        "now": now,
        "since": now - WAITS,
    }
    row = await (await conn.execute(_SQL["start_list"], values)).fetchone()
    list_id = UUID(str(row[0] if row else None))
    await conn.execute(_SQL["add_names"], {"list": list_id, "names": names})
    return list_id


async def lists_of(conn: AsyncConnection[Any], owner: UUID) -> list[Progress]:
    """Return an owner's lists, the newest first."""
    async with conn.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute(_SQL["lists_of"], {"owner": owner})
        return await cursor.fetchall()


async def get(conn: AsyncConnection[Any], list_id: UUID, owner: UUID) -> ClassList:
    """Return an owner's list. Raises DomainError for another's, and after its end."""
    return await _list(conn, "list", {"list": list_id, "owner": owner})


async def lock(conn: AsyncConnection[Any], list_id: UUID, owner: UUID, now: datetime) -> ClassList:
    """Lock an owner's list for a change, and keep it for as long again. Raises DomainError."""
    return await _list(conn, "lock_list", {"list": list_id, "owner": owner, "now": now})


async def _list(conn: AsyncConnection[Any], query: str, values: dict[str, Any]) -> ClassList:
    async with conn.cursor(row_factory=class_row(ClassList)) as cursor:
        await cursor.execute(_SQL[query], values)
        row = await cursor.fetchone()
    if row is None:
        raise DomainError(errors.CLASS_GONE)
    return row


async def names_of(conn: AsyncConnection[Any], list_id: UUID) -> list[ClassName]:
    """Return the names of a list in their order."""
    async with conn.cursor(row_factory=class_row(ClassName)) as cursor:
        await cursor.execute(_SQL["names"], {"list": list_id})
        return await cursor.fetchall()


async def set_enrolled(
    conn: AsyncConnection[Any], list_id: UUID, position: int, name: str, credential: int, now: datetime
) -> None:
    """Note the badge of a name, as it was given. Raises DomainError where it has one already."""
    values = {"list": list_id, "position": position, "name": name, "credential": credential, "now": now}
    await _set(conn, "set_enrolled", values)


async def set_skipped(conn: AsyncConnection[Any], list_id: UUID, position: int, now: datetime) -> None:
    """Leave a name without a badge. Raises DomainError where it has one already."""
    await _set(conn, "set_skipped", {"list": list_id, "position": position, "now": now})


async def _set(conn: AsyncConnection[Any], query: str, values: dict[str, Any]) -> None:
    if await (await conn.execute(_SQL[query], values)).fetchone() is None:
        raise DomainError(errors.CLASS_NAME_DONE)


async def take_back(conn: AsyncConnection[Any], list_id: UUID) -> tuple[int, int | None] | None:
    """Let the name that was done last wait again; return its position and badge, None where none is done."""
    row = await (await conn.execute(_SQL["last_done"], {"list": list_id})).fetchone()
    if row is None:
        return None
    await conn.execute(_SQL["set_waiting"], {"list": list_id, "position": row[0]})
    return row[0], row[1]


async def leave_out_taps(conn: AsyncConnection[Any], list_id: UUID, now: datetime) -> None:
    """Leave out the badges that were held to the reader so far."""
    await conn.execute(_SQL["leave_out_taps"], {"list": list_id, "now": now})


async def end(conn: AsyncConnection[Any], list_id: UUID, owner: UUID) -> bool:
    """Delete an owner's list with its names; return whether there was one."""
    values = {"list": list_id, "owner": owner}
    return await (await conn.execute(_SQL["end_list"], values)).fetchone() is not None


async def same_name(conn: AsyncConnection[Any], name: str) -> list[SameName]:
    """Return the people of the register who have exactly this name, five at most, the oldest entry first."""
    async with conn.cursor(row_factory=class_row(SameName)) as cursor:
        await cursor.execute(_SQL["same_name"], {"name": name, "most": _MOST_SAME})
        return await cursor.fetchall()


async def desk_readers(conn: AsyncConnection[Any]) -> list[DeskReader]:
    """Return the readers of desks."""
    async with conn.cursor(row_factory=class_row(DeskReader)) as cursor:
        await cursor.execute(_SQL["desk_readers"])
        return await cursor.fetchall()


async def taps_of(conn: AsyncConnection[Any], of: ClassList, now: datetime) -> list[WaitingTap]:
    """Return the newest tap of each badge at a list's reader in the last two minutes, the oldest first."""
    values = {"since": now - WAITS, "after": of.taps_after, "reader": of.reader}
    async with conn.cursor(row_factory=class_row(WaitingTap)) as cursor:
        await cursor.execute(_SQL["taps_at_reader"], values)
        rows = await cursor.fetchall()
    return sorted(rows, key=lambda tap: (tap.tapped_at, tap.id))
