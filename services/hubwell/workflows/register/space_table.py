"""The register of spaces as a table (CSV): write it, and plan what importing one would change.

What was exported changes nothing when it is imported again, from a spreadsheet of any language too. A column
that is left out stays as it is, and so does a space without a line.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

from hubwell.errors import DomainError, ErrorKind
from hubwell.http.spreadsheet import as_written, to_csv
from hubwell.spaces import errors, rules
from hubwell.spaces.register import Registered, differences, name_refusal
from hubwell.spaces.rules import SpaceInput, SpaceSettings
from hubwell.vocabulary import LANGUAGES, LARGEST_CAPACITY, SpaceFeature

LARGEST_KB: Final = 256
MOST_ROWS: Final = 1000
_FEATURES: Final = {feature.replace("-", "_"): feature for feature in SpaceFeature}
_NAMES: Final = {f"name_{language}": language for language in LANGUAGES}
_TEXTS: Final = ("name", "kind", "capacity", "zone", "opens_at", "closes_at", "when_full", "equipment")
COLUMNS: Final = ("id", *_TEXTS[:-1], "personal", *_FEATURES, "equipment", "position", *_NAMES)
"""Every column, in the order of an export."""
_YES: Final = frozenset(("yes", "true", "1", "x"))
_NO: Final = frozenset(("no", "false", "0", ""))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a table: the line, counted from 1, the column and the value where there are any."""

    line: int
    column: str
    value: str
    error: DomainError


