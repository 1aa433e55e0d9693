"""Bring a database to the schema of this release: migrations once, then views, functions and triggers.

Everything happens in one transaction: an upgrade that fails leaves the database as it was, with the views of
the release before. The tables of the delivery queue belong to the library that uses them (procrastinate);
its own migrations are applied by the same command.
"""

from typing import Any, Final

import psycopg

from hubwell.storage.connect import connect_sync
from hubwell.storage.engine import detect
from hubwell.storage.repeatable import create_views, drop_views
from hubwell.storage.revisions import (
    applied,
    current_revision,
    exists,
    is_current,
    is_known,
    landed_revision,
    migration_files,
    queue_migrations,
    queue_sql,
)

_LOCK: Final = 0x6875627765  # "hubwe": one migration at a time, from whichever process

_APPLIED: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text PRIMARY KEY,
    digest     text,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class NewerSchemaError(Exception):
    """A newer release than this one migrated the database."""


def migrate(url: str, revision: str | None = None) -> None:
    """Migrate the database at `url`. Safe to call at every start and from several processes.

    With a `revision`, stop after the migration of that number and create no views: a backup is restored into
    the tables that it was taken from, and migrated then.

    :raises psycopg.Error: the database refused; nothing has changed.
    :raises NewerSchemaError: going back is not possible: install the newer release, or restore a backup.
    """
    with connect_sync(url, name="migrate") as conn, conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        current = current_revision(conn)
        if current is not None and not is_known(current):
            raise NewerSchemaError(f"a newer release made this database (schema {current}): install that one")
        if not is_current(conn):
            _upgrade(conn, revision)


def _upgrade(conn: psycopg.Connection[Any], revision: str | None) -> None:
    conn.execute(_APPLIED)
    _adopt_landed(conn)
    grants = drop_views(conn)
    _apply_migrations(conn, revision)
    if revision is None:
        create_views(conn, grants)
    _migrate_queue(conn)


def _adopt_landed(conn: psycopg.Connection[Any]) -> None:
    """Import the list of migrations of releases up to 0002, and drop the two tables that held it."""
    landed = landed_revision(conn)
    if landed is not None:
        _note(conn, [file.name for file in migration_files() if file.number <= landed])
    if exists(conn, "queue_schema"):
        conn.execute("INSERT INTO schema_migration (name) SELECT migration FROM queue_schema")
    conn.execute("DROP TABLE IF EXISTS alembic_version, queue_schema")


def _apply_migrations(conn: psycopg.Connection[Any], revision: str | None) -> None:
    applied_names = applied(conn)
    pending = [
        file
        for file in migration_files()
        if file.name not in applied_names and (revision is None or file.number <= revision)
    ]
    for file in pending:
        # Detected each time, because the first migration creates the extension that decides the engine.
        if file.runs_on(detect(conn).engine):
            conn.execute(file.text.encode())
    _note(conn, [file.name for file in pending])


def _migrate_queue(conn: psycopg.Connection[Any]) -> None:
    """Create the queue's tables, or apply those of its migrations that the database does not have."""
    migrations, applied_names = queue_migrations(), applied(conn)
    pending = [path for path in migrations if path.name not in applied_names]
    if pending == migrations:
        conn.execute((queue_sql() / "schema.sql").read_bytes())
    else:
        for path in pending:
            conn.execute(path.read_bytes())
    _note(conn, [path.name for path in pending])


def _note(conn: psycopg.Connection[Any], names: list[str]) -> None:
    conn.execute(
        "INSERT INTO schema_migration (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (names,)
    )
