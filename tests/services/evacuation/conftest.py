"""A house with people in it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from lanes.database_lane import Database
from services.evacuation.populated_hub import House, small_house


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    """Give a filled-in house, to change while the test runs."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        yield small_house(conn)


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[AsyncConnection[Any]]:
    """Give a connection as the server has it: each statement for itself unless a transaction is begun."""
    async with await AsyncConnection.connect(database.url, autocommit=True) as connection:
        yield connection
