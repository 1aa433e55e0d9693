"""Backup, drill, restore on an empty machine, end of the simulated hub, as the Compose guide tells."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.compose_hub import ComposeHub, password_in
from deployments.guide import TYPED_IN_OTHER_STORIES
from deployments.private_engine import PrivateEngine

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(900), pytest.mark.usefixtures("streaming")]
Figures = dict[str, float | str]


@pytest.fixture(scope="module", autouse=True)
def _device(hub: ComposeHub, streaming: None) -> None:
    """Add a device of the hub's own."""
    assert streaming is None
    joinery = {"wood-workshop": "joinery", "Wood workshop": "Joinery"}
    hub.type("docker-compose exec api hubwell space add", changes=joinery)
    hub.type("scripts/hubwell-admin device add", changes=joinery)


def test_backup_is_restored_on_an_empty_machine(
    hub: ComposeHub, engine: PrivateEngine, tmp_path: Path, figures: Figures, whole: Callable[[str], None]
) -> None:
    password = password_in(hub.type("scripts/hubwell-admin device rotate", changes={"ID": "joinery-1"}))
    before = hub.readings()
    begin = time.monotonic()
    assert "Secrets: sealed, and opened again" in hub.type("scripts/hubwell-admin backup")
    figures["seconds to back up"] = time.monotonic() - begin
    after = hub.readings()
    assert "can be restored" in hub.type("scripts/hubwell-admin drill")
    (file,) = (hub.folder / "backups").glob("hub-*.tar")
    assert password.encode() not in file.read_bytes()
    taken = {"hub.tar": str(file)}
    assert "data of its own" in hub.type("scripts/hubwell-admin restore", check=False, changes=taken)
    hub.compose("--profile", "demo", "down")

    other = ComposeHub(engine, tmp_path / "another")
    begin = time.monotonic()
    secret = ["--no-build", "--passphrase-file", str(hub.folder / "backup-passphrase")]
    try:
        printed = other.run(["scripts/hubwell-admin", "restore", str(file), *secret])
        figures["seconds to restore on an empty machine"] = time.monotonic() - begin
        assert "counts and digests agree" in printed
        assert before <= other.readings() <= after
        other.wait(lambda: other.lets_in(password), why="devices keep their accounts and authority")
        assert other.missing_messages() == 0
        keys = other.exec("api", "ls", "/var/lib/hubwell-keys").split()
    finally:
        other.compose("down", "--volumes")

    hub.type("scripts/hubwell-admin start", "--no-build")
    hub.type("docker-compose --profile demo up -d", "--no-build")
    assert hub.exec("api", "ls", "/var/lib/hubwell-keys").split() == keys
    whole("all containers were removed and made again")


def test_simulated_hub_is_removed(hub: ComposeHub) -> None:
    hub.type("scripts/hubwell-admin demo remove")
    assert hub.sql("SELECT id FROM device WHERE archived_at IS NULL") == "joinery-1"
    assert "wood-workshop-1" not in hub.exec("broker", "cat", "/etc/mosquitto/hubwell/passwords")
    assert "Wood workshop" not in hub.page("/")[1]
    volumes = hub.engine.docker("volume", "ls", "-q").stdout
    assert "demo" not in volumes
    hub.wait(lambda: hub.missing_messages() == 0, why="nothing is missing")


def test_commands_of_the_guide_were_typed(hub: ComposeHub) -> None:
    assert TYPED_IN_OTHER_STORIES["backup"] <= set(hub.typed)
