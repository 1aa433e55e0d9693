"""The map of modules follows the docstrings."""

from pathlib import Path

from house.small_tree import lines, tree
from house_rules import module_map

SOURCES = {
    "services/hubwell/__init__.py": '"""The server. It has more to it."""\n',
    "services/hubwell/air/__init__.py": '"""Indoor air."""\n',
    "services/hubwell/air/rules.py": '"""Evaluate a rule | with the\ntime passed in. More."""\n',
    "edge/hubwell_edge/__init__.py": '"""The agent."""\n',
    "edge/hubwell_wire/__init__.py": '"""The contract."""\n',
}


def test_map_has_each_package_and_module_with_its_first_sentence(tmp_path: Path) -> None:
    text = module_map.module_map(tree(tmp_path, SOURCES).root)
    assert "## hubwell\n\nThe server.\n" in text
    assert "## hubwell.air\n\nIndoor air.\n\n| module | for |" in text
    assert "| `rules` | Evaluate a rule \\| with the time passed in. |\n" in text


def test_map_out_of_date_is_reported_until_it_is_written_again(tmp_path: Path) -> None:
    small = tree(tmp_path, SOURCES)
    assert lines(module_map.check(small)) == [
        "docs/modules.md:1: The map is out of date: run scripts/generate-map."
    ]
    tree(tmp_path, {module_map.MAP: module_map.module_map(tmp_path)})
    assert lines(module_map.check(small)) == []
