"""Work out which tables a statement reads and which it writes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp, tokenize
from sqlglot import parse as parse_sql
from sqlglot.errors import SqlglotError

from house_rules.tables.statements import UNKNOWN_NAME, plain

_COPY_COLUMNS = re.compile(r"COPY\s+(\w+)\s*(?:\([^)]*\))?\s+(FROM|TO)\b")
_COPY_QUERY = re.compile(r"COPY\s*\((.*)\)\s*TO\b", re.DOTALL)
_LOCK = re.compile(
    r"LOCK\s+(?:TABLE\s+)?(?:ONLY\s+)?([\w\s,]+?)(?:\s+IN\s+[A-Z ]+\s+MODE)?(?:\s+NOWAIT)?\s*;?\s*$"
)
_SIGNAL = re.compile(r"(?:LISTEN|UNLISTEN|NOTIFY)\s+[\w*]+[^;]*;?\s*$")
_KNOWN = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)
_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_SYSTEM = re.compile(r"pg_|information_schema$")


class UnreadableSqlError(ValueError):
    """A statement cannot be parsed, so its tables are unknown."""


@dataclass(frozen=True, slots=True)
class Access:
    """The tables and views that a statement reads and writes."""

    reads: frozenset[str]
    writes: frozenset[str]


def access(text: str) -> Access:
    """Return the tables of a text of one or more statements. Raises UnreadableSqlError."""
    sql = _without_comments(plain(text))
    if access := _copy(sql) or _lock(sql):
        return access
    if _SIGNAL.match(sql):
        return Access(frozenset(), frozenset())
    # A query that begins with FROM is the tail of a DELETE and of a count over the same rows.
    return _parsed(f"DELETE {sql}" if sql.upper().startswith("FROM ") else sql)


def _parsed(sql: str) -> Access:
    reads: set[str] = set()
    writes: set[str] = set()
    for statement in _statements(sql):
        targets = list(_targets(statement))
        writes.update(table.name for table in targets)
        reads.update(table.name for table in statement.find_all(exp.Table) if _is_read(table, targets))
    return Access(_named(reads), _named(writes))


def _statements(sql: str) -> Iterator[exp.Expr]:
    try:
        parsed = parse_sql(sql, dialect="postgres")
    except SqlglotError as error:
        raise UnreadableSqlError(str(error).splitlines()[0]) from error
    for statement in parsed:
        if statement is None:
            continue
        if not isinstance(statement, _KNOWN) or statement.find(exp.Command):
            raise UnreadableSqlError(f"it is read as {type(statement).__name__}")
        yield statement


def _targets(statement: exp.Expr) -> Iterator[exp.Table]:
    """Return the tables that a statement, or a part of it under WITH, writes."""
    for write in statement.find_all(*_WRITES):
        target = write.this.this if isinstance(write.this, exp.Schema) else write.this
        if isinstance(target, exp.Table):
            yield target
    for truncated in statement.find_all(exp.TruncateTable):
        yield from truncated.find_all(exp.Table)


def _is_read(table: exp.Table, targets: list[exp.Table]) -> bool:
    if any(table is target for target in targets) or not isinstance(table.this, exp.Identifier):
        return False
    if table.find_ancestor(exp.Lock):  # FOR UPDATE OF names what the query reads anyway
        return False
    return not _is_from_with(table)


def _is_from_with(table: exp.Table) -> bool:
    """Return whether the name is that of a WITH query that can be seen from here."""
    inner: exp.Expr = table
    while (outer := inner.parent) is not None:
        clause = outer.args.get("with_")
        if isinstance(clause, exp.With) and inner is not clause:
            visible = clause.expressions
        elif isinstance(outer, exp.With):
            # Inside of a WITH query only those before it can be seen, unless it is recursive.
            at = next(n for n, query in enumerate(outer.expressions) if query is inner)
            visible = outer.expressions if outer.recursive else outer.expressions[:at]
        else:
            visible = []
        if any(query.alias == table.name for query in visible):
            return True
        inner = outer
    return False


def _copy(sql: str) -> Access | None:
    if match := _COPY_QUERY.match(sql):
        return access(match[1])
    if match := _COPY_COLUMNS.match(sql):
        table = _named({match[1]})
        return Access(frozenset(), table) if match[2] == "FROM" else Access(table, frozenset())
    return None


def _lock(sql: str) -> Access | None:
    if match := _LOCK.match(sql):
        return Access(frozenset(), _named({name.strip() for name in match[1].split(",")}))
    return None


def _named(tables: set[str]) -> frozenset[str]:
    return frozenset(name for name in tables if name != UNKNOWN_NAME and not _SYSTEM.match(name))


def _without_comments(sql: str) -> str:
    """Return the text from its first token on; comments between later tokens do no harm."""
    try:
        tokens = tokenize(sql, read="postgres")
    except SqlglotError as error:
        raise UnreadableSqlError(str(error).splitlines()[0]) from error
    if not tokens:
        raise UnreadableSqlError("it is empty")
    return sql[tokens[0].start :].strip()
