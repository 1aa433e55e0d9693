"""Table owners: the packages that write and read each table, compared with the server's SQL.

`services/hubwell/tables.toml` has one entry per table and view::

    [table.credential]
    owner = "people"                # the package under hubwell whose code writes it
    readers = ["presence"]          # packages whose SQL may read it; the owner always may
    writers = [{ package = "privacy", why = "Erasing a person deletes the credentials." }]
    since = "0002"                  # the migration that created it: older backups do not have it
    retention = "kept"              # a class of data with a term, or "kept"
    erasure = "cascade"             # cascade, delete, anonymise or none
    backup = true                   # whether a backup carries it
    personal = true                 # whether rows are about persons; then also:
    data = "credential"             #   what proofs of deletion call its rows
    activity = "register"           #   the activity in the record of processing
    why = "..."                     #   where erasure is "none": why its rows may stay

    [retention.tap]                 # a class of data with a term: see terms.py
    keep = "3d"

    [view.space_now]                # a view: its owner reads the tables in it
    owner = "spaces"
    readers = ["api", "web"]

    [outside.procrastinate_jobs]    # not created by our migrations; `why` names its origin
    owner = "deliver"
    readers = ["privacy"]
    why = "Created by procrastinate."

    [exempt.bench]                  # a package that works on databases of its own
    why = "Fills scratch databases that are deleted afterwards."
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from house_rules.tables import terms
from house_rules.tables.access import UnreadableSqlError, access
from house_rules.tables.schema import Schema, schema
from house_rules.tables.statements import Statement, server_statements
from house_rules.tree import Finding, Report, Tree, parse, report

ERASURE = ("cascade", "delete", "anonymise", "none")
_COMMON: dict[str, type] = {"owner": str, "readers": list}
_KEYS: dict[str, dict[str, type]] = {
    "table": {**_COMMON, "since": str, "retention": str, "erasure": str, "backup": bool, "personal": bool},
    "view": _COMMON,
    "outside": {**_COMMON, "why": str},
}
_PARTS = (*_KEYS, "retention", "exempt")


@dataclass(frozen=True, slots=True)
class Use:
    """One statement's use of one table."""

    path: Path
    line: int
    package: str
    table: str
    writes: bool


@dataclass(slots=True)
class Uses:
    """All uses of tables by the server's SQL, and the statements that could not be read."""

    uses: list[Use] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """One checked entry of tables.toml."""

    kind: str
    owner: str
    readers: list[str]
    writers: list[str]
    line: int


def path_of(tree: Tree) -> Path:
    """Return where tables.toml is."""
    return tree.server / "tables.toml"


def find_uses(tree: Tree, of: Schema, view_owners: dict[str, str]) -> Uses:
    """Return the uses of tables by packages; a view reads its tables in the name of the view's owner."""
    uses = Uses()
    for statement in server_statements(tree):
        _add(uses, tree, statement)
    for name, view in of.views.items():
        if name in view_owners:
            _add(uses, tree, Statement(view.path, view.line, view_owners[name], name, view.text))
    return uses


def _add(uses: Uses, tree: Tree, statement: Statement) -> None:
    try:
        tables = access(statement.text)
    except UnreadableSqlError as error:
        what = f"the query {statement.name}" if statement.name else "this SQL"
        sentence = (
            f"{what} cannot be parsed ({error}): write it so that sqlglot can, or teach tables/access.py."
        )
        uses.unreadable.append(Finding(tree.name(statement.path), statement.line, sentence))
        return
    for writes, names in ((False, tables.reads), (True, tables.writes)):
        uses.uses.extend(
            Use(statement.path, statement.line, statement.package, name, writes) for name in sorted(names)
        )


def check(tree: Tree) -> Report:
    """Refuse tables without an entry, foreign writes, unlisted reads and SQL that cannot be parsed."""
    path = path_of(tree)
    if not path.exists():
        return report(
            "no tables.toml", [Finding(tree.name(path), 1, "Write it: check-house --discover begins it.")]
        )
    text = path.read_text(encoding="utf-8")
    document = tomllib.loads(text)
    of = schema(tree)
    wrong = [*_without_entry(tree, document, of, text), *_entry_faults(tree, document, text)]
    entries = _entries(document, text)
    views = {name: entry.owner for name, entry in entries.items() if entry.kind == "view"}
    uses = find_uses(tree, of, views)
    exempt = set(document.get("exempt", {}))
    used = [use for use in uses.uses if use.package not in exempt]
    wrong += uses.unreadable
    wrong += _foreign_queries(tree)
    wrong += [finding for use in used if (finding := _use_fault(tree, use, entries))]
    wrong += _stale(tree, entries, used)
    figure = f"{len(of.tables)} tables, {len(of.views)} views, {len(uses.uses)} uses in SQL"
    return report(figure, wrong)


def _entries(document: dict[str, Any], text: str) -> dict[str, Entry]:
    return {
        name: Entry(
            kind,
            str(entry.get("owner", "")),
            list(entry.get("readers", [])),
            [writer.get("package", "") for writer in entry.get("writers", []) if isinstance(writer, dict)],
            _line(text, kind, name),
        )
        for kind in _KEYS
        for name, entry in document.get(kind, {}).items()
    }


