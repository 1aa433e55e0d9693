"""The table of owners in docs/architecture.md, written from tables.toml."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from house_rules.tree import Finding, Report, Tree, report

PAGE: Final = "docs/architecture.md"
_BEGIN: Final = "<!-- written by scripts/generate-map from tables.toml -->\n"
_END: Final = "<!-- end of what scripts/generate-map writes -->\n"
_BETWEEN: Final = re.compile(f"({re.escape(_BEGIN)}).*?({re.escape(_END)})", re.DOTALL)
_HEAD: Final = (
    "\n| table | owner | read by | stays | when a person is erased | backup |\n|---|---|---|---|---|---|\n"
)


def page(root: Path) -> str:
    """Return the page with the table as it has to be; unchanged where it has no place for one."""
    text = (root / PAGE).read_text(encoding="utf-8")
    return _BETWEEN.sub(lambda match: match[1] + table(Tree(root)) + match[2], text)


def table(tree: Tree) -> str:
    """Return the table as Markdown: tables in the file's order, then views."""
    document = tomllib.loads(_file(tree).read_text(encoding="utf-8"))
    rows = [*_rows(document, "table"), *_rows(document, "view")]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n"


def check(tree: Tree) -> Report:
    """Compare the page with the file."""
    path = tree.root / PAGE
    if not path.exists() or not _file(tree).exists():
        return report("no page", [])
    sentence = "The table of owners is out of date: run scripts/generate-map."
    stale = [Finding(PAGE, 1, sentence)] if page(tree.root) != path.read_text(encoding="utf-8") else []
    return report(f"{table(tree).count(chr(10)) - 4} tables and views", stale)


def _rows(document: dict[str, Any], kind: str) -> Iterator[tuple[str, ...]]:
    for name, entry in document.get(kind, {}).items():
        readers = ", ".join(entry["readers"])
        if kind == "view":
            yield f"`{name}` (view)", entry["owner"], readers, "", "", ""
            continue
        yield (
            f"`{name}`",
            entry["owner"],
            readers,
            entry["retention"],
            _erasure(entry),
            "yes" if entry["backup"] else "no",
        )


def _erasure(entry: dict[str, Any]) -> str:
    if not entry["personal"]:
        return ""
    return "ids stay" if entry["erasure"] == "none" else str(entry["erasure"])


def _file(tree: Tree) -> Path:
    return tree.server / "tables.toml"
