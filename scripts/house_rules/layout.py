"""Rules for folders, which have a largest size, and for modules, whose names must describe their content."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from house_rules.tree import Finding, Report, Tree, files, report

MOST_FILES = 12
_KINDS = {"py": "modules", "sql": "SQL files", "html": "templates"}
_EXEMPT = frozenset(("locale", "static", "migrations"))
_NOT_COUNTED = ("__init__.py", "__main__.py")
_EMPTY_NAMES = frozenset(("utils", "util", "helpers", "helper", "common", "core", "base", "manager", "misc"))


def check_folders(tree: Tree) -> Report:
    """Refuse folders with more than twelve modules, SQL files or templates."""
    counts = Counter((path.parent, path.suffix[1:]) for path in _counted(tree))
    wrong = [
        Finding(
            tree.name(folder),
            1,
            f"{count} {_KINDS[ending]} in one folder, at most {MOST_FILES}: make a package of some.",
        )
        for (folder, ending), count in counts.items()
        if count > MOST_FILES
    ]
    (fullest, _), most = max(counts.items(), key=lambda item: item[1], default=((tree.server, ""), 0))
    return report(f"{len(counts)} folders, at most {most} files ({tree.name(fullest)})", wrong)


def check_names(tree: Tree) -> Report:
    """Refuse modules and packages with a name that describes nothing, such as `utils`."""
    modules = list(_source(tree, "py"))
    wrong = []
    for path in modules:
        for part in path.relative_to(tree.root).with_suffix("").parts:
            if empty := _EMPTY_NAMES & set(part.split("_")):
                sentence = f"{part}: {min(empty)} is no name; use the noun that the module is about."
                wrong.append(Finding(tree.name(path), 1, sentence))
    return report(f"{len(modules)} modules", wrong)


def _counted(tree: Tree) -> Iterator[Path]:
    for ending in _KINDS:
        for path in _source(tree, ending):
            if path.name not in _NOT_COUNTED and not _EXEMPT & set(path.parts):
                yield path


def _source(tree: Tree, ending: str) -> Iterator[Path]:
    for folder in (tree.server, tree.edge):
        yield from files(folder, ending)
