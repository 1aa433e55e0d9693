"""Print a first tables.toml from the existing SQL, with guesses for a developer to correct."""

import re
from collections import Counter
from collections.abc import Iterator

from house_rules.tables.owners import Use, find_uses
from house_rules.tables.schema import Schema, schema
from house_rules.tree import Tree

_ABOUT_PEOPLE = re.compile(r"\b(?:person_id|badge|account_id)\b|CREATE TABLE person\b")
_EXEMPT = ("bench",)


def discover(tree: Tree) -> Iterator[str]:
    """Return the lines of the skeleton: the owner is the package that writes most, or else reads most."""
    of = schema(tree)
    first = find_uses(tree, of, {})
    owners = {name: _owner([use for use in first.uses if use.table == name]) for name in of.views}
    uses = [use for use in find_uses(tree, of, owners).uses if use.package not in _EXEMPT]
    for name in sorted(of.tables):
        yield from _table(name, [use for use in uses if use.table == name], of)
    for name in sorted(of.views):
        yield from _common("view", name, [use for use in uses if use.table == name])
        yield ""
    for name in sorted({use.table for use in uses} - of.tables.keys() - of.views.keys()):
        yield from _common("outside", name, [use for use in uses if use.table == name])
        yield 'why = "Created by ..."'
        yield ""
    for package in _EXEMPT:
        yield f"[exempt.{package}]"
        yield 'why = "Works on databases of its own, which are deleted afterwards."'
    for finding in first.unreadable:
        yield f"# {finding}"


def _table(name: str, uses: list[Use], of: Schema) -> Iterator[str]:
    yield from _common("table", name, uses)
    personal = bool(_ABOUT_PEOPLE.search(of.tables[name].text))
    yield f'since = "{of.tables[name].path.name[:4]}"'
    yield 'retention = "kept"'
    yield f'erasure = "{"cascade" if personal else "none"}"'
    yield "backup = true"
    yield f"personal = {str(personal).lower()}"
    if personal:
        yield f'data = "{name.replace("_", "-")}"'
        yield 'activity = ""'
    yield ""


def _common(kind: str, name: str, uses: list[Use]) -> Iterator[str]:
    owner = _owner(uses)
    readers = sorted({use.package for use in uses if not use.writes} - {owner})
    writers = sorted({use.package for use in uses if use.writes} - {owner})
    # A listed writer may read as well.
    reader_list = ", ".join(f'"{reader}"' for reader in readers if reader not in writers)
    yield f"[{kind}.{name}]"
    yield f'owner = "{owner}"'
    yield f"readers = [{reader_list}]"
    if writers:
        yield "writers = ["
        yield from (f'  {{ package = "{writer}", why = "" }},' for writer in writers)
        yield "]"


def _owner(uses: list[Use]) -> str:
    counted = Counter(use.package for use in uses if use.writes) or Counter(use.package for use in uses)
    return min(counted, key=lambda package: (-counted[package], package), default="")
