"""Read which tables and views exist from the migrations and from `storage/views`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlglot import tokenize

from house_rules.tree import MIGRATIONS, VIEWS, Tree, files

_CREATE_TABLE = re.compile(r"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF NOT EXISTS\s+)?(\w+)", re.IGNORECASE)
_DROP = re.compile(r"DROP\s+(TABLE|(?:MATERIALIZED\s+)?VIEW)\s+(?:IF EXISTS\s+)?([\w\s,]+)", re.IGNORECASE)
_RENAME = re.compile(
    r"ALTER\s+(TABLE|(?:MATERIALIZED\s+)?VIEW)\s+(?:IF EXISTS\s+)?(\w+)\s+RENAME\s+TO\s+(\w+)", re.IGNORECASE
)
_CREATE_VIEW = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:MATERIALIZED\s+)?VIEW\s+(?:IF NOT EXISTS\s+)?(\w+)(.*?)\bAS\b\s+"
    r"(?=SELECT|WITH|\()(.*)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Created:
    """A CREATE TABLE or CREATE VIEW: its place and its text (for a view, its query)."""

    path: Path
    line: int
    text: str


@dataclass(slots=True)
class Schema:
    """Tables and views by name, as the newest migration leaves them."""

    tables: dict[str, Created] = field(default_factory=dict)
    views: dict[str, Created] = field(default_factory=dict)

    def apply(self, path: Path, line: int, sql: str) -> None:
        """Follow one statement; those that concern neither tables nor views change nothing."""
        if match := _CREATE_TABLE.match(sql):
            self.tables[match[1]] = Created(path, line, sql)
        elif match := _CREATE_VIEW.match(sql):
            self.views[match[1]] = Created(path, line, _query(match[3]))
        elif match := _DROP.match(sql):
            for name in re.split(r"[\s,]+", match[2]):
                self._of(match[1]).pop(name, None)
        elif (match := _RENAME.match(sql)) and match[2] in self._of(match[1]):
            of = self._of(match[1])
            of[match[3]] = of.pop(match[2])

    def _of(self, kind: str) -> dict[str, Created]:
        return self.tables if kind.upper() == "TABLE" else self.views


def _query(text: str) -> str:
    """Return a view's query without the clause that only its creation knows."""
    return re.sub(r"\s+WITH\s+(?:NO\s+)?DATA\s*$", "", text, flags=re.IGNORECASE)


def schema(tree: Tree) -> Schema:
    """Return the tables and views that the migrations and then the files of views create."""
    result = Schema()
    for folder in (MIGRATIONS, VIEWS):
        for path in files(tree.server / folder, "sql"):
            for line, sql in split(path.read_text(encoding="utf-8")):
                result.apply(path, line, sql)
    return result


def split(text: str) -> Iterator[tuple[int, str]]:
    """Return each statement of a text with its line; semicolons in strings and bodies do not end one."""
    start: int | None = None
    end = 0
    for token in tokenize(text, read="postgres"):
        if text[token.start] == ";":
            if start is not None:
                yield text.count("\n", 0, start) + 1, text[start:end]
            start = None
            continue
        start = token.start if start is None else start
        end = token.end + 1
    if start is not None:
        yield text.count("\n", 0, start) + 1, text[start:end]
