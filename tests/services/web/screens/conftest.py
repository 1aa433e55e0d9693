"""A hub with two spaces, a door with a reader, a kiosk, and its running server."""

from collections.abc import AsyncIterator

import pytest
from psycopg.types.json import Jsonb

from feed.ingest_setup import device_in
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database
from services.access.running_app import open_house
from services.web.screens.screen_browsers import Foyer, foyer_of


@pytest.fixture
def url(database: Database) -> str:
    device_in(database.url, "lab")
    device_in(database.url, "den")
    device_in(database.url, "hall", "kiosk-pi")
    with connect_sync(database.url, name="test") as conn:
        conn.execute("INSERT INTO reader VALUES ('kiosk-pi', 'kiosk', 'kiosk')")
        readers = Jsonb({"readers": [{"name": "door", "driver": "pn532"}]})
        conn.execute("UPDATE device SET meta = %s WHERE id = 'lab-pi'", (readers,))
    return database.url


@pytest.fixture
async def foyer(url: str, database: Database) -> AsyncIterator[Foyer]:
    async with open_house(database) as house:
        yield await foyer_of(house, url)
