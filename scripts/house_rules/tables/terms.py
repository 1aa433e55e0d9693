"""Retention and erasure in tables.toml, compared with the SQL of the owners.

`retention.sql` of a package has a query for each class of data in its tables, `erasure.sql` one for each of
its tables whose rows the erasure of a person has to reach. The server would notice a missing query only when
it deletes.
"""

from collections.abc import Iterator
from typing import Any

from house_rules.tables.statements import sql_file
from house_rules.tree import Tree

KEPT = "kept"
PERSONAL = ("data", "activity")
_CLASS = ("keep", "least", "most", "counted_from", "each_minute")
Fault = tuple[str, str, str]
"""Kind and name of an entry, and what is wrong with it."""


def faults(tree: Tree, document: dict[str, Any]) -> Iterator[Fault]:
    """Find incomplete entries of classes of data and of personal tables."""
    tables = {name: entry for name, entry in document.get("table", {}).items() if isinstance(entry, dict)}
    classes = document.get("retention", {})
    for name, entry in classes.items():
        owners = {table.get("owner") for table in tables.values() if table.get("retention") == name}
        for sentence in _class_faults(tree, name, entry, owners):
            yield "retention", name, sentence
    for name, entry in tables.items():
        for sentence in _table_faults(tree, name, entry, {KEPT, *classes}):
            yield "table", name, sentence


def _class_faults(tree: Tree, name: str, entry: dict[str, Any], owners: set[str | None]) -> Iterator[str]:
    for key in entry.keys() - set(_CLASS):
        yield f"{key} is no key of a class of data: it has {', '.join(_CLASS)}."
    if len(owners) != 1:
        yield "the tables of a class of data have one owner, who has the SQL."
    for owner in owners:
        if owner and len(owners) == 1 and name.replace("-", "_") not in _queries(tree, owner, "retention"):
            yield f"{owner}/retention.sql has no query for it."


def _table_faults(tree: Tree, name: str, entry: dict[str, Any], classes: set[str]) -> Iterator[str]:
    if entry.get("retention") not in classes:
        yield f"there is no class of data {entry.get('retention')!r}: add it under retention, or write kept."
    if not entry.get("personal"):
        for key in PERSONAL:
            if key in entry:
                yield f"{key} is for tables whose rows are about persons."
        return
    for key in PERSONAL:
        if not entry.get(key):
            yield f"{key} is missing: its rows are about persons."
    erasure, queries = entry.get("erasure"), _queries(tree, str(entry.get("owner")), "erasure")
    if erasure == "none" and not entry.get("why"):
        yield "say why its rows may stay when a person is erased."
    if erasure != "none" and name not in queries:
        yield f"{entry.get('owner')}/erasure.sql has no query for the rows of a person in it."
    if erasure == "anonymise" and f"anonymise_{name}" not in queries:
        yield f"{entry.get('owner')}/erasure.sql has no query anonymise_{name}."


def _queries(tree: Tree, owner: str, file: str) -> set[str]:
    path = tree.server / owner / f"{file}.sql"
    return {query.name for query in sql_file(path, owner)} if path.is_file() else set()
