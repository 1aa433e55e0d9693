"""Accounts of the broker: who is let in, by which door, and how accounts and certificates are made."""

import os
import shutil
import signal
import ssl
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_configs.production_broker import (
    PASSWORDS,
    SUCCESS,
    WAIT_S,
    Broker,
    Client,
    add_device,
    is_let_in,
    run,
)
from lanes.missing_part import missing
from lanes.servers import until


@pytest.mark.parametrize(("user", "password"), [("room-1", "wrong"), ("stranger", "of-room-1"), (None, None)])
@pytest.mark.parametrize("v5", [True, False])
def test_stranger_is_refused(broker: Broker, user: str | None, password: str | None, *, v5: bool) -> None:
    with Client(broker, user, password, v5=v5) as client:
        assert client.refusal is not None


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("name", ["hubwell-ingest-hub-1", "hubwell-hub-room-3", "room-3"])
def test_no_device_disconnects_another_client_by_stating_its_id(
    broker: Broker, device: Client, name: str, *, v5: bool
) -> None:
    add_device(broker.folder, "room-3")
    os.kill(broker.server.pid, signal.SIGHUP)
    with Client(broker, "ingest", name="hubwell-ingest-hub-1") as ingest:
        assert any(is_let_in(broker, "room-3", name="hubwell-hub-room-3") for _ in until(WAIT_S))
        with (
            Client(broker, "room-3", name="hubwell-hub-room-3") as other,
            Client(broker, "room-1", name=name, v5=v5) as attacker,
        ):
            assert attacker.refusal is None
            for _ in range(3):
                attacker.publish("hub/v1/hub/room-1/up/telemetry")
            other.publish("hub/v1/hub/room-3/up/telemetry")
            assert ingest.publish("hub/v1/hub/room-3/down/ack") in {SUCCESS, 0x10}
            assert (ingest.connected, other.connected) == (True, True)
    assert any(not device.connected for _ in until(WAIT_S))  # its own account, of course, is one client


@pytest.mark.parametrize("account", ["", "hubwell-ingest-hub-1", "hubwell-health"])
def test_program_on_the_brokers_machine_disconnects_nobody_by_the_health_port(
    broker: Broker, account: str
) -> None:
    with Client(broker, "ingest", name="hubwell-ingest-hub-1") as ingest:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hubwell-ingest-hub-1")
        if account:
            client.username_pw_set(account, account)
        client.connect("127.0.0.1", broker.health_port)
        client.loop_start()
        let_in = any(client.is_connected() for _ in until(2))
        assert let_in == (account == "hubwell-health")
        assert ingest.publish("hub/v1/hub/room-1/down/ack") in {SUCCESS, 0x10}
        assert ingest.connected
        client.disconnect()
        client.loop_stop()


def test_accounts_are_let_in_by_their_own_door_only(broker: Broker) -> None:
    with Client(broker, "ingest", port=broker.port) as server_among_devices:
        assert server_among_devices.refusal is not None
    for user in ("room-1", "bridge"):
        with Client(broker, user, name="hubwell-ingest-hub-1", port=broker.server_port) as device_as_server:
            assert device_as_server.refusal is not None


def test_setup_moves_the_server_out_of_the_devices_accounts(broker: Broker, tmp_path: Path) -> None:
    add_device(tmp_path, "room-1")
    with (tmp_path / "passwords").open("a") as accounts:
        accounts.write("ingest:$7$101$of-an-earlier-release\n")
    certificates, password = broker.folder.parent / "certificates", PASSWORDS["ingest"]
    run("setup", "-f", tmp_path, "hub", certificates, HUBWELL_INGEST_PASSWORD=password)
    names = {
        file: [line.partition(":")[0] for line in (tmp_path / file).read_text().splitlines()]
        for file in ("passwords", "server-passwords")
    }
    assert names == {"passwords": ["room-1"], "server-passwords": ["ingest"]}
    assert (tmp_path / "server-passwords").stat().st_mode & 0o077 == 0


def test_removed_account_ends_the_connection_at_the_next_reload(broker: Broker) -> None:
    add_device(broker.folder, "room-2")
    os.kill(broker.server.pid, signal.SIGHUP)
    assert any(is_let_in(broker, "room-2") for _ in until(WAIT_S))
    with Client(broker, "room-2") as connected:
        run("remove-account", "-f", broker.folder, "device", "room-2")
        os.kill(broker.server.pid, signal.SIGHUP)
        assert any(not connected.connected for _ in until(WAIT_S))
    assert not is_let_in(broker, "room-2")
    assert is_let_in(broker, "room-1")
    again = run("remove-account", "-f", broker.folder, "device", "room-2", fails=1)
    assert again.stderr == "room-2 has no account at the broker\n"
    assert "not a device id" in run("remove-account", "-f", broker.folder, "device", "ingest", fails=2).stderr


def test_new_device_is_let_in_after_a_reload_and_nobody_is_disconnected(
    broker: Broker, device: Client
) -> None:
    with Client(broker, "room-2") as too_early:
        assert too_early.refusal is not None
    add_device(broker.folder, "room-2")
    os.kill(broker.server.pid, signal.SIGHUP)
    assert any(is_let_in(broker, "room-2") for _ in until(WAIT_S))
    assert device.publish("hub/v1/hub/room-1/up/telemetry") in {SUCCESS, 0x10}


@pytest.mark.parametrize(
    "name",
    ["ingest", "bridge", "hubwell-ingest-hub-1", "Rm", "a/b", "+", "#", "-a", "a" * 64, "a\nb", "a:b", ""],
)
def test_add_account_refuses_names_that_would_have_other_rights(tmp_path: Path, name: str) -> None:
    run("add-account", "-f", tmp_path, "device", name, fails=2)
    assert not list(tmp_path.iterdir())


def test_add_account_prints_a_new_password_once_and_keeps_only_its_hash(tmp_path: Path) -> None:
    if shutil.which("mosquitto_passwd") is None:
        missing("mosquitto_passwd")
    first = run("add-account", "-f", tmp_path, "device", "room-1").stdout.strip()
    other = run("add-account", "-f", tmp_path, "device", "room-2").stdout.strip()
    second = run("add-account", "-f", tmp_path, "device", "room-1").stdout.strip()
    assert len({first, other, second}) == 3
    assert len(first) == 48
    kept = (tmp_path / "passwords").read_text()
    assert sorted(line.partition(":")[0] for line in kept.splitlines()) == ["room-1", "room-2"]
    assert not any(password in kept for password in (first, other, second))
    assert (tmp_path / "passwords").stat().st_mode & 0o077 == 0


def test_certificates_are_renewed_under_the_same_authority(tmp_path: Path) -> None:
    run("make-certificates", tmp_path, "hub.example")
    authority, certificate = (tmp_path / "ca.crt").read_text(), (tmp_path / "server.crt").read_text()
    run("make-certificates", tmp_path, "hub.example", "new.example")
    assert (tmp_path / "ca.crt").read_text() == authority
    assert (tmp_path / "server.crt").read_text() != certificate
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    assert context.get_ca_certs()[0]["subject"]
    assert {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077} == {
        "ca.crt",
        "server.crt",
    }
