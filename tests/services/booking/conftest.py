"""A running server with spaces to book."""

from collections.abc import AsyncIterator

import pytest

from lanes.database_lane import Database
from services.booking.booking_house import BookingHouse, booking_house


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    """Give the house."""
    async with booking_house(database) as opened_house:
        yield opened_house
