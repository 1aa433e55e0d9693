"""The example files for a Raspberry Pi, read by the real agent."""

import configparser
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hubwell_edge.registry import OUTPUTS, READERS
from hubwell_wire.topics import ID_PATTERN

FOLDER = Path(__file__).resolve().parents[2] / "firmware_configs" / "raspberry-pi"
DEVICES = sorted(FOLDER.glob("*.toml"))


def check(file: Path, secrets: Path) -> subprocess.CompletedProcess[str]:
    """Run `hubwell-edge check` as systemd would: with the password in the credentials folder."""
    program = Path(sys.executable).with_name("hubwell-edge")
    environment = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(secrets)}
    return subprocess.run(
        [str(program), "check", "--config", str(file)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("file", DEVICES, ids=lambda path: path.name)
def test_device_file_is_right_and_says_what_it_reads(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mqtt_password").write_text("of-the-device")
    done = check(file, tmp_path)
    assert done.returncode == 0, done.stderr
    settings = tomllib.loads(file.read_text())
    assert re.match(ID_PATTERN, settings["device"])
    assert settings["mqtt_username"] == settings["device"]  # the broker's rights go by the user name
    assert f"with TLS as {settings['device']}" in done.stdout
    for sensor in settings.get("sensor", []):
        assert {"scd4x": "reads scd41/co2 in ppm"}.get(sensor["driver"], "reads ") in done.stdout
    for reader in settings.get("reader", []):
        assert f"reads badges at {reader['name']!r} ({reader['driver']})" in done.stdout
    assert settings.get("sensor") or settings.get("reader")
    assert "of-the-device" not in done.stdout + done.stderr
    assert "password" not in settings


def test_mistake_in_a_device_file_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "device.toml"
    wrong.write_text((FOLDER / "room.toml").read_text().replace("pin = 17", "pins = 17"))
    done = check(wrong, tmp_path)
    assert done.returncode != 0
    assert "did you mean 'pin'" in done.stderr


def test_state_folder_of_the_unit_is_that_of_the_device_file() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(FOLDER / "hubwell-edge.service")
    state = Path("/var/lib") / unit["Service"]["StateDirectory"]
    assert tomllib.loads((FOLDER / "room.toml").read_text())["outbox"]["dir"] == str(state)
    assert unit["Service"]["LoadCredential"] == "mqtt_password:/etc/hubwell-edge/mqtt_password"


@pytest.mark.parametrize(("name", "section"), [("journald.conf", "Journal"), ("watchdog.conf", "Manager")])
def test_drop_ins_have_one_section(name: str, section: str) -> None:
    drop_in = configparser.RawConfigParser()
    drop_in.read(FOLDER / name)
    assert drop_in.sections() == [section]


def test_every_kind_of_reader_and_of_feedback_with_hardware_has_an_example() -> None:
    readers = [reader for file in DEVICES for reader in tomllib.loads(file.read_text()).get("reader", [])]
    feedback = {shown["driver"] for reader in readers for shown in reader.get("feedback", [])}
    assert {reader["driver"] for reader in readers} == set(READERS) - {"line", "simulated"}
    assert feedback == set(OUTPUTS) - {"console"}


def test_rights_of_card_readers_are_for_the_user_of_the_unit() -> None:
    rules = (FOLDER / "hubwell-pcsc.rules").read_text()
    unit = configparser.RawConfigParser(strict=False)
    unit.read(FOLDER / "hubwell-edge.service")
    assert unit["Service"]["DynamicUser"] == "yes", "the user is called like the unit"
    assert 'subject.user === "hubwell-edge"' in rules
    assert {"org.debian.pcsc-lite.access_pcsc", "org.debian.pcsc-lite.access_card"} <= set(
        re.findall(r'"([^"]+)"', rules)
    )
    assert rules.count("{") == rules.count("}")
    assert rules.count("(") == rules.count(")")


def test_nfc_drivers_of_the_kernel_are_kept_away() -> None:
    text = (FOLDER / "hubwell-no-pn533.conf").read_text()
    lines = {line for line in text.splitlines() if line and not line.startswith("#")}
    assert lines == {"blacklist pn533_usb", "blacklist pn533", "blacklist nfc"}


def test_boot_configuration_turns_on_what_the_drivers_use() -> None:
    lines = {line for line in (FOLDER / "config.txt").read_text().splitlines() if line and line[0] != "#"}
    assert all(re.fullmatch(r"(dtparam|dtoverlay|enable_uart)=[a-z0-9_=,-]+", line) for line in lines)
    assert {"dtparam=i2c_arm=on", "dtparam=spi=on", "enable_uart=1"} <= lines
