"""A hub without spaces, its server, and people with every role."""

from collections.abc import AsyncIterator

import pytest

from lanes.database_lane import Database
from services.access.running_app import House, open_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """Give the running server with its accounts."""
    async with open_house(database) as opened:
        yield opened
