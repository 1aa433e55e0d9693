"""The table of owners in the documentation follows tables.toml."""

from pathlib import Path

from house.small_tree import lines, server_tree
from house.test_owners import GOOD
from house_rules.tables import owner_table

PAGE = f"# Architecture\n\n{owner_table._BEGIN}old\n{owner_table._END}\nMore.\n"


def test_page_out_of_date_is_reported_until_it_is_written_again(tmp_path: Path) -> None:
    tree = server_tree(tmp_path, GOOD)
    page = tree.root / owner_table.PAGE
    page.parent.mkdir()
    page.write_text(PAGE, encoding="utf-8")
    assert lines(owner_table.check(tree)) == [
        "docs/architecture.md:1: The table of owners is out of date: run scripts/generate-map."
    ]

    page.write_text(owner_table.page(tree.root), encoding="utf-8")

    assert lines(owner_table.check(tree)) == []
    text = page.read_text(encoding="utf-8")
    assert "| `visit` | presence | people | visit | cascade | yes |\n" in text
    assert "| `present` (view) | spaces | web |  |  |  |\n" in text
    assert text.endswith("More.\n")
