"""Two spaces, each with a door, over a database of the test's own."""

from datetime import UTC, datetime

import pytest

from feed.ingest_setup import device_in
from feed.simulated_device import Device
from lanes.database_lane import Database


@pytest.fixture
def now() -> datetime:
    """Give this moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def url(database: Database) -> str:
    return database.url


@pytest.fixture
def lab(url: str) -> Device:
    return device_in(url, "lab")


@pytest.fixture
def den(url: str) -> Device:
    return device_in(url, "den")
