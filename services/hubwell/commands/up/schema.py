"""Prepare the database before the services start: this release's schema, and the simulated hub's spaces."""

import psycopg

from hubwell.access import accounts
from hubwell.errors import first_line
from hubwell.runtime.start_errors import CannotStartError
from hubwell.spaces.demo import devices_in_use, seed
from hubwell.storage.migrate import NewerSchemaError, migrate


def prepare(url: str, *, demo: bool) -> list[str]:
    """Migrate, and register the simulated hub in an empty database if `demo`; return its devices in use.

    :raises CannotStartError: the database does not answer, or has the schema of a newer release.
    """
    try:
        migrate(url)
        if not demo:
            return []
        with psycopg.connect(url) as connection:
            return seed(connection)
    except (psycopg.Error, NewerSchemaError) as error:
        text = f"The database's schema could not be brought up to date: {first_line(error)}"
        raise CannotStartError(text) from error


def simulated(url: str, known: list[str]) -> list[str]:
    """Return the simulated devices that are in use now; `known` if the database does not answer."""
    try:
        with psycopg.connect(url) as connection:
            return devices_in_use(connection)
    except psycopg.Error:
        return known


def lacks_admin(url: str) -> bool:
    """Return whether the hub has no administrator; False if the database does not answer."""
    try:
        with psycopg.connect(url) as connection:
            return not accounts.has_admin_sync(connection)
    except psycopg.Error:
        return False
