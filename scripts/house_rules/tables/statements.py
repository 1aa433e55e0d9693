"""Find the SQL in the server's code: named queries in `.sql` files and SQL strings in modules."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from house_rules.tree import Tree, docstrings, parse

_MARKER = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"%\(\w+\)[sbt]|%[sbt]")
_GRAFANA = re.compile(r"\$__(\w+)\(")
_FORMAT = re.compile(r"\{\w*\}")
_HEADS = "SELECT|INSERT|UPDATE|DELETE|COPY|LOCK|TRUNCATE|MERGE|LISTEN|UNLISTEN|NOTIFY"
_IS_SQL = re.compile(rf"\s*(?:(?:{_HEADS})\s+\S|WITH\s+(?:RECURSIVE\s+)?\w+\s+AS\s)")

UNKNOWN_NAME = "name_from_code"
"""What stands for a part of a statement that code fills in: no table has this name."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with the place it was found and the package it belongs to."""

    path: Path
    line: int
    package: str
    name: str
    text: str


def server_statements(tree: Tree) -> Iterator[Statement]:
    """Return all SQL of the server outside migrations and views."""
    for path in tree.server_files("sql"):
        if not tree.is_migration(path) and path.parent.name != "views":
            yield from sql_file(path, tree.package(path))
    for path in tree.server_files("py"):
        if not tree.is_migration(path):
            yield from sql_strings(path, tree.package(path))


def sql_file(path: Path, package: str) -> Iterator[Statement]:
    """Return the named queries of a file; a file without markers is one statement with the file's name."""
    text = path.read_text(encoding="utf-8")
    markers = list(_MARKER.finditer(text))
    if not markers:
        yield Statement(path, 1, package, path.stem, text)
    ends = [marker.start() for marker in markers[1:]] + [len(text)]
    for marker, end in zip(markers, ends, strict=True) if markers else ():
        line = text.count("\n", 0, marker.start()) + 1
        yield Statement(path, line, package, marker[1], text[marker.end() : end])


def sql_strings(path: Path, package: str) -> Iterator[Statement]:
    """Return a module's strings that begin like SQL, with placeholders for computed parts."""
    module = parse(path)
    skipped: set[ast.AST] = set(docstrings(module))
    for node in ast.walk(module):
        if node in skipped:
            continue
        text = _text(node)
        if text is not None and isinstance(node, ast.JoinedStr | ast.BinOp):
            skipped.update(ast.walk(node))
        if text is not None and _IS_SQL.match(text) and isinstance(node, ast.expr):
            yield Statement(path, node.lineno, package, "", _FORMAT.sub(UNKNOWN_NAME, text))


def _text(node: ast.AST) -> str | None:
    """Return the text of a string, an f-string or a sum of strings; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or UNKNOWN_NAME for value in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = _text(left), _text(right)
            return None if parts == (None, None) else "".join(part or UNKNOWN_NAME for part in parts)
        case _:
            return None


def plain(text: str) -> str:
    """Return SQL without what psycopg, `str.format` and Grafana replace before it runs."""
    text = _PLACEHOLDER.sub("$1", text).replace("%%", "%")
    return _FORMAT.sub("0", _GRAFANA.sub(r"macro_\1(", text))
