"""The generated files: what Grafana will read, and what a person will be told."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hubwell.commands.dashboards import app
from hubwell.dashboards.files import dashboards
from hubwell.dashboards.grafana import COLUMNS, Colour

FOLDER = Path(__file__).resolve().parents[3] / "dashboards"
PANELS: list[dict[str, Any]] = [
    panel for dashboard in dashboards().values() for panel in dashboard.json()["panels"]
]


def test_files_are_what_the_code_makes(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["write", str(tmp_path)])
    assert result.exit_code == 0, result.output
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert made == kept, "run `hubwell dashboards write`"


def test_identity_is_pinned() -> None:
    dashboard = json.loads((FOLDER / "hub-now.json").read_text())
    assert dashboard["uid"] == "hubwell-hub-now"
    assert dashboard["schemaVersion"] == 41
    assert "id" not in dashboard  # Grafana's own number; a file that names one overwrites a stranger
    assert [panel["id"] for panel in dashboard["panels"]] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_says_source_unit_and_what_no_data_means(panel: dict[str, Any]) -> None:
    for heading in ("**Source:** ", "**Unit:** ", "**No data:** "):
        assert heading in panel["description"]
    assert panel["datasource"]["uid"] == "hubwell"


def test_panels_do_not_overlap() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not mine & cells
        cells |= mine


def mapped_words() -> list[tuple[str, dict[str, str]]]:
    return [
        (value, word)
        for panel in PANELS
        for override in panel["fieldConfig"]["overrides"]
        for item in override["properties"]
        if item["id"] == "mappings"
        for mapping in item["value"]
        for value, word in mapping["options"].items()
    ]


@pytest.mark.parametrize(
    ("value", "word"), mapped_words(), ids=lambda item: item if isinstance(item, str) else ""
)
def test_state_is_a_shape_and_a_word_and_unknown_is_never_green(value: str, word: dict[str, str]) -> None:
    assert any(character.isalpha() for character in word["text"])
    assert word["color"] in set(Colour)
    if value in {"unknown", "never"}:
        assert word["color"] == Colour.GREY


def test_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["write", str(tmp_path / "file")])
    assert result.exit_code == 1
    assert "cannot write" in result.output
