"""A register of people over a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from lanes.database_lane import Database
from services.people.people_register import Register, opened


@pytest.fixture
async def register(database: Database) -> AsyncIterator[Register]:
    """Give an empty register."""
    async with opened(database) as register:
        yield register
