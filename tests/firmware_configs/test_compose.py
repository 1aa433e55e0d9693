"""docker-compose.yml, read by the real Compose program, and what a careful operator would look for in it."""

import json
import os
import re
import shutil
import subprocess
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from hubwell.cli import app
from hubwell.settings import Settings
from hubwell_edge.cli import app as edge
from lanes.missing_part import missing

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "docker-compose.yml"
SECRETS = {
    "HUBWELL_POSTGRES_PASSWORD",
    "HUBWELL_DATABASE_PASSWORD",
    "HUBWELL_INGEST_PASSWORD",
    "HUBWELL_GRAFANA_DATABASE_PASSWORD",
    "HUBWELL_GRAFANA_ADMIN_PASSWORD",
}
OPTIONAL_SECRETS = {"HUBWELL_OIDC_CLIENT_SECRET": "api", "HUBWELL_WEBHOOK_SECRET": "worker"}
"""Secrets that a hub may have, and the only service that gets each."""
NOT_FOR_OPERATORS = {
    "ingest_batch",
    "ingest_shared",
    "ingest_wait_ms",  # tuning, for measurements
    "setup_hash",  # of `hubwell up`
    "demo_socket",  # of `hubwell up`
}
ONE_SHOT = {"broker-setup", "migrate", "grafana-reader", "demo-register", "demo-accounts"}
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)([^}]*)\}")


