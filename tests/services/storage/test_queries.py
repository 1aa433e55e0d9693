import re
from pathlib import Path

import pytest

import hubwell
from hubwell.storage.queries import Queries

ROOT = Path(hubwell.__file__).parent
PACKAGES = sorted(file.parent for file in ROOT.rglob("queries.sql"))


def test_queries_are_found_by_name() -> None:
    queries = Queries("hubwell.spaces")
    assert queries["spaces"].startswith("SELECT id")
    with pytest.raises(KeyError):
        queries["nonsense"]


def test_name_that_stands_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "doubled"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "queries.sql").write_text("-- name: a\nSELECT 1\n\n-- name: a\nSELECT 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="stands twice"):
        Queries("doubled")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_query_is_used_and_every_used_one_exists(package: Path) -> None:
    texts = [file.read_text() for file in package.glob("*.sql")]
    named = {name for text in texts for name in re.findall(r"^-- name: (\w+)", text, re.MULTILINE)}
    used = {
        name for file in package.glob("*.py") for name in re.findall(r'_SQL\["(\w+)"\]', file.read_text())
    }
    assert used <= named
    everywhere = "".join(file.read_text() for file in ROOT.rglob("*.py"))
    assert [name for name in named if not re.search(rf"\b{name}\b", everywhere)] == []
