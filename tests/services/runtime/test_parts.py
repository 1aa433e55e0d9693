"""How the parts of `hubwell up` are set to work together."""

from pathlib import Path

import pytest

from hubwell.commands.up.port_reservations import PortReservations
from hubwell.commands.up.services import Parts
from hubwell.runtime.embedded_postgres import EmbeddedPostgres


def parts(data: Path, host: str = "127.0.0.1") -> Parts:
    with PortReservations() as reservations:
        return Parts(data, EmbeddedPostgres(data), host=host, port=8000, reservations=reservations)


def test_services_get_the_addresses_of_the_embedded_parts(tmp_path: Path) -> None:
    described = parts(tmp_path)
    settings = described.service("ingest").environment
    assert settings["HUBWELL_DATABASE_URL"] == EmbeddedPostgres(tmp_path).url()
    assert settings["HUBWELL_BROKER_URL"] == described.addresses.broker_url
    assert described.addresses.broker_url != described.addresses.device_broker_url
    assert settings["HUBWELL_DEVICE_BROKER_URL"] == described.addresses.device_broker_url
    assert (
        parts(tmp_path).addresses.device_broker_url.rpartition(":")[0]
        == (described.addresses.device_broker_url.rpartition(":")[0])
    )  # the account of devices stays over a restart
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
    assert "HUBWELL_DEVICE_BROKER_URL" not in described.service("api").environment
    simulator = described.simulator(["wood-workshop-1"])
    assert simulator.environment["HUBWELL_EDGE__BROKER__URL"] == "mqtts://hub:secret@broker.example:8883"
    assert not any("secret" in argument for argument in simulator.command())  # other users can read arguments
    assert described.service("api").environment["HUBWELL_DATABASE_URL"] == "postgresql://db.example/hub"


def test_a_hub_open_to_the_network_is_looked_at_on_loopback(tmp_path: Path) -> None:
    described = parts(tmp_path, host="0.0.0.0")  # noqa: S104  (not bound)
    assert described.addresses.page == "http://127.0.0.1:8000"
    assert described.service("api").environment["HUBWELL_HTTP_HOST"] == "0.0.0.0"  # noqa: S104  (compared)