def _line(text: str, kind: str, name: str) -> int:
    return next((n for n, line in enumerate(text.splitlines(), 1) if line.startswith(f"[{kind}.{name}]")), 1)


def _without_entry(tree: Tree, document: dict[str, Any], of: Schema, text: str) -> Iterator[Finding]:
    path = tree.name(path_of(tree))
    existing = {"table": of.tables, "view": of.views}
    for kind, created in existing.items():
        for name in created.keys() - document.get(kind, {}).keys():
            place = created[name]
            sentence = f"the {kind} {name} has no entry: add [{kind}.{name}] to {path}."
            yield Finding(tree.name(place.path), place.line, sentence)
        for name in document.get(kind, {}).keys() - created.keys():
            sentence = f"no migration creates the {kind} {name}: take its entry out."
            yield Finding(path, _line(text, kind, name), sentence)


def _entry_faults(tree: Tree, document: dict[str, Any], text: str) -> Iterator[Finding]:
    path = tree.name(path_of(tree))
    packages = tree.packages()
    for kind in _KEYS:
        for name, entry in document.get(kind, {}).items():
            for sentence in _value_faults(kind, entry, packages):
                yield Finding(path, _line(text, kind, name), f"{name}: {sentence}")
    for name in document.keys() - set(_PARTS):
        yield Finding(path, 1, f"{name} is no part of this file: it has {', '.join(_PARTS)}.")
    for kind, name, sentence in terms.faults(tree, document):
        yield Finding(path, _line(text, kind, name), f"{name}: {sentence}")
    for name, entry in document.get("exempt", {}).items():
        if not entry.get("why") or name not in packages:
            sentence = f"exempt.{name}: name a package under hubwell and say why."
            yield Finding(path, _line(text, "exempt", name), sentence)


def _value_faults(kind: str, entry: dict[str, Any], packages: set[str]) -> Iterator[str]:
    required = _KEYS[kind]
    for key, of_type in required.items():
        if not isinstance(entry.get(key), of_type):
            yield f"{key} is missing or no {of_type.__name__}."
    more = {"writers", "why", *(terms.PERSONAL if kind == "table" else ())}
    for key in entry.keys() - required.keys() - more:
        yield f"{key} is no key of a {kind}: it has {', '.join((*required, *sorted(more)))}."
    if kind == "table" and entry.get("erasure") not in ERASURE:
        yield f"erasure is one of {', '.join(ERASURE)}."
    for writer in entry.get("writers", []):
        if not isinstance(writer, dict) or not writer.get("why") or not writer.get("package"):
            yield 'a writer is { package = "...", why = "one sentence" }.'
    named = [entry.get("owner"), *entry.get("readers", [])]
    named += [writer.get("package") for writer in entry.get("writers", []) if isinstance(writer, dict)]
    for package in named:
        if package not in packages:
            yield f"there is no package {package} under hubwell."


def _use_fault(tree: Tree, use: Use, entries: dict[str, Entry]) -> Finding | None:
    entry = entries.get(use.table)
    place = tree.name(use.path), use.line
    if entry is None:
        return Finding(*place, f"uses {use.table}, which has no entry in {tree.name(path_of(tree))}.")
    if use.package == entry.owner or use.package in entry.writers:
        return None
    if use.writes:
        sentence = (
            f"{use.package} writes {use.table}, which {entry.owner} owns: call an action of {entry.owner}, "
            "or list the cascade under writers with its reason."
        )
        return Finding(*place, sentence)
    if use.package not in entry.readers:
        sentence = (
            f"{use.package} reads {use.table}, which {entry.owner} owns: call {entry.owner}, "
            f"or add {use.package} to its readers."
        )
        return Finding(*place, sentence)
    return None


def _foreign_queries(tree: Tree) -> Iterator[Finding]:
    """Find modules that load the named SQL of another package and so use tables in its name."""
    for path in tree.server_files("py"):
        for node in ast.walk(parse(path)):
            match node:
                case ast.Call(func=ast.Name(id="Queries"), args=[ast.Constant(value=str(package)), *_]):
                    owner = package.split(".")[1] if package.startswith("hubwell.") else tree.package(path)
                    if owner != tree.package(path):
                        sentence = (
                            f"loads the SQL of {owner}: call a function of {owner} that runs the query."
                        )
                        yield Finding(tree.name(path), node.lineno, sentence)


def _stale(tree: Tree, entries: dict[str, Entry], used: list[Use]) -> Iterator[Finding]:
    """Find listed readers and writers without such SQL."""
    uses = {(use.table, use.package, use.writes) for use in used}
    path = tree.name(path_of(tree))
    for name, entry in entries.items():
        for reader in entry.readers:
            if (name, reader, False) not in uses:
                yield Finding(path, entry.line, f"{name}: {reader} does not read it: take it out of readers.")
        for writer in entry.writers:
            if (name, writer, True) not in uses:
                yield Finding(
                    path, entry.line, f"{name}: {writer} does not write it: take it out of writers."
                )
