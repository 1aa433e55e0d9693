"""Which revision a database has and which this release needs, without loading the migration machinery.

Alembic and SQLAlchemy take a good part of a second to import; every start asks, few starts migrate.
"""

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg

_OURS: Final = re.compile(r"^(\d{4})_\w+\.py$")
_QUEUES: Final = re.compile(r"^\d\d\.\d\d\.\d\d_\d\d.*\.sql$")


def revisions() -> list[str]:
    """Return the revisions that this release holds, in order."""
    folder = files("hubwell.storage.migrations").joinpath("versions")
    return sorted(match[1] for entry in folder.iterdir() if (match := _OURS.match(entry.name)))


def newest_revision() -> str:
    """Return the revision that this release needs."""
    return revisions()[-1]


def is_known(revision: str) -> bool:
    """Tell whether this release has the revision: a database or backup of a newer release does not."""
    return revision in revisions()


def current_revision(conn: psycopg.Connection[Any]) -> str | None:
    """Return the revision of a database, or None if it was never migrated."""
    if not _exists(conn, "alembic_version"):
        return None
    row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def queue_migrations() -> list[Path]:
    """Return the migrations of the delivery queue's library, in order. Raises RuntimeError without it."""
    spec = find_spec("procrastinate")
    if spec is None or spec.origin is None:
        raise RuntimeError("procrastinate is not installed: install hubwell[services]")
    folder = Path(spec.origin).parent / "sql" / "migrations"
    return sorted(path for path in folder.iterdir() if _QUEUES.match(path.name))


def is_current(conn: psycopg.Connection[Any]) -> bool:
    """Tell whether nothing is left to migrate, neither our tables nor the queue's."""
    if current_revision(conn) != newest_revision() or not _exists(conn, "queue_schema"):
        return False
    done = {row[0] for row in conn.execute("SELECT migration FROM queue_schema")}
    return all(path.name in done for path in queue_migrations())


def _exists(conn: psycopg.Connection[Any], table: str) -> bool:
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])
