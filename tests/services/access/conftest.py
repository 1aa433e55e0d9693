"""A hub without spaces, its server, and people with every role."""

from collections.abc import AsyncIterator

import pytest

from lanes.database_lane import Database
from services.access.oidc_providers import Forger, forging
from services.access.provider_house import provider_settings
from services.access.running_app import House, open_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """Give the running server with its accounts."""
    async with open_house(database) as opened:
        yield opened


@pytest.fixture
async def forger() -> AsyncIterator[Forger]:
    """Give a provider whose every answer a test writes."""
    async with forging() as forger:
        yield forger


@pytest.fixture
async def school(database: Database, forger: Forger) -> AsyncIterator[House]:
    """Give the running server with that provider."""
    async with open_house(database, **provider_settings(forger.address)) as opened:
        yield opened
