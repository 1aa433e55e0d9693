"""What the database must hold before the services start: this release's schema, and the simulated hub."""

import psycopg
from sqlalchemy.exc import DBAPIError

from hubwell.spaces.demo import seed
from hubwell.storage.migrate import migrate
from hubwell.up.refusal import CannotStartError


def prepare(url: str, *, demo: bool) -> str:
    """Migrate, and register the demonstration's spaces; return what there is to say of it.

    :raises CannotStartError: the database refused.
    """
    try:
        migrate(url)
        if not demo:
            return "up to date"
        with psycopg.connect(url) as connection:
            return f"up to date, {seed(connection)} spaces for the simulated hub"
    except (psycopg.Error, DBAPIError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CannotStartError(f"The database's schema could not be brought up to date: {reason}") from error
