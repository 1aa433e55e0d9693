"""The Compose guide, played by an operator on a real Docker Engine; the tests are one story, in order.

What takes long is a story of its own, beside this one: backups, upkeep, and upgrades.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deployments.compose_hub import ComposeHub, password_in
from deployments.guide import PROJECT, TYPED_IN_OTHER_STORIES

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(900)]
Figures = dict[str, float | str]
TO_A_TAP = (
    "apt update",
    "git clone",
    "(umask 077",
    "firmware_configs/mosquitto/make-certificates",
    "scripts/hubwell-admin start",
    "docker-compose exec api hubwell space add",
    "scripts/hubwell-admin device add",
    "scripts/hubwell-admin keys export",
)
"""What a stranger types at the server, from an empty Debian to a tap on the board; one more edits .env."""


def test_image_is_small(hub: ComposeHub, figures: Figures) -> None:
    assert hub.folder.exists()
    assert float(figures["megabytes of the image's own part"]) <= 150


def test_start_without_certificates_is_refused_and_makes_nothing(hub: ComposeHub) -> None:
    # The packages that the guide names are there: scripts/test-compose has installed them.
    hub.type("apt update", changes={"apt update && apt install": "dpkg --status"})
    hub.type("(umask 077")
    assert "make-certificates" in hub.type("scripts/hubwell-admin start", check=False)
    assert "bind source path does not exist" in hub.compose("up", "-d", "--no-build", check=False)
    assert not (hub.folder / "certificates").exists()


def test_cold_start(hub: ComposeHub, figures: Figures) -> None:
    hub.type("firmware_configs/mosquitto/make-certificates")
    hub.set("HUBWELL_UNKNOWN_BADGES", "count")
    begin = time.monotonic()
    printed = hub.type("scripts/hubwell-admin start", "--no-build")
    figures["seconds from start to healthy"] = time.monotonic() - begin
    assert set(hub.containers().values()) == {"healthy", "exited 0"}
    assert "FAIL" not in hub.hubwell("doctor")
    volumes = hub.engine.docker("volume", "ls", "-q").stdout.split()
    assert all(volume.startswith("hubwell_") for volume in volumes), "each volume has a name"
    assert hub.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'hubwell'") == "f"
    assert "Hubwell runs at http://127.0.0.1:8000; devices reach it at hub.example" in printed
    (link,) = re.findall(r"^http://127\.0\.0\.1:8000/setup\?code=\S+$", printed, re.MULTILINE)
    address = urlsplit(link)
    assert hub.page(f"{address.path}?{address.query}")[0] == 200
    assert hub.type("docker-compose exec api hubwell account link") != link
    for language in ("en", "it", "fi", "et", "lv", "nl"):
        status, body = hub.page("/", "--header", f"Accept-Language: {language}")
        assert status == 200
        assert f'<html lang="{language}"' in body
    assert "ingest" in hub.type("docker-compose ps")


def test_simulated_hub_reaches_the_board(
    hub: ComposeHub, figures: Figures, whole: Callable[[str], None]
) -> None:
    begin = time.monotonic()
    hub.type("scripts/hubwell-admin demo start")
    hub.wait(lambda: int(hub.sql("SELECT count(*) FROM tap")) > 0, why="a tap arrives")
    figures["seconds from demo start to the first tap"] = time.monotonic() - begin
    assert hub.sql("SELECT count(*) FROM device WHERE archived_at IS NULL") == "9"

    hub.wait(lambda: "used" in hub.board().values(), why="the board shows a used space")
    whole("the cold start")
    shown = hub.engine.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}").stdout
    figures["memory"] = ", ".join(
        f"{name.removeprefix('hubwell').strip('-_').rstrip('_-1')} {used}"
        for name, used in (line.split()[:2] for line in sorted(shown.splitlines()))
    )


def test_doctor_is_content_and_measures_the_disk_of_the_database(hub: ComposeHub) -> None:
    report = hub.type("docker-compose exec api hubwell doctor")
    assert "FAIL" not in report
    assert re.search(r"disk: 0\.\d GB free where the database is", report)
    assert re.search(r"Mosquitto 2\.0\.\d+ may crash", report), "the stand-in is of Debian 13"


@pytest.mark.parametrize("where", ["ingest", "database"])
def test_password_of_the_services_is_changed(
    hub: ComposeHub, whole: Callable[[str], None], where: str
) -> None:
    name = f"HUBWELL_{where.upper()}_PASSWORD"
    before = hub.setting(name)
    hub.type(f"scripts/hubwell-admin password {where}")
    assert re.fullmatch("[0-9a-f]{48}", hub.setting(name))
    assert hub.setting(name) != before
    whole(f"a new password of the services: {where}")


def test_command_of_an_operator_takes_its_time(hub: ComposeHub) -> None:
    # What watches the services ends no other command, though it reports nothing for longer than the limit.
    watched = ["run", "--rm", "-T", "--no-deps", "-e", "WATCHDOG_LIMIT_S=0.5", "api"]
    assert "rows" in hub.compose(*watched, "backup", "hub.backup")


# The documented web server in front.


@pytest.fixture
def proxy(hub: ComposeHub, tmp_path: Path) -> Iterator[int]:
    """The guide's nginx before the hub's published port, in the network of the containers; its port."""
    inner = re.search(r"```nginx\n(.*?)```", (PROJECT / "docs" / "deployment.md").read_text(), re.DOTALL)
    assert inner is not None
    port = 8080
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; user root; worker_processes 1; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
        "events { worker_connections 64; }\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f"server {{ listen 127.0.0.1:{port}; {inner[1]} }} }}\n"
    )
    settings = str(tmp_path / "nginx.conf")
    command = ["nginx", "-p", str(tmp_path), "-c", settings, "-e", f"{tmp_path}/error.log"]
    with hub.engine.beside(command) as process:
        hub.wait((tmp_path / "pid").exists, why="nginx listens")
        assert process.poll() is None
        yield port


def test_wrong_passwords_from_one_address_lock_nobody_else_out(hub: ComposeHub, proxy: int) -> None:
    password = "quiet-lathe-orbit-47"  # noqa: S105 - of a hub that lives for minutes
    for login in ("rosa", "vera"):
        add = ["account", "add", login, "--role", "admin"]
        hub.compose("exec", "-T", "api", "hubwell", *add, typed=password)

    def sign_in(address: str, login: str, word: str, forged: str) -> int:
        options = ["--interface", address, "--header", f"X-Forwarded-For: {forged}"]
        options += ["--data-urlencode", f"login={login}", "--data-urlencode", f"password={word}"]
        return hub.page("/sign-in", *options, port=proxy)[0]

    # Each try states another address; all count for the one that it comes from.
    answers = [sign_in("127.0.0.11", "rosa", "not this password", f"192.0.2.{n}") for n in range(11)]
    assert answers == [422] * 10 + [429]
    # A stranger who states the address of another does not use up that one's tries either.
    assert sign_in("127.0.0.11", "rosa", "not this password", "127.0.0.12") == 429
    assert sign_in("127.0.0.12", "rosa", "not this password", "127.0.0.11") == 422
    assert sign_in("127.0.0.12", "rosa", password, "127.0.0.11") == 303
    assert sign_in("127.0.0.12", "vera", password, "127.0.0.12") == 303
    new = "patient-harbour-anvil-82"
    hub.type("docker-compose exec api hubwell account password", typed=new, changes={"LOGIN": "vera"})
    assert sign_in("127.0.0.12", "vera", new, "127.0.0.12") == 303


# Devices of the hub's own, keys, and the end of the simulated hub.


def test_device_is_added_rotated_and_revoked(hub: ComposeHub, whole: Callable[[str], None]) -> None:
    joinery = {"wood-workshop": "joinery", "Wood workshop": "Joinery"}
    hub.type("docker-compose exec api hubwell space add", changes=joinery)
    assert "Joinery" in hub.page("/")[1]
    printed = hub.type("scripts/hubwell-admin device add", changes=joinery)
    first = password_in(printed)
    assert "scripts/install-edge --server hub.example --site hub --device joinery-1" in printed
    hub.wait(lambda: hub.lets_in(first), why="the new device is let in")
    second = password_in(hub.type("scripts/hubwell-admin device rotate", changes={"ID": "joinery-1"}))
    hub.wait(lambda: hub.lets_in(second), why="the new password is taken")
    assert not hub.lets_in(first)
    hub.type("scripts/hubwell-admin device revoke", changes={"ID": "joinery-1"})
    hub.wait(lambda: not hub.lets_in(second), why="the revoked device is refused")
    assert "no account at the broker" in hub.type(
        "scripts/hubwell-admin device revoke", check=False, changes={"ID": "joinery-1"}
    )
    hub.type("scripts/hubwell-admin device add", changes=joinery)
    whole("changes of a device's account")


def test_tap_at_a_device_is_on_the_board(
    hub: ComposeHub, tmp_path: Path, figures: Figures, whole: Callable[[str], None]
) -> None:
    hub.type("scripts/hubwell-admin keys export")
    keys = hub.folder / "badge-keys"
    assert {"epoch-1.key", "roster.pub"} <= {file.name for file in keys.iterdir()}
    assert keys.stat().st_mode & 0o077 == 0
    password = password_in(hub.type("scripts/hubwell-admin device rotate", changes={"ID": "joinery-1"}))
    (tmp_path / "door.toml").write_text(
        f"""
        site = "hub"
        device = "joinery-1"
        clock = "trust"
        mqtt_username = "joinery-1"
        mqtt_password = "{password}"
        broker = {{ url = "mqtts://127.0.0.1:8883", ca_file = "{hub.folder}/certificates/ca.crt" }}
        outbox = {{ dir = "{tmp_path}/outbox" }}
        badges = {{ keys_dir = "{keys}", roster_key = "{(keys / "roster.pub").read_text().strip()}" }}

        [[reader]]
        driver = "line"
        name = "door"
        device = "-"
        """
    )
    assert hub.board()["joinery"] == "unknown"
    command = [sys.executable, "-m", "hubwell_edge", "run", "--config", str(tmp_path / "door.toml")]
    with hub.engine.beside(command) as agent:
        assert agent.stdin is not None
        agent.stdin.write(b"04A1B2C3D4E5F6\n")
        agent.stdin.flush()
        hub.wait(lambda: hub.board()["joinery"] == "used", why="the tap is on the board")
        whole("a tap at a device")
    needed = {command for command in hub.typed if command.startswith(TO_A_TAP)}
    assert len(needed) == len(TO_A_TAP)
    figures["commands at the server, from an empty Debian to a tap"] = f"{len(needed) + 1} (12 at most)"
    assert len(needed) + 1 <= 12


def test_two_ingest_processes_share_the_work(hub: ComposeHub, whole: Callable[[str], None]) -> None:
    hub.type("docker-compose up -d --scale ingest=2", "--no-build")

    def connected() -> set[str]:
        logged = hub.type("docker-compose logs", "broker", changes={"=20": "=200"})
        return set(re.findall(r" as (hubwell-ingest-\S+-[12]) ", logged))

    hub.wait(lambda: len(connected()) == 2, why="both ingest processes are connected")
    assert "taken over" not in hub.compose("logs", "--tail=200", "broker")
    whole("a second ingest process")
    hub.type("docker-compose up -d --build", changes={"--build": "--no-build"})
    hub.wait(lambda: len(hub.named("ingest")) == 1, why="one ingest process is left")


def test_every_command_of_the_guide_was_typed(hub: ComposeHub, figures: Figures) -> None:
    figures["commands of the guide typed"] = len(set(hub.typed))
    assert hub.untyped() == set(chain.from_iterable(TYPED_IN_OTHER_STORIES.values()))
