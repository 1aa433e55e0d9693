"""Bring a database to the schema of this release: Alembic revisions, forward only, in plain SQL.

The delivery queue's tables belong to the library that uses them (procrastinate); its own migrations are
applied by the same command, so that an operator knows one command only.
"""

from importlib.resources import files
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from procrastinate.schema import SchemaManager
from sqlalchemy import URL, Connection, create_engine, make_url, pool
from sqlalchemy.exc import DBAPIError

from hubwell.storage.revisions import queue_migrations

_LOCK = 0x6875627765  # "hubwe": one migration at a time, whoever starts it


def sqlalchemy_url(url: str) -> URL:
    """Return the SQLAlchemy form of a libpq URL, with psycopg as its driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("hubwell.storage") / "migrations"))
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` to `revision`. Safe to call at every start and from several processes.

    Raises psycopg.Error; a failed revision leaves the one before it whole.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            _upgrade(connection, revision)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from error
        raise
    finally:
        engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
    connection.commit()
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    try:
        command.upgrade(config, revision)
        _migrate_queue(driver)
        driver.commit()  # SQLAlchemy does not know of this transaction: it would neither commit nor roll back
    finally:
        if not driver.closed:
            driver.rollback()
            driver.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
            driver.commit()


def _migrate_queue(conn: psycopg.Connection[Any]) -> None:
    """Create the queue's tables, or apply those of its migrations that are newer than what is there."""
    conn.execute("CREATE TABLE IF NOT EXISTS queue_schema (migration text PRIMARY KEY)")
    known = queue_migrations()
    done = {row[0] for row in conn.execute("SELECT migration FROM queue_schema")}
    if not done:
        conn.execute(SchemaManager.get_schema())
    else:
        for migration in known:
            if migration.name not in done:
                conn.execute(migration.read_bytes())
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO queue_schema VALUES (%s) ON CONFLICT DO NOTHING", [(path.name,) for path in known]
        )
