"""A small house with people in it, its server, and an officer."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from lanes.database_lane import Database
from services.evacuation.populated_hub import House, small_house
from services.web.evacuation.officer import PLACE, Officer, signed_in
from services.web.running_site import Site, serving


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    with psycopg.connect(database.url, autocommit=True) as conn:
        yield small_house(conn)


@pytest.fixture
async def site(house: House, database: Database) -> AsyncIterator[Site]:
    assert house.conn.info.dbname in database.url
    async with serving(database, assembly_point=PLACE) as running:
        yield running


@pytest.fixture
async def osh(site: Site, house: House) -> AsyncIterator[Officer]:
    async with signed_in(site, house, "officer", "osh") as officer:
        yield officer
