"""Code with one permitted place: notifications in `storage/notify`, each view in `storage/views`."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from house_rules.tables.schema import schema, split
from house_rules.tree import VIEWS, Finding, Report, Tree, docstrings, parse, report

LANDED = ("0001_", "0002_")
"""Migrations of published releases, which must not change."""
_SIGNAL = re.compile(r"\bpg_notify\b|^\s*(?:LISTEN|UNLISTEN|NOTIFY)\s+(?:[\w*{]|$)", re.MULTILINE)
_VIEW = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:MATERIALIZED\s+)?VIEW\s+(?:IF NOT EXISTS\s+)?(\w+)", re.IGNORECASE
)
_KEEPS_DATA = frozenset(("reading_5m",))
"""A continuous aggregate where the engine has them: a migration creates it, not each upgrade."""
_HANDLERS = frozenset(("notifies", "add_notify_handler"))


def check_notify(tree: Tree) -> Report:
    """Refuse NOTIFY, LISTEN and their handlers outside of `storage/notify`."""
    places = list(_signals(tree))
    sentence = "{} outside of storage/notify: use its channels and its functions."
    wrong = [
        Finding(tree.name(path), line, sentence.format(what))
        for path, line, what in places
        if not (path.parent == tree.server / "storage" and path.name.startswith("notify"))
        and not path.is_relative_to(tree.server / "storage" / "notify")
    ]
    return report(f"{len(places)} statements that notify or listen", wrong)


def _signals(tree: Tree) -> Iterator[tuple[Path, int, str]]:
    for path in tree.server_files("py"):
        for line, text in strings(path):
            if match := _SIGNAL.search(text):
                yield path, line, match[0].split()[0]
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Attribute) and node.attr in _HANDLERS:
                yield path, node.lineno, node.attr
    for path in _sql(tree):
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := _SIGNAL.search(text.split("--")[0]):
                yield path, line, match[0].split()[0]


def check_views(tree: Tree) -> Report:
    """Refuse a view that is created outside of `storage/views`, or twice in it."""
    created = list(_created(tree))
    home = tree.server / VIEWS
    often = Counter(name for path, _, name in created if path.is_relative_to(home))
    wrong = [
        Finding(tree.name(view.path), view.line, f"the view {name} is not in {VIEWS}: define it there.")
        for name, view in schema(tree).views.items()
        if name not in _KEEPS_DATA and name not in often
    ]
    for path, line, name in created:
        if not path.is_relative_to(home) and not (name in _KEEPS_DATA and tree.is_migration(path)):
            sentence = f"the view {name} is created here: define it in {VIEWS}, once for all upgrades."
            wrong.append(Finding(tree.name(path), line, sentence))
        elif often[name] > 1:
            sentence = f"the view {name} is created {often[name]} times: define it once."
            wrong.append(Finding(tree.name(path), line, sentence))
    return report(f"{len(often)} views in {VIEWS}", wrong)


def _created(tree: Tree) -> Iterator[tuple[Path, int, str]]:
    for path in _sql(tree):
        for line, sql in split(path.read_text(encoding="utf-8")):
            if match := _VIEW.match(sql):
                yield path, line, match[1]
    for path in tree.server_files("py"):
        for line, text in strings(path):
            if match := _VIEW.match(text):
                yield path, line, match[1]


def _sql(tree: Tree) -> Iterator[Path]:
    """Return the SQL files without the migrations that have landed."""
    for path in tree.server_files("sql"):
        if not (tree.is_migration(path) and path.name.startswith(LANDED)):
            yield path


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Return the string literals of a module with their lines, without docstrings."""
    module = parse(path)
    skipped = set(docstrings(module))
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield node.lineno, node.value
