"""What scripts/test does with tests that fail beside others: looked at three times more, alone, and named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = """[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "--strict-markers"]
markers = ["bench", "deployment", "slow", "chaos", "browser", "database"]
"""
TIMES = """
from pathlib import Path

import pytest

@pytest.mark.parametrize("case", ["one (a b)", "two"])
def test_{name}(case):
    count = Path(__file__).with_name(f"{name}-{{case}}")
    count.write_text(count.read_text() + "." if count.exists() else ".")
    assert len(count.read_text()) not in {failing}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the real script, nothing to prepare, and a test that passes."""
    (tmp_path / "scripts").mkdir()
    for script in ("test", "failed_tests.py"):
        shutil.copy(ROOT / "scripts" / script, tmp_path / "scripts" / script)
    for script in ("prepare", "prepare-lanes", "prepare-readers"):
        (tmp_path / "scripts" / script).write_text("#!/bin/sh\n")
        (tmp_path / "scripts" / script).chmod(0o755)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "pyproject.toml").write_text(CONFIG)
    (tmp_path / "test_steady.py").write_text(TIMES.format(name="steady", failing=()))
    (tmp_path / "test_measure.py").write_text(
        "import pytest\n@pytest.mark.bench\ndef test_measure():\n    pass\n"
    )
    return tmp_path


def scripts_test(project: Path) -> tuple[int, str]:
    unset = {"PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTHONPATH"}
    done = subprocess.run(
        ["bash", "scripts/test"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name not in unset},
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout + done.stderr)
    return done.returncode, done.stdout


def test_a_test_that_fails_beside_others_and_passes_alone_is_named(project: Path) -> None:
    (project / "test_once.py").write_text(TIMES.format(name="once", failing=(1,)))

    code, output = scripts_test(project)

    assert code == 0
    assert "three times alone: test_once.py::test_once[one (a b)]\n" in output
    assert "three times alone: test_once.py::test_once[two]\n" in output
    assert "three times alone: test_steady" not in output


def test_a_test_that_fails_again_in_the_last_look_fails_the_run(project: Path) -> None:
    (project / "test_broken.py").write_text(TIMES.format(name="broken", failing=(1, 4)))

    assert scripts_test(project)[0] == 1


def test_more_than_five_failures_are_not_looked_at_again(project: Path) -> None:
    for name in ("first", "second", "third"):
        (project / f"test_{name}.py").write_text(TIMES.format(name=name, failing=(1,)))

    assert scripts_test(project)[0] == 1


def test_a_measurement_that_misses_its_limit_is_taken_again(project: Path) -> None:
    marked = TIMES.replace("@pytest.mark.param", "@pytest.mark.bench\n@pytest.mark.param")
    (project / "test_measured.py").write_text(marked.format(name="measured", failing=(1,)))

    code, output = scripts_test(project)

    assert code == 0
    assert "three times alone: test_measured.py::test_measured[two]\n" in output


def test_tests_that_cannot_be_collected_fail_the_run(project: Path) -> None:
    (project / "test_damaged.py").write_text("import nothing_of_the_kind\n")

    assert scripts_test(project)[0] != 0
