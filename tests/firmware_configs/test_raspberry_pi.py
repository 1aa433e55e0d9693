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


@pytest.mark.parametrize("name", ["journald.conf", "watchdog.conf", "simulated.conf", "hubwell-edge.service"])
def test_installer_puts_each_file_where_the_file_itself_says(name: str) -> None:
    place = re.search(r"/etc/systemd/[\w./-]+", (FOLDER / name).read_text())
    assert place is not None
    script = (FOLDER.parents[1] / "scripts" / "install-edge").read_text()
    assert re.search(rf"install .*\$configs/{re.escape(name)}\" {re.escape(place[0])}$", script, re.MULTILINE)


def test_unit_may_write_to_the_screen_of_the_example() -> None:
    unit = (FOLDER / "hubwell-edge.service").read_text()
    shown = re.findall(r'^device = "(/dev/tty\d)"', (FOLDER / "door.toml").read_text(), re.MULTILINE)
    assert shown
    for screen in shown:
        assert f"DeviceAllow={screen} rw\n" in unit
    assert "tty" in re.findall(r"^SupplementaryGroups=(.*)$", unit, re.MULTILINE)[0].split()


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


@pytest.mark.parametrize("name", DEVICES, ids=lambda path: Path(path).name)
def test_installer_changes_the_device_and_not_its_readers(tmp_path: Path, name: Path) -> None:
    """The installer's own `write_settings`, with a folder of the test in place of /etc/hubwell-edge."""
    script = (FOLDER.parents[1] / "scripts" / "install-edge").read_text()
    steps = re.search(r"^write_settings\(\) \{.*?^\}\n", script, re.MULTILINE | re.DOTALL)
    assert steps is not None
    keys = tmp_path / "badge-keys"
    keys.mkdir()
    (keys / "epoch-1.key").write_text("ab" * 32)
    (keys / "roster.pub").write_text("cd" * 32 + "\n")
    (tmp_path / "password").write_text("secret\n")
    values = {
        "folder": tmp_path / "etc",
        "configs": FOLDER,
        "like": Path(name).name,
        "keys": keys,
        "server": "192.0.2.7",
        "site": "north",
        "device": "lab-1",
        "ca": "",
        "password_file": tmp_path / "password",
    }
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "mqtt_password").write_text("secret\n")
    preset = "".join(f"{key}='{value}'\n" for key, value in values.items())
    program = f"set -euo pipefail\n{preset}write_password() {{ :; }}\n{steps[0]}write_settings\n"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before = tomllib.loads((FOLDER / Path(name).name).read_text())
    made = tomllib.loads((tmp_path / "etc" / "device.toml").read_text())
    assert (made["site"], made["device"], made["mqtt_username"]) == ("north", "lab-1", "lab-1")
    assert made["broker"]["url"] == "mqtts://192.0.2.7:8883"
    assert made.get("reader") == before.get("reader")
    assert made.get("sensor") == before.get("sensor")
    if "badges" in before:
        assert made["badges"] == before["badges"] | {"roster_key": "cd" * 32}
    assert (tmp_path / "etc" / "badges" / "epoch-1.key").stat().st_mode & 0o777 == 0o600
