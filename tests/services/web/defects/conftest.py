"""A hub with two spaces, and somebody of each role at a browser."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from feed.ingest_setup import device_in
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    device_in(database.url, "lab")
    device_in(database.url, "den")
    async with open_house(database) as running:
        yield running


@pytest.fixture
async def keeper(house: House) -> httpx.AsyncClient:
    return await house.signed_in("keeper", Role.FACILITIES)


@pytest.fixture
async def staff(house: House) -> httpx.AsyncClient:
    return await house.signed_in("staff", Role.STAFF)


@pytest.fixture
def defect_row() -> re.Pattern[str]:
    """Give a pattern of the cards on the page: id and kind."""
    return re.compile(r'id="defect-([0-9a-f-]{36})">\s*<h3>([^<]+)</h3>')
