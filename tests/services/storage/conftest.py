"""A backup of a hub that lived for a while, and databases to restore into."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hubwell.storage.backup import backup
from lanes.database_lane import Database
from services.storage.lived_hub import live


@pytest.fixture(scope="session")
def backed_up(lanes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "hub.backup"
    lane = lanes("plain")
    database: Database = lane.create("migrated")
    live(database.url)
    assert backup(database.url, path) == 0
    lane.drop(database)
    return path


@pytest.fixture
def file(backed_up: Path, tmp_path: Path) -> Path:
    """Give a backup of the test's own."""
    return Path(shutil.copy(backed_up, tmp_path / "hub.backup"))


@pytest.fixture
def targets(lanes: Any) -> Iterator[Callable[..., Database]]:
    made = []

    def make(engine: str = "plain", template: str = "migrated") -> Database:
        lane = lanes(engine)
        database: Database = lane.create(template)
        made.append((lane, database))
        return database

    yield make
    for lane, database in made:
        lane.drop(database)
