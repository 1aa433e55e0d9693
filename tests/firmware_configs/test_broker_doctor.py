"""What the agent, its doctor and the server's doctor say of the production broker, and what of a refusal."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from firmware_configs.production_broker import PASSWORDS, Broker, Client, run
from hubwell.doctor import broker as doctor_broker
from hubwell.doctor.broker import certificate_end, check_broker, judge_version
from hubwell.doctor.finding import Finding
from hubwell.settings import Settings
from hubwell_edge import doctor as edge_doctor
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.sim.scenario import load_scenario
from lanes.servers import Server, leashed


def device_file(broker: Broker, folder: Path, device: str, *, account: str, protocol: int = 5) -> list[str]:
    """Write the files of a device; return the options that name them."""
    folder.mkdir(exist_ok=True)
    (folder / "mqtt_password").write_text(PASSWORDS[account])
    (folder / "device.toml").write_text(
        f"""
        site = "hub"
        device = "{device}"
        clock = "trust"
        mqtt_username = "{account}"
        broker = {{ url = "mqtts://localhost:{broker.port}", ca_file = "{broker.ca}", protocol = {protocol} }}
        outbox = {{ dir = "{folder}/outbox" }}
        [[sensor]]
        driver = "pir"
        pin = 17
        """
    )
    return ["-c", str(folder / "device.toml"), "--secrets", str(folder)]


def edge(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("hubwell-edge")), *arguments]


def doctor_says(options: list[str]) -> str:
    done = subprocess.run(edge("doctor", *options), capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_agent_doctor_finds_its_rights_in_order(broker: Broker, tmp_path: Path) -> None:
    told = doctor_says(device_file(broker, tmp_path, "room-1", account="room-1"))
    for part in ("broker", "rights", "certificate"):
        assert re.search(rf"^ok +{part}", told, re.MULTILINE), told


@pytest.mark.parametrize("lacking", ["mqtt_password", "badges"])
def test_agent_doctor_names_what_systemd_needs_to_start_it(
    broker: Broker, tmp_path: Path, lacking: str
) -> None:
    options = device_file(broker, tmp_path, "room-1", account="room-1")
    (tmp_path / "badges").mkdir()
    assert "secrets" not in doctor_says(options)
    path = tmp_path / lacking
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    assert f"BAD  secrets: {path} is missing" in doctor_says(options)


def test_agent_doctor_announces_the_end_of_the_certificate(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"url": f"mqtts://localhost:{broker.port}", "ca_file": str(broker.ca)}
    settings = EdgeSettings.from_values(site="hub", device="room-1", broker=values)
    (long,) = edge_doctor._certificate(settings)
    assert (long.ok, "799 more days" in long.text) == (True, True)
    monkeypatch.setattr(edge_doctor, "_RENEW_DAYS", 800)
    (short,) = edge_doctor._certificate(settings)
    assert (short.ok, "renew it" in short.text) == (False, True)


@pytest.mark.parametrize(
    ("device", "account", "password", "protocol", "reason"),
    [
        ("room-1", "room-1", "wrong", 5, "refuses the account: check mqtt_username and mqtt_password"),
        ("room-1", "room-1", "wrong", 311, "refuses the account: check mqtt_username and mqtt_password"),
        ("room-9", "room-1", "", 5, "its account 'room-1' needs the right to write below hub/v1/hub/room-9"),
        ("room-9", "room-1", "", 311, "the account 'room-1' has no right to write below hub/v1/hub/room-9"),
        ("room-1", "ingest", "", 5, "refuses the account: check mqtt_username and mqtt_password"),
    ],
)
def test_refused_device_says_so_in_its_log_and_to_its_doctor(
    broker: Broker, tmp_path: Path, device: str, account: str, password: str, protocol: int, reason: str
) -> None:
    options = device_file(broker, tmp_path / "device", device, account=account, protocol=protocol)
    if password:
        (tmp_path / "device" / "mqtt_password").write_text(password)
    log = tmp_path / "agent.log"
    agent = Server("agent", leashed(edge("run", "--simulate-hardware", *options)), log)
    agent.start(lambda: log.exists() and reason in log.read_text())
    try:
        told = doctor_says(options)
    finally:
        agent.stop()
    assert re.search(rf"^BAD +broker: .*{re.escape(reason)}", told, re.MULTILINE), told


def test_doctor_beside_the_agent_takes_no_connection_away(broker: Broker, tmp_path: Path) -> None:
    options = device_file(broker, tmp_path / "device", "room-1", account="room-1")
    log = tmp_path / "agent.log"
    agent = Server("agent", leashed(edge("run", "--simulate-hardware", *options)), log)
    agent.start(lambda: log.exists() and "connected to" in log.read_text())
    try:
        told = doctor_says(options)
        assert re.search(r"^ok +broker: the running agent is connected", told, re.MULTILINE), told
        assert "second agent" not in log.read_text()
        assert "connection lost" not in log.read_text()
    finally:
        agent.stop()


def test_simulated_hub_has_an_account_for_each_device(broker: Broker, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts"
    accounts.mkdir()
    devices = {space.device for space in load_scenario().spaces}
    for name in devices:
        (accounts / name).write_text(run("add-account", "-f", broker.folder, "device", name).stdout)
    os.kill(broker.server.pid, signal.SIGHUP)
    options = {"--broker": f"mqtts://localhost:{broker.port}", "--ca-file": broker.ca, "--accounts": accounts}
    arguments = [str(word) for option in options.items() for word in option]
    program = str(Path(sys.executable).with_name("hubwell-edge"))
    with Client(broker, "ingest") as server:
        server.subscribe("hub/v1/hub/+/status")
        simulation = Server(
            "simulation",
            leashed([program, "simulate", "--site", "hub", *arguments, "--data", str(tmp_path / "outboxes")]),
            tmp_path / "simulation.log",
        )
        simulation.start(lambda: True)
        online: set[str] = set()
        while not devices <= online:
            message = server.messages.get(timeout=30)
            if json.loads(message.payload)["state"] == "online":
                online.add(message.topic.split("/")[3])
        simulation.stop()


def server_settings(broker: Broker, password: str = PASSWORDS["ingest"]) -> Settings:
    return Settings(
        broker_url=f"mqtts://ingest:{password}@localhost:{broker.server_port}", broker_ca_file=str(broker.ca)
    )


@pytest.mark.parametrize(("days", "state"), [(700, "ok"), (61, "ok"), (59, "warning"), (1, "warning")])
def test_server_doctor_announces_the_end_of_the_certificate(broker: Broker, days: int, state: str) -> None:
    settings = server_settings(broker)
    ends = certificate_end(settings)
    assert ends is not None
    found = {one.part: one for one in check_broker(settings, ends - timedelta(days=days, minutes=1))}
    certificate = found["certificate"]
    assert (found["broker"].state, certificate.state) == ("ok", state)
    assert f"{ends:%Y-%m-%d}" in certificate.found
    assert ("certificates renew" in certificate.advice) == (state == "warning")


def test_server_doctor_says_why_the_broker_refuses_it(broker: Broker) -> None:
    refused = next(iter(check_broker(server_settings(broker, "wrong"))))
    assert refused.state == "failed"
    assert "refused us" in refused.found
    assert "HUBWELL_BROKER_URL is not the one" in refused.advice


def test_server_doctor_is_told_the_version_of_the_broker(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def judge(version: str) -> list[Finding]:
        told.append(version)
        return []

    monkeypatch.setattr(doctor_broker, "judge_version", judge)
    assert [finding.part for finding in check_broker(server_settings(broker))] == ["broker", "certificate"]
    (version,) = told
    assert re.fullmatch(r"mosquitto version \d+\.\d+\.\d+", version)


@pytest.mark.parametrize("version", ["2.0.15", "2.0.21", "2.0.22"])
def test_server_doctor_names_versions_of_mosquitto_to_stay_away_from(version: str) -> None:
    (finding,) = judge_version(f"mosquitto version {version}")
    assert finding.state == "warning"
    assert f"Mosquitto {version} may crash" in finding.found


@pytest.mark.parametrize(
    "version",
    [
        "mosquitto version 2.0.11",
        "mosquitto version 2.1.2",
        "",
        "rumqttd 0.20.0",
        "mosquitto version develop",
    ],
)
def test_server_doctor_has_nothing_against_other_brokers(version: str) -> None:
    assert not list(judge_version(version))
