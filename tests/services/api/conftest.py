"""A hub on an ordinary day, its server and its pages."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from hubwell.access import tokens
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.web.running_site import Site, serving
from services.web.sample_hub import Hub, ordinary_day


@pytest.fixture
def hub(database: Database) -> Iterator[Hub]:
    """Give a filled-in hub, to change while the test runs."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        yield ordinary_day(conn, database.url)


@pytest.fixture
async def facilities(database: Database) -> dict[str, str]:
    """Give the headers of a program that may read single readings."""
    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as conn:
        _, token = await tokens.add(conn, name="test", roles=[Role.FACILITIES], expires_at=None)
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
async def site(hub: Hub, database: Database) -> AsyncIterator[Site]:
    """Give the running server over the filled-in hub."""
    assert hub.conn.info.dbname in database.url
    async with serving(database) as running:
        yield running


@pytest.fixture
async def bare_site(database: Database) -> AsyncIterator[Site]:
    """Give the running server over a hub that knows no spaces yet."""
    async with serving(database) as running:
        yield running