@dataclass(frozen=True, slots=True)
class Change:
    """A space that an import adds or changes; `before` is None for a new one."""

    line: int
    space_id: str
    settings: SpaceSettings
    position: int | None
    before: Registered | None
    fields: tuple[str, ...]
    """The settings that differ."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What importing a table changes; with problems, nothing is imported."""

    changes: tuple[Change, ...]
    unchanged: int
    problems: tuple[Problem, ...]

    @property
    def added(self) -> list[Change]:
        """The spaces that are new."""
        return [change for change in self.changes if change.before is None]

    @property
    def fingerprint(self) -> str:
        """A word that differs where anything else would be changed, or from something else."""
        return sha256(repr(self.changes).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: Mapping[str, str]


def export_spaces(spaces: Iterable[Registered], *, language: str | None = None) -> bytes:
    """Return the spaces in use as a table for spreadsheets in `language`; without one, for programs."""
    rows = [_cells(space) for space in spaces if space.archived_at is None]
    return to_csv(COLUMNS, rows, language=language, zone=ZoneInfo("UTC"))


def plan_import(table: bytes, registered: Sequence[Registered]) -> ImportPlan:
    """Return what importing a table would change in these spaces, and everything that is wrong in it."""
    try:
        rows = _rows(table)
    except _TableError as error:
        return ImportPlan((), 0, (error.problem,))
    problems: list[Problem] = []
    changes: list[Change] = []
    unchanged = 0
    by_id = {space.id: space for space in registered}
    taken = set(by_id) | {row.cells.get("id", "") for row in rows}
    lines: dict[str, int] = {}
    for row in rows:
        change, wrong = _change(row, by_id, taken, lines)
        problems += wrong
        if change is None:
            continue
        taken.add(change.space_id)
        if change.before is not None and not change.fields:
            unchanged += 1
        else:
            changes.append(change)
    problems += _names_twice(changes, registered)
    return ImportPlan(tuple(changes), unchanged, tuple(sorted(problems, key=lambda item: item.line)))


class _TableError(Exception):
    """The table as a whole cannot be read."""

    def __init__(self, kind: ErrorKind, line: int = 1, column: str = "", /, **params: object) -> None:
        super().__init__(kind.code)
        self.problem = Problem(line, column, str(params.get("value", "")), DomainError(kind, **params))


def _rows(table: bytes) -> list[_Row]:
    if len(table) > LARGEST_KB * 1024:
        raise _TableError(errors.TABLE_TOO_LARGE, most=LARGEST_KB, rows=MOST_ROWS)
    try:
        text = table.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _TableError(errors.TABLE_NOT_TEXT, table[: error.start].count(b"\n") + 1) from None
    if "\0" in text:
        raise _TableError(errors.TABLE_NOT_TEXT)
    records = list(_records(text))
    if not records:
        raise _TableError(errors.TABLE_EMPTY)
    (first, header), *rest = records
    columns = _columns(first, header)
    if len(rest) > MOST_ROWS:
        raise _TableError(errors.TABLE_TOO_LARGE, rest[MOST_ROWS][0], most=LARGEST_KB, rows=MOST_ROWS)
    for line, cells in rest:
        if any(cells[len(columns) :]):
            raise _TableError(errors.ROW_TOO_LONG, line)
    return [_Row(line, dict(zip(columns, map(as_written, cells), strict=False))) for line, cells in rest]


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, with the number of its first line."""
    head = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        raise _TableError(errors.TABLE_QUOTES_WRONG, line) from None


def _columns(line: int, header: Sequence[str]) -> list[str]:
    columns = [name.strip().lower() for name in header]
    while columns and not columns[-1]:
        columns.pop()
    for name in columns:
        if name not in COLUMNS:
            raise _TableError(errors.COLUMN_UNKNOWN, line, name, value=name, columns=", ".join(COLUMNS))
        if columns.count(name) > 1:
            raise _TableError(errors.COLUMN_TWICE, line, name, value=name)
    if not {"id", "name"} & set(columns):
        raise _TableError(errors.COLUMN_MISSING, line)
    return columns


def _change(
    row: _Row, by_id: Mapping[str, Registered], taken: set[str], lines: dict[str, int]
) -> tuple[Change | None, list[Problem]]:
    """Return what a row changes, or everything that is wrong in it; `lines` are those of the ids so far."""
    wrong: list[DomainError] = []
    space_id = row.cells.get("id", "").strip() or rules.id_for(row.cells.get("name", ""), taken)
    before = by_id.get(space_id)
    wrong += filter(None, (rules.id_refusal(space_id),))
    if space_id in lines:
        wrong.append(DomainError(errors.ID_TWICE, line=lines[space_id]))
    lines.setdefault(space_id, row.line)
    if before is not None and before.archived_at is not None:
        wrong.append(DomainError(errors.SPACE_IS_ARCHIVED))
    given, flags = _given(row, before)
    position, refusal = _position(row, before)
    settings, refused = rules.read(given)
    wrong += [*refused, *filter(None, (refusal,))]
    problems = [*flags, *(_problem(row, error) for error in wrong)]
    if settings is None or problems:
        return None, problems
    fields = () if before is None else differences(before.settings, settings)
    if before is not None and position != before.position:
        fields = (*fields, "position")
    return Change(row.line, space_id, settings, position, before, fields), []


def _given(row: _Row, before: Registered | None) -> tuple[SpaceInput, list[Problem]]:
    """Return what a row enters, over what is there before, and its cells that are neither yes nor no."""
    given = SpaceInput() if before is None else before.settings.as_input()
    texts: dict[str, Any] = {name: row.cells[name] for name in _TEXTS if name in row.cells}
    given = replace(given, **texts)
    flags: dict[str, bool] = {}
    problems = []
    for column in ("personal", *_FEATURES):
        value = row.cells.get(column)
        if value is None:
            continue
        if (word := value.strip().lower()) not in _YES | _NO:
            error = DomainError(errors.FLAG_UNREADABLE, value=value)
            problems.append(Problem(row.line, column, value, error))
        flags[column] = word in _YES
    features = dict.fromkeys(given.features, True)
    features |= {_FEATURES[column]: on for column, on in flags.items() if column in _FEATURES}
    names = dict(given.names) | {key: row.cells[name] for name, key in _NAMES.items() if name in row.cells}
    given = replace(given, features=[key for key, on in features.items() if on], names=names)
    return replace(given, personal=flags.get("personal", given.personal)), problems


def _position(row: _Row, before: Registered | None) -> tuple[int | None, DomainError | None]:
    if "position" not in row.cells:
        return None if before is None else before.position, None
    text = row.cells["position"].strip()
    if not text:
        return None, None
    if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_CAPACITY)):
        number = int(text)
        if 1 <= number <= LARGEST_CAPACITY:
            return number, None
    return None, DomainError(errors.POSITION_UNREADABLE, value=text, most=LARGEST_CAPACITY)


def _names_twice(changes: Iterable[Change], registered: Iterable[Registered]) -> Iterator[Problem]:
    """Yield a problem for each changed space whose name another one would have too."""
    changed = {change.space_id: change for change in changes}
    names = [
        (space.id, space.settings.name)
        for space in registered
        if space.archived_at is None and space.id not in changed
    ]
    for change in changed.values():
        if refusal := name_refusal(change.settings.name, change.space_id, names):
            yield Problem(change.line, "name", change.settings.name, refusal)
        names.append((change.space_id, change.settings.name))


def _problem(row: _Row, error: DomainError) -> Problem:
    column = error.field if error.field in COLUMNS else ""
    return Problem(row.line, column, str(error.params.get("value", row.cells.get(column, ""))), error)


def _cells(space: Registered) -> list[str]:
    given = space.settings.as_input()
    values: dict[str, str] = {name: getattr(given, name) for name in _TEXTS}
    values |= {"id": space.id, "personal": _flag(on=given.personal)}
    values |= {column: _flag(on=feature in given.features) for column, feature in _FEATURES.items()}
    values |= {column: given.names.get(language, "") for column, language in _NAMES.items()}
    values["equipment"] = "; ".join(space.settings.equipment)
    values["position"] = "" if space.position is None else str(space.position)
    return [values[column] for column in COLUMNS]


def _flag(*, on: bool) -> str:
    return "yes" if on else "no"
