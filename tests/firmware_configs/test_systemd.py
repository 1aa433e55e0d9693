"""The units for a Raspberry Pi and for a bare Debian server, judged by systemd itself."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from hubwell.cli import app as server
from hubwell_edge.cli import app as edge
from hubwell_edge.taps.files.epoch_keys import KeyFolder
from lanes.missing_part import missing

CONFIGS = Path(__file__).resolve().parents[2] / "firmware_configs"
UNITS = sorted(
    path
    for folder in ("raspberry-pi", "systemd")
    for path in (CONFIGS / folder).iterdir()
    if path.suffix in {".service", ".target", ".timer"}
)
SERVICES = [path for path in UNITS if path.suffix == ".service"]
WORST_EXPOSURE = 25
"""Tenths of the points of `systemd-analyze security`: 2.5 of 10; a unit without hardening has 9.6."""


@pytest.fixture(scope="module")
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        missing("systemd-analyze", "install Debian's package systemd")
    return program


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as on a machine where the programs are in this environment."""
    folder = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        text = unit.read_text().replace("/opt/hubwell/bin/", f"{Path(sys.executable).parent}/")
        (folder / unit.name).write_text(text.replace("/usr/local/sbin/", f"{CONFIGS}/systemd/"))
    return folder


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_units_are_right(analyze: str, installed: Path) -> None:
    done = run(analyze, "verify", *(str(installed / unit.name) for unit in UNITS))
    mine = [line for line in done.stderr.splitlines() if "hubwell" in line]
    assert (done.returncode, mine) == (0, [])


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_unit_is_hardened(analyze: str, installed: Path, unit: Path) -> None:
    done = run(
        analyze,
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={WORST_EXPOSURE}",
        str(installed / unit.name),
    )
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


def test_agent_may_ask_whether_the_clock_is_set(analyze: str) -> None:
    """The filter of a unit would otherwise make every time "unsynced": adjtimex is no @system-service."""
    text = (CONFIGS / "raspberry-pi" / "hubwell-edge.service").read_text()
    allowed = set()
    for group in re.findall(r"^SystemCallFilter=(.+)$", text, re.MULTILINE):
        for name in group.split():
            listed = run(analyze, "syscall-filter", name).stdout if name.startswith("@") else name
            allowed |= {line.strip() for line in listed.splitlines()}
    assert {"adjtimex", "clock_adjtime"} <= allowed
    assert "ProtectClock=yes" not in text


def test_commands_of_the_units_exist() -> None:
    programs = {"hubwell": server, "hubwell-edge": edge}
    for unit in SERVICES:
        if unit.name == "hubwell-backup.service":
            continue  # runs hubwell-admin, which scripts/test-systemd runs
        found = re.search(r"^ExecStart=/opt/hubwell/bin/(\S+) (\S+)", unit.read_text(), re.MULTILINE)
        assert found is not None, unit.name
        commands = getattr(typer.main.get_command(programs[found[1]]), "commands", {})
        assert found[2] in commands, unit.name


def test_services_of_the_server_are_watched_and_stop_in_time() -> None:
    for unit in (CONFIGS / "systemd").glob("hubwell-*.service"):
        if unit.name == "hubwell-backup.service":
            continue
        lines = unit.read_text().splitlines()
        assert {"Type=notify", "WatchdogSec=60", "Restart=always", "TasksMax=64"} <= {*lines}, unit.name
        assert "TimeoutStartSec=300" in lines, "a slow start is not killed and begun again"
        assert any(line.startswith("TimeoutStopSec=") for line in lines), unit.name


def test_units_that_do_not_speak_to_the_broker_get_no_password_of_it(tmp_path: Path) -> None:
    unset, hidden = "UnsetEnvironment=HUBWELL_BROKER_URL ", "InaccessiblePaths=/etc/hubwell/hubwell.env"
    units = {unit.name: unit.read_text() for unit in (CONFIGS / "systemd").glob("*.service")}
    entrusted = {
        name
        for name, text in units.items()
        if "EnvironmentFile=/etc/hubwell/hubwell.env" in text and not (unset in text and hidden in text)
    }
    assert entrusted == {"hubwell-ingest@.service", "hubwell-worker.service"}

    instead = re.findall(r"^Environment=(HUBWELL_ENV_FILE)=(.+)$", units["hubwell-api.service"], re.MULTILINE)
    program = "from hubwell.commands.cli_settings import settings; print(settings().broker_url)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join(sys.path), **dict(instead)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "mqtt://127.0.0.1:1883\n", "it starts without the file, with the default"


@pytest.mark.parametrize("part", ["postgresql", "caddy"])
def test_database_and_web_server_come_back_after_a_crash(part: str) -> None:
    lines = (CONFIGS / "systemd" / f"{part}-restart.conf").read_text().splitlines()
    assert {"Restart=on-failure", "StartLimitIntervalSec=0"} <= {*lines}


def test_start_of_the_database_that_fails_is_tried_again_and_a_long_recovery_is_waited_for() -> None:
    # With Debian's "-" before the program, systemd waits for ever for a database that did not start.
    text = (CONFIGS / "systemd" / "postgresql-restart.conf").read_text()
    starts = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert starts == ["", "/usr/bin/pg_ctlcluster --skip-systemctl-redirect %i start -- -t 604800"]


