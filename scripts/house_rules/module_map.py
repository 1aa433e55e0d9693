"""The map of modules, docs/modules.md: each package and module with the first sentence of its docstring."""

import ast
from pathlib import Path
from typing import Final

from house_rules.tree import Finding, Report, Tree

MAP: Final = "docs/modules.md"
_PACKAGES: Final = (
    "services/hubwell",
    "edge/hubwell_edge",
    "edge/hubwell_wire",
)
_HEAD: Final = """# Map of modules

What each module is for: the first sentence of its docstring. Written by `scripts/generate-map`;
`scripts/check` fails when it is out of date. Layers and the data's way: [architecture.md](architecture.md).
"""


def module_map(root: Path) -> str:
    """Return the map as Markdown."""
    return _HEAD + "".join(_package(root, root / name) for name in _PACKAGES)


def check(tree: Tree) -> Report:
    """Compare the file with the docstrings."""
    path = tree.root / MAP
    written = path.read_text("utf-8") if path.exists() else ""
    current = module_map(tree.root)
    stale = (
        () if written == current else (Finding(MAP, 1, "The map is out of date: run scripts/generate-map."),)
    )
    return Report(f"{current.count('| `')} modules", stale)


def _package(root: Path, folder: Path) -> str:
    name = ".".join(folder.relative_to(root).parts[1:])
    lines = [f"\n## {name}\n\n{_sentence(folder / '__init__.py')}\n\n| module | for |\n|---|---|\n"]
    modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    lines += [f"| `{path.stem}` | {_sentence(path)} |\n" for path in modules]
    if not modules:
        lines[0] = lines[0].split("\n\n| module")[0] + "\n"
    packages = sorted(path.parent for path in folder.glob("*/__init__.py"))
    return "".join(lines) + "".join(_package(root, package) for package in packages)


def _sentence(path: Path) -> str:
    """Return the first paragraph's first sentence, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    line = " ".join(text.split("\n\n")[0].split())
    sentence, dot, _ = line.partition(". ")
    return (sentence + dot.strip()).replace("|", "\\|")
