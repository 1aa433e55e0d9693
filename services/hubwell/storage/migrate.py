"""Bring a database to the schema of this release: Alembic revisions, forward only, in plain SQL.

The delivery queue's tables belong to the library that uses them (procrastinate); its own migrations are
applied by the same command, so that an operator knows one command only.
"""

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import procrastinate.schema
import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, create_engine, make_url, pool

_LOCK = 0x6875627765  # "hubwe": one migration at a time, whoever starts it


def sqlalchemy_url(url: str) -> URL:
    """Return the SQLAlchemy form of a libpq URL, with psycopg as its driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("hubwell.storage") / "migrations"))
    return config


def newest_revision() -> str:
    """Return the revision that this release needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the package holds no migrations: it was built wrongly, install it again")
    return head


def is_known(revision: str) -> bool:
    """Tell whether this release has the revision: a database or backup of a newer release does not."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def current_revision(conn: psycopg.Connection[Any]) -> str | None:
    """Return the revision of a database, or None if it was never migrated."""
    exists = conn.execute("SELECT to_regclass('alembic_version')").fetchone()
    if exists is None or exists[0] is None:
        return None
    row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def migrate(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` to `revision`. Safe to call at every start and from several processes.

    Raises psycopg.Error or sqlalchemy.exc.DBAPIError; a failed revision leaves the one before it whole.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    config = _config()
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        connection.commit()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
            _migrate_queue(connection.connection.driver_connection)  # type: ignore[arg-type] # psycopg's own
            connection.commit()
        finally:
            connection.rollback()
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
            connection.commit()
    engine.dispose()


_VERSIONED = re.compile(r"^\d\d\.\d\d\.\d\d_\d\d")


def _migrate_queue(conn: psycopg.Connection[Any]) -> None:
    """Create the queue's tables, or apply those of its migrations that are newer than what is there."""
    conn.execute("CREATE TABLE IF NOT EXISTS queue_schema (migration text PRIMARY KEY)")
    folder = Path(procrastinate.schema.migrations_path)
    known = sorted(path.name for path in folder.glob("*.sql") if _VERSIONED.match(path.name))
    done = {row[0] for row in conn.execute("SELECT migration FROM queue_schema")}
    if not done:
        conn.execute(procrastinate.schema.SchemaManager.get_schema())
    else:
        for name in known:
            if name not in done:
                conn.execute((folder / name).read_bytes())
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO queue_schema VALUES (%s) ON CONFLICT DO NOTHING", [(name,) for name in known]
        )
