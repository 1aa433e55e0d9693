"""The schema's history: each revision is one SQL file, with an extra file where engines differ."""

from importlib.resources import files

from alembic import op
from psycopg import Connection

from hubwell.storage.engine import Engine, detect


def run_sql(name: str) -> None:
    """Run one SQL file of `versions/` as it stands (several statements, no parameters)."""
    sql = files("hubwell.storage.migrations").joinpath("versions", name).read_bytes()
    _driver_connection().execute(sql)


def engine() -> Engine:
    """Return the engine that the revision runs on."""
    return detect(_driver_connection()).engine


def _driver_connection() -> Connection:
    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError(f"migrations need a psycopg connection, got {type(connection).__name__}")
    return connection
