"""A running server over two spaces, and somebody who was in both."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from feed.enrolled_people import enrol
from feed.ingest_setup import commit, device_in
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.my_data.person_with_visits import NAME, ZONE, Somebody, with_code


@pytest.fixture
def url(database: Database) -> str:
    device_in(database.url, "lab")
    device_in(database.url, "den")
    return database.url


@pytest.fixture
async def house(url: str, database: Database) -> AsyncIterator[House]:
    assert url
    # Nothing closes while a test runs, whatever the time of day.
    closing = (datetime.now(ZONE) + timedelta(hours=6)).time().replace(microsecond=0, tzinfo=None)
    async with open_house(database, closing_time=closing) as opened:
        yield opened


@pytest.fixture
async def somebody(house: House, url: str) -> Somebody:
    """Two hours in the lab, half an hour in the den, then in the lab until now."""
    lab, den, badge = device_in(url, "lab"), device_in(url, "den"), secrets.token_bytes(16)
    person = await asyncio.to_thread(enrol, url, badge)
    await house.run("UPDATE person SET name = %s WHERE id = %s", NAME, person)
    await house.run("UPDATE credential SET label = 'blue card'")
    now = datetime.now(UTC).replace(microsecond=0)
    times = [now - timedelta(minutes=minutes) for minutes in (200, 80, 50, 10)]
    taps = [
        lab.tap(times[0], badge),
        lab.tap(times[1], badge),
        den.tap(times[2], badge),
        lab.tap(times[3], badge),
    ]
    closing = house.settings.closing_time
    await asyncio.to_thread(commit, url, taps, closing_time=closing)
    found = Somebody(person, badge, url, [times[0], times[2], times[3]], house.browser())
    await with_code(house, found)
    return found
