"""The tables of the hub as `tables.toml` describes them: owner, retention, erasure, backup.

Retention, erasure, backup and the record of processing take their tables from here. The SQL for a table's
rows is in its owner's package: `retention.sql` has a query for each class of data, `erasure.sql` one for each
table that can hold data of a person, `removal.sql` one for each that refers to a space or a device.
"""

import re
import tomllib
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal, LiteralString

from pydantic import BaseModel, BeforeValidator, ConfigDict

from hubwell.storage.queries import Queries

_DURATION: Final = re.compile(r"(\d{1,6})\s*(min|h|d)")
_UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
KEPT: Final = "kept"
"""The retention of rows without a term of their own: they stay as long as the rows they belong to."""

Erasure = Literal["cascade", "delete", "anonymise", "none"]


def duration(text: str) -> timedelta:
    """Read ``90d``, ``12h`` or ``5min``. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration; write '90d', '12h' or '5min'")
    return int(match[1]) * _UNITS[match[2]]


Duration = Annotated[timedelta, BeforeValidator(duration)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    owner: str


class Table(_Entry):
    """A table. `data`, `activity` and `why` are set for those whose rows are about persons."""

    since: str
    retention: str
    erasure: Erasure
    backup: bool
    personal: bool
    data: str = ""
    activity: str = ""
    why: str = ""


class RetentionClass(_Entry):
    """A class of data with a term, in tables of one owner. Without `keep` rows stay until a site sets one."""

    keep: Duration | None = None
    least: Duration | None = None
    most: Duration | None = None
    counted_from: Literal["event", "end", "last-visit", "expiry", "closing", "done"] = "event"
    each_minute: bool = False


class Tables(BaseModel):
    """All entries, the tables in the order in which a restore fills them."""

    model_config = ConfigDict(frozen=True)

    tables: tuple[Table, ...]
    retention: tuple[RetentionClass, ...]
    outside: tuple[_Entry, ...]

    @property
    def personal(self) -> tuple[Table, ...]:
        """The tables whose rows are about persons."""
        return tuple(table for table in self.tables if table.personal)

    @property
    def in_backup(self) -> tuple[Table, ...]:
        """The tables that a backup carries."""
        return tuple(table for table in self.tables if table.backup)


@cache
def tables() -> Tables:
    """Read the file. Raises ValueError for an entry that is not whole."""
    document = tomllib.loads(files("hubwell").joinpath("tables.toml").read_text(encoding="utf-8"))
    entries = tuple(Table(name=name, **entry) for name, entry in document["table"].items())
    classes = tuple(
        RetentionClass(name=name, owner=_owner(name, entries), **entry)
        for name, entry in document["retention"].items()
    )
    if unknown := {table.retention for table in entries} - {KEPT, *document["retention"]}:
        raise ValueError(f"tables.toml has no retention class {', '.join(sorted(unknown))}")
    outside = tuple(_Entry(name=name, **entry) for name, entry in document["outside"].items())
    return Tables(tables=entries, retention=classes, outside=outside)


def _owner(retention: str, listed: tuple[Table, ...]) -> str:
    owners = {table.owner for table in listed if table.retention == retention}
    if len(owners) != 1:
        raise ValueError(f"tables.toml: the tables of the retention class {retention} have not one owner")
    return owners.pop()


def retention_query(of: RetentionClass, *, empty: bool = False) -> LiteralString | None:
    """Return the owner's SQL for rows that are past their term.

    It is the tail of a DELETE and of a count, from FROM on. With `empty`, it is the UPDATE that empties rows
    which stay themselves; None where they are deleted.
    """
    name = of.name.replace("-", "_")
    return _queries(of.owner, "retention.sql").get(f"empty_{name}" if empty else name)


def further_queries(of: RetentionClass) -> list[LiteralString]:
    """Return the owner's SQL for rows of further tables of the class, as in `retention_query`."""
    queries = _queries(of.owner, "retention.sql")
    names = [table.name for table in tables().tables if table.retention == of.name and table.name != of.name]
    return [query for name in names if (query := queries.get(name)) is not None]


def erasure_query(of: Table | _Entry, *, anonymise: bool = False) -> LiteralString | None:
    """Return the owner's SQL for the rows of a table that hold something of a person; None without any.

    It is the tail of a DELETE and of a count, from FROM on. With `anonymise`, it is the UPDATE that empties.
    """
    return _queries(of.owner, "erasure.sql").get(f"anonymise_{of.name}" if anonymise else of.name)


def removal_queries() -> list[tuple[str, LiteralString]]:
    """Return the owners' SQL for the rows of removed spaces and devices, by table, in the order of deletion.

    It is the tail of a DELETE, from FROM on.
    """
    found = ((table.name, _queries(table.owner, "removal.sql").get(table.name)) for table in tables().tables)
    return [(name, query) for name, query in found if query is not None][::-1]


@cache
def _queries(owner: str, file: str) -> Queries | dict[str, LiteralString]:
    package = f"hubwell.{owner}"
    return Queries(package, file) if files(package).joinpath(file).is_file() else {}
