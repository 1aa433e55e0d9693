"""A hub whose spaces are registered by page, API and command."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.spaces.register_ways import Ways


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as running:
        yield running


@pytest.fixture
async def ways(house: House, tmp_path: Path) -> Ways:
    boss = await house.signed_in("boss", Role.FACILITIES)
    token = await house.token("script", [Role.FACILITIES])
    return Ways(
        house, boss, house.browser(accept="application/json", authorization=f"Bearer {token}"), tmp_path
    )