def environment_command() -> str:
    """Return the documented command that makes .env."""
    guide = (PROJECT / "docs" / "deployment.md").read_text()
    return next(line for line in guide.splitlines() if line.endswith(".env.example > .env)"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        missing("openssl")
    folder = tmp_path_factory.mktemp("compose")
    shutil.copy(PROJECT / ".env.example", folder)
    subprocess.run(["sh", "-c", environment_command()], cwd=folder, check=True, timeout=30)
    return folder / ".env"


def compose(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        missing("docker-compose", "install Debian's package docker-compose")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBWELL_")}
    return subprocess.run(
        [program, "--env-file", str(environment), "--file", str(FILE), *arguments],
        env=inherited,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def services(environment: Path) -> dict[str, dict[str, Any]]:
    done = compose(environment, "config")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    return found


def test_secrets_are_random_and_different(environment: Path) -> None:
    lines = dict(line.split("=", 1) for line in environment.read_text().splitlines() if "=" in line[:40])
    made = {lines[name] for name in SECRETS}
    assert len(made) == len(SECRETS)
    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in made)
    assert environment.stat().st_mode & 0o077 == 0


def test_no_secret_has_a_default() -> None:
    used: dict[str, set[str]] = {}
    for name, rest in VARIABLE.findall(FILE.read_text()):
        used.setdefault(name, set()).add(rest[:2])
    assert {name for name, forms in used.items() if forms == {":?"}} == SECRETS
    secret = {name for name in used.keys() - SECRETS if re.search("PASSWORD|SECRET|TOKEN|KEY", name)}
    assert secret == OPTIONAL_SECRETS.keys()
    example = dict(re.findall(r"^#?(\w+)=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    assert example.keys() == used.keys()
    assert {name for name, value in example.items() if not value} == SECRETS


def test_every_setting_can_be_set_and_reaches_its_services(
    environment: Path, services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """What the server knows, the file passes on; what .env says arrives; what it does not say is unset."""
    passed = {name for service in ("api", "worker", "ingest") for name in services[service]["environment"]}
    expected = {f"HUBWELL_{name.upper()}" for name in Settings.model_fields.keys() - NOT_FOR_OPERATORS}
    assert expected - passed == set()

    full = tmp_path / "env"
    full.write_text(re.sub(r"^#(HUBWELL_\w+=)", r"\1", environment.read_text(), flags=re.MULTILINE))
    done = compose(full, "config")
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load(done.stdout)["services"]
    for name in ("api", "worker", "ingest"):
        empty = {**services[name]["environment"]}
        assert Settings.model_validate(lowered(empty)).public_url is None
        settings = Settings.model_validate(lowered(told[name]["environment"]))
        assert str(settings.public_url) == "https://hub.example/"
        assert settings.retention == {"visit": "30d"}
        assert settings.language == "fi"
        assert settings.privacy_contact == "Data protection, privacy@hub.example"
    for secret, service in OPTIONAL_SECRETS.items():
        assert {name for name in told if secret in told[name].get("environment", {})} == {service}


def lowered(environment: dict[str, str]) -> dict[str, Any]:
    """The variables as the server reads them: an empty one is none, JSON where a setting is a table."""
    values = {key.removeprefix("HUBWELL_").lower(): value for key, value in environment.items() if value}
    return {
        key: json.loads(value) if key in {"retention", "oidc_roles"} else value
        for key, value in values.items()
        if key in Settings.model_fields
    }


def test_secrets_and_keys_are_only_where_they_are_needed(services: dict[str, dict[str, Any]]) -> None:
    holders = {
        name: {key for key in service.get("environment") or {} if re.search("PASSWORD|SECRET|_URL$", key)}
        for name, service in services.items()
    }
    assert holders["migrate"] == {"HUBWELL_DATABASE_URL"}
    assert {name for name in services if any("keys:" in str(v) for v in volumes(services[name]))} == {
        "api",
        "ingest",
        "worker",
    }
    for service in services.values():  # arguments can be read by every user of the machine
        assert not re.search("(?i)password", " ".join(map(str, service.get("command") or [])))


def volumes(service: dict[str, Any]) -> list[str]:
    return [str(volume) for volume in service.get("volumes") or []]


def test_api_believes_the_gateway_that_a_proxy_on_this_machine_arrives_from(environment: Path) -> None:
    whole = yaml.safe_load(compose(environment, "config").stdout)
    (network,) = whole["networks"]["outside"]["ipam"]["config"]
    gateway = next(ip_network(network["subnet"]).hosts())
    assert whole["services"]["api"]["environment"]["FORWARDED_ALLOW_IPS"] == str(gateway)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_missing_secret_is_refused(environment: Path, tmp_path: Path, name: str) -> None:
    without = tmp_path / "env"
    without.write_text(re.sub(f"^{name}=.*$", f"{name}=", environment.read_text(), flags=re.MULTILINE))
    done = compose(without, "config", "--quiet")
    assert done.returncode != 0
    assert "see docs/deployment.md" in done.stderr


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert re.search(r":\d+\.\d+\.\d+(-[a-z0-9]+)?$", service["image"]), name
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["python:3.13-slim-trixie"] * 2


def test_only_the_broker_listens_to_the_network(services: dict[str, dict[str, Any]]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {
        "broker": ["0.0.0.0:8883:8883/tcp"],
        "api": ["127.0.0.1:8000:8000/tcp"],
        "grafana": ["127.0.0.1:3000:3000/tcp"],
    }
    assert list(services["database"]["networks"]) == ["inside"]


def test_parts_are_limited_watched_and_started_again(services: dict[str, dict[str, Any]]) -> None:
    running = services.keys() - ONE_SHOT
    for name, service in services.items():
        assert service["memswap_limit"] == service["mem_limit"], f"{name} never swaps"
        assert service["logging"]["options"]["max-size"] == "10m", name
        assert "privileged" not in service, name
    assert {name for name in running if services[name]["restart"] == "unless-stopped"} == running
    assert {name for name in running if "healthcheck" in services[name]} == running
    patient = {name for name in running if services[name].get("stop_grace_period") in {"30s", "1m", "1m0s"}}
    assert patient == running - {"grafana"}, "each ends in order on a busy machine too"
    watched = {name for name in running if "hubwell.service.watch" in services[name].get("entrypoint", ())}
    assert watched == {"api", "ingest", "worker"}, "what hangs is ended, and started again"
    memory = sum(int(services[name]["mem_limit"].removesuffix("m")) for name in running)
    assert memory <= 4096  # one small machine


def test_parts_have_only_the_rights_they_need(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["read_only"] is True, name
        assert service["pids_limit"] <= 200, name
        assert all("size=" in folder for folder in service.get("tmpfs", [])), name
    # The image is built once, and a start leaves no volume of those that Mosquitto's image declares.
    assert [name for name, service in services.items() if "build" in service] == ["migrate"]
    for name in ("broker", "broker-setup"):
        covered = {folder.split(":")[0] for folder in services[name]["tmpfs"]}
        assert {"/mosquitto/data", "/mosquitto/log"} <= covered, name


def test_programs_files_and_settings_exist(services: dict[str, dict[str, Any]]) -> None:
    commands = {
        program: set(getattr(typer.main.get_command(line), "commands", {}))
        for program, line in (("hubwell", app), ("hubwell-edge", edge))
    }
    for name, service in services.items():
        if service["image"].startswith("hubwell:"):
            program = service.get("entrypoint", ["hubwell"])[-1]
            assert service["command"][0] in commands[program], name
            given = {
                key.removeprefix("HUBWELL_").lower()
                for key in service["environment"].keys() - {"FORWARDED_ALLOW_IPS", "HUBWELL_COMMAND"}
            }
            assert given <= Settings.model_fields.keys(), name
        for volume in service.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            if source.startswith("/") and "certificates" not in source:
                assert Path(source).exists(), name
    for program in ("setup", "add-account", "make-certificates"):
        assert os.access(PROJECT / "firmware_configs" / "mosquitto" / program, os.X_OK)


def test_grafana_is_provisioned_with_what_compose_gives_it(services: dict[str, dict[str, Any]]) -> None:
    provisioning = PROJECT / "dashboards" / "provisioning"
    datasource = (provisioning / "datasources" / "hubwell.yaml").read_text()
    wanted = set(re.findall(r"\$(\w+)", datasource))
    assert wanted <= services["grafana"]["environment"].keys()
    (source,) = yaml.safe_load(datasource)["datasources"]
    assert source["uid"] == "hubwell"
    assert source["user"] == "hubwell_grafana"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "hubwell.yaml").read_text())["providers"]
    mounts = dict(volume.split(":")[:2][::-1] for volume in services["grafana"]["volumes"])
    assert Path(mounts[provider["options"]["path"]]) == PROJECT / "dashboards"
    assert Path(mounts["/etc/grafana/provisioning"]) == provisioning


def test_image_copies_what_exists_and_ignores_the_rest() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
        for source in line.split()
    }
    assert all((PROJECT / source).exists() for source in copied)
    kept = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == copied
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
