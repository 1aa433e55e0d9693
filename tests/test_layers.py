"""The layers of pyproject.toml: a planted import that runs up, or takes in a web framework, breaks them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLANTED = {
    "air/rules.py": "import fastapi",
    "presence/rules.py": "import aiomqtt",
    "workflows/erasure.py": "import typer",
    "vocabulary.py": "import hubwell.events",
    "storage/retry.py": "import hubwell.audit.log",
    "web/kit/respond.py": "import hubwell.api.routes.spaces",
}
EXPECTED = (
    "hubwell.air is not allowed to import fastapi",
    "hubwell.presence is not allowed to import aiomqtt",
    "hubwell.workflows is not allowed to import typer",
    "hubwell.vocabulary is not allowed to import hubwell.events",
    "hubwell.storage is not allowed to import hubwell.audit",
    "hubwell.web is not allowed to import hubwell.api.routes",
)


@pytest.mark.slow
def test_planted_imports_break_the_contracts(tmp_path: Path) -> None:
    for package in ("services/hubwell", "edge/hubwell_edge", "edge/hubwell_wire"):
        ignored = shutil.ignore_patterns("__pycache__", "locale", "static", "templates")
        shutil.copytree(ROOT / package, tmp_path / Path(package).name, ignore=ignored)
    for file, line in PLANTED.items():
        path = tmp_path / "hubwell" / file
        path.write_text(f"{path.read_text()}\n{line}\n")
    found = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()",
         "--config", ROOT / "pyproject.toml", "--no-cache"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert found.returncode == 1, found.stdout + found.stderr
    assert [text for text in EXPECTED if text not in found.stdout] == []
