"""A whole system for each flow: a database, a broker, and the processes between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.system_processes import System
from lanes.brokers import Mosquitto
from lanes.database_lane import Database


@pytest.fixture
def system(tmp_path: Path, database: Database, mosquitto: Mosquitto) -> Iterator[System]:
    """Give a system on plain PostgreSQL and Mosquitto; no process runs yet."""
    with System(tmp_path, database=database.url, broker=mosquitto.url) as system:
        yield system


@pytest.fixture
def hub(tmp_path: Path, database: Database, mosquitto: Mosquitto) -> Iterator[System]:
    """Give the same where badges that nobody enrolled are refused, and readers speak English."""
    with System(
        tmp_path, database=database.url, broker=mosquitto.url, unknown_badges="refuse", language="en"
    ) as hub:
        yield hub
