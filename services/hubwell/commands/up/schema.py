"""What the database must hold before the services start: this release's schema, and the simulated hub."""

import psycopg

from hubwell.access import accounts
from hubwell.errors import first_line
from hubwell.runtime.start_errors import CannotStartError
from hubwell.spaces.demo import seed
from hubwell.storage.migrate import NewerSchemaError, migrate


def prepare(url: str, *, demo: bool) -> int:
    """Migrate, and register the simulated hub where it is wanted; return how many spaces it has.

    :raises CannotStartError: the database refused.
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
    """Tell whether nobody can administer the hub yet; False where the database cannot say."""
    try:
        with psycopg.connect(url) as connection:
            return not accounts.has_admin_sync(connection)
    except psycopg.Error:
        return False
