"""How the parts of `hubwell up` are set to work together."""

from pathlib import Path

import pytest

from hubwell.commands.up.services import Parts
from hubwell.runtime.embedded_postgres import EmbeddedPostgres


def parts(data: Path) -> Parts:
    return Parts(data, EmbeddedPostgres(data), host="127.0.0.1", port=8000)


def test_services_get_the_addresses_of_the_embedded_parts(tmp_path: Path) -> None:
    described = parts(tmp_path)
    settings = described.service("ingest").environment
    assert settings["HUBWELL_DATABASE_URL"] == EmbeddedPostgres(tmp_path).url()
    assert settings["HUBWELL_BROKER_URL"] == described.addresses.broker_url
    assert described.addresses.broker_url != described.addresses.device_broker_url
    assert described.broker()
    assert described.database()


def test_external_broker_and_database_are_taken_by_one_setting_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBWELL_BROKER_URL", "mqtts://hub:secret@broker.example:8883")
    monkeypatch.setenv("HUBWELL_DATABASE_URL", "postgresql://db.example/hub")
    described = parts(tmp_path)
    assert described.broker() is None
    assert described.database() is None
    assert "mqtts://hub:secret@broker.example:8883" in described.simulator(1).command()
    assert described.service("api").environment["HUBWELL_DATABASE_URL"] == "postgresql://db.example/hub"


def test_a_hub_open_to_the_network_is_looked_at_on_loopback(tmp_path: Path) -> None:
    described = Parts(tmp_path, EmbeddedPostgres(tmp_path), host="0.0.0.0", port=8000)  # noqa: S104  (not bound)
    assert described.addresses.page == "http://127.0.0.1:8000"
    assert described.service("api").environment["HUBWELL_HTTP_HOST"] == "0.0.0.0"  # noqa: S104  (compared)
