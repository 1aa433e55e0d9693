"""The SQL files of this release's schema, and the record of those that a database has.

`migrations/NNNN_what.sql` is applied once, in the order of the numbers. `views/NN_what.sql` holds views,
functions and triggers; every upgrade drops and re-creates all of them, in the order of the numbers. A file
`NNNN_what.VARIANT.sql` follows the file without the variant, on the engines that have it (`Engine.variants`).

Numbers grow and may have holes: 0012 and 0014 were set aside and never used, no release has them. They stay
free, because the revision of a database or a backup is its largest number: a file below would not be missed.
No file gets another number: databases remember files by name.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg

from hubwell.storage.engine import Engine
from hubwell.storage.vocabulary_functions import vocabulary_functions

VIEWS: Final = "views"
"""The name under which `schema_migration` keeps the digest of all files in `views`."""

_OURS: Final = re.compile(r"^(\d+_\w+)(?:\.(\w+))?\.sql$")
_QUEUES: Final = re.compile(r"^\d\d\.\d\d\.\d\d_\d\d.*\.sql$")
_NUMBERED: Final = re.compile(r"^\d{4}_")


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A file of the schema: its name without variant and ending, the variant if it has one, its text."""

    name: str
    variant: str | None
    text: str

    @property
    def number(self) -> str:
        """What the name begins with: four digits for a migration."""
        return self.name.partition("_")[0]

    def runs_on(self, engine: Engine) -> bool:
        """Return whether the file is for this engine."""
        return self.variant is None or self.variant in engine.variants


def migration_files() -> list[SqlFile]:
    """Return the migrations of this release in order, those without a variant before those with one."""
    return list(_sql_files("migrations"))


def view_files() -> list[SqlFile]:
    """Return the files of views, functions and triggers in the order in which they are created."""
    return [SqlFile("00_vocabulary", None, vocabulary_functions()), *_sql_files("views")]


def _sql_files(folder: str) -> Iterator[SqlFile]:
    entries = {entry.name: entry for entry in files("hubwell.storage").joinpath(folder).iterdir()}
    matches = [match for name in entries if (match := _OURS.match(name))]
    for match in sorted(matches, key=lambda match: (match[1], match[2] or "")):
        yield SqlFile(match[1], match[2], entries[match[0]].read_text("utf-8"))


def views_digest() -> str:
    """Return a digest of all files of views, which changes when one of them does."""
    text = "".join(f"{file.name} {file.variant}\n{file.text}\n" for file in view_files())
    return hashlib.sha256(text.encode()).hexdigest()


def revisions() -> list[str]:
    """Return the numbers of the migrations that this release holds, in order."""
    return sorted({file.number for file in migration_files()})


def newest_revision() -> str:
    """Return the number of the newest migration of this release."""
    return revisions()[-1]


def is_known(revision: str) -> bool:
    """Return whether this release has the revision: a database or backup of a newer release does not."""
    return revision in revisions()


def current_revision(conn: psycopg.Connection[Any]) -> str | None:
    """Return the number of the newest migration of a database, or None if it was never migrated."""
    numbers = [name[:4] for name in applied(conn) if _NUMBERED.match(name)]
    return max(numbers, default=None) or landed_revision(conn)


def landed_revision(conn: psycopg.Connection[Any]) -> str | None:
    """Return the revision as releases up to 0002 recorded it, with Alembic; None in a newer database."""
    if not exists(conn, "alembic_version"):
        return None
    row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def applied(conn: psycopg.Connection[Any]) -> dict[str, str | None]:
    """Return the names of migrations that a database has, and the views with the digest of their files."""
    if not exists(conn, "schema_migration"):
        return {}
    return dict(conn.execute("SELECT name, digest FROM schema_migration").fetchall())


def queue_sql() -> Path:
    """Return the folder with the SQL of the delivery queue's library. Raises RuntimeError without it.

    The library itself is not imported: that takes longer than everything else in an ordinary start.
    """
    spec = find_spec("procrastinate")
    if spec is None or spec.origin is None:
        raise RuntimeError("procrastinate is not installed: install hubwell[services]")
    return Path(spec.origin).parent / "sql"


def queue_migrations() -> list[Path]:
    """Return the migrations of the delivery queue's library, in order."""
    return sorted(path for path in (queue_sql() / "migrations").iterdir() if _QUEUES.match(path.name))


def is_current(conn: psycopg.Connection[Any]) -> bool:
    """Return whether a database has all migrations, ours and the queue's, and the views of this release."""
    recorded = applied(conn)
    needed = {file.name for file in migration_files()} | {path.name for path in queue_migrations()}
    return needed <= recorded.keys() and recorded.get(VIEWS) == views_digest()


def exists(conn: psycopg.Connection[Any], table: str) -> bool:
    """Return whether a table or view of this name exists."""
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])