def test_admin_backs_up_and_nothing_else_from_the_timer() -> None:
    unit = (CONFIGS / "systemd" / "hubwell-backup.service").read_text()
    assert re.search(r"^ExecStart=/usr/local/sbin/hubwell-admin backup$", unit, re.MULTILINE)
    (CONFIGS / "systemd" / "hubwell-backup.timer").read_text().index("Persistent=yes")


@pytest.mark.parametrize(
    "program",
    [
        "scripts/install-server",
        "scripts/install-edge",
        "scripts/test-systemd",
        "scripts/test-distributions",
        "firmware_configs/systemd/hubwell-admin",
        "firmware_configs/systemd/hubwell",
    ],
)
def test_programs_of_the_server_are_valid_shell(program: str) -> None:
    file = CONFIGS.parent / program
    assert file.stat().st_mode & 0o111
    done = run("bash" if b"/bin/bash" in file.read_bytes()[:20] else "sh", "-n", str(file))
    assert (done.returncode, done.stderr) == (0, "")


def test_admin_without_a_command_shows_them(tmp_path: Path) -> None:
    admin = (CONFIGS / "systemd" / "hubwell-admin").read_text()
    fake = tmp_path / "hubwell-admin"
    (tmp_path / "hubwell.env").write_text("HUBWELL_SITE=hub\n")
    fake.write_text(admin.replace("/etc/hubwell/hubwell.env", f"{tmp_path}/hubwell.env"))
    if os.geteuid() != 0:
        pytest.skip("hubwell-admin needs root")
    done = run("bash", str(fake))
    assert done.returncode == 2
    assert {"device", "certificates", "password", "backup", "drill", "restore", "rollback"} <= {
        line.split()[1] for line in done.stderr.splitlines()
    }


@pytest.mark.parametrize(
    ("version", "applied"),
    [
        ("2.0.11", "reload"),
        ("2.0.14", "reload"),
        ("2.0.15", "restart"),
        ("2.0.21", "restart"),
        ("2.1.0", "reload"),
    ],
)
def test_accounts_are_applied_by_a_restart_where_a_reload_may_crash_the_broker(
    tmp_path: Path, version: str, applied: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("hubwell-admin needs root")
    (tmp_path / "hubwell.env").write_text("HUBWELL_SITE=hub\n")
    (tmp_path / "passwords").write_text("lab:x\n")
    for name, line in (
        ("mosquitto", f"echo 'mosquitto version {version}'; exit 3"),
        ("systemctl", f"echo $* >>{tmp_path}/asked"),
        ("add-account", "echo secret"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    admin = (CONFIGS / "systemd" / "hubwell-admin").read_text()
    for variable, value in (
        ("settings", "hubwell.env"),
        ("broker", ""),
        ("tools", ""),
    ):
        admin = re.sub(rf"^{variable}=.*$", f"{variable}={tmp_path}/{value}", admin, flags=re.MULTILINE)
    (tmp_path / "hubwell-admin").write_text(admin)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", str(tmp_path / "hubwell-admin"), "device", "rotate", "lab"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "asked").read_text() == f"{applied} mosquitto\n"


def test_bound_keys_replace_the_plain_ones(analyze: str, installed: Path) -> None:
    """The drop-in takes every plain secret away and gives each under the name that the agent looks for."""
    text = (CONFIGS / "raspberry-pi" / "bound-keys.conf").read_text()
    folder = installed / "hubwell-edge.service.d"
    folder.mkdir()
    (folder / "bound-keys.conf").write_text(text)
    try:
        done = run(analyze, "verify", str(installed / "hubwell-edge.service"))
    finally:
        shutil.rmtree(folder)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "hubwell" in line]) == (0, [])
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[:2] == ["[Service]", "LoadCredential="], "first the plain ones are taken away"
    plain = (CONFIGS / "raspberry-pi" / "hubwell-edge.service").read_text()
    assert set(re.findall(r"^LoadCredential=(\w+):", plain, re.MULTILINE)) == set(
        re.findall(r"^LoadCredentialEncrypted=(\w+):", text, re.MULTILINE)
    )


def test_encrypted_key_is_a_key_again(tmp_path: Path) -> None:
    """By the commands of docs/badges.md, where this machine can keep a key for credentials."""
    program = shutil.which("systemd-creds")
    if program is None:
        missing("systemd-creds", "install Debian's package systemd")
    name, secret = "badges_epoch-1.key", "01" * 32 + "\n"
    (tmp_path / "epoch-1.key").write_text(secret)
    done = run(
        program,
        "encrypt",
        "--with-key=tpm2-absent",
        f"--name={name}",
        str(tmp_path / "epoch-1.key"),
        str(tmp_path / "e"),
    )
    if done.returncode != 0:
        missing("credentials with systemd-creds", done.stderr.strip())
    (tmp_path / "c").mkdir()
    assert (
        run(program, "decrypt", f"--name={name}", str(tmp_path / "e"), str(tmp_path / "c" / name)).returncode
        == 0
    )
    assert [key.epoch for key in KeyFolder(tmp_path / "c").epochs()] == [1]
