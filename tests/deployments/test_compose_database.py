"""From one major version of PostgreSQL to another and back, as the Compose guide tells."""

import time
from collections.abc import Iterator

import pytest

from deployments.compose_hub import ComposeHub
from deployments.private_engine import PrivateEngine

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(900), pytest.mark.usefixtures("streaming")]
Figures = dict[str, float | str]


@pytest.fixture(scope="module")
def hub(engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeHub]:
    """The clone; its database is in a volume that an upgrade may replace."""
    hub = ComposeHub(engine, tmp_path_factory.mktemp("compose") / "hubwell")
    yield hub
    hub.compose("--profile", "demo", "down", "--volumes", "--remove-orphans")


def test_upgrade_to_another_major_version_of_postgresql_and_back(
    hub: ComposeHub, engine: PrivateEngine, figures: Figures
) -> None:
    # The image is the same under another name: this plays the way of the data to a new volume and back.
    database = "timescale/timescaledb:2.29.2-pg17"
    engine.docker("tag", database, database.replace("pg17", "pg18"))
    hub.run(["sed", "-i", "s/-pg17$/-pg18/", "docker-compose.yml"])
    author = ["-c", "user.name=Operator", "-c", "user.email=operator@hub.example"]
    hub.run(["git", *author, "commit", "--quiet", "--all", "-m", "Another PostgreSQL"])
    before, volume = hub.readings(), made(hub)
    begin = time.monotonic()
    hub.run(["scripts/hubwell-admin", "upgrade", "--no-build"])
    figures["seconds for an upgrade of PostgreSQL"] = time.monotonic() - begin
    hub.wait_until_whole()
    assert made(hub) != volume
    after = hub.readings()
    assert after > before
    volume = made(hub)
    assert "all data is there" in hub.type("scripts/hubwell-admin rollback")
    hub.wait_until_whole()
    assert made(hub) != volume
    assert hub.readings() > after
    figures["after an upgrade of PostgreSQL and back"] = f"missing {hub.missing_messages()}"


def made(hub: ComposeHub) -> str:
    """Return when the database's volume was made."""
    return hub.engine.docker("volume", "inspect", "--format", "{{.CreatedAt}}", "hubwell_database").stdout
