"""Prepare the database before the services start: this release's schema, and the simulated hub's spaces."""

import psycopg

from hubwell.access import accounts
from hubwell.errors import first_line
from hubwell.runtime.start_errors import CannotStartError
from hubwell.spaces.demo import seed
from hubwell.storage.migrate import NewerSchemaError, migrate


def prepare(url: str, *, demo: bool) -> int:
    """Migrate, and register the simulated hub if `demo`; return the number of its spaces.

    :raises CannotStartError: the database does not answer, or has the schema of a newer release.
    """
    try:
        migrate(url)
        if not demo:
            return 0
        with psycopg.connect(url) as connection:
            return seed(connection)
    except (psycopg.Error, NewerSchemaError) as error:
        text = f"The database's schema could not be brought up to date: {first_line(error)}"
        raise CannotStartError(text) from error


def lacks_admin(url: str) -> bool:
    """Return whether the hub has no administrator; False if the database does not answer."""
    try:
        with psycopg.connect(url) as connection:
            return not accounts.has_admin_sync(connection)
    except psycopg.Error:
        return False
