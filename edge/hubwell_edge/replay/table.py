"""The table in a recorded file: its encoding, its delimiter, its header line and its rows.

The map names the columns, so the header is the first line that has them all: lines before it are a preamble,
and of several delimiters and code pages that one is right which makes the names appear. Statistics over the
letters (as in charset-normalizer) would be a guess: recordings are digits, with letters in the header alone.
"""

import codecs
import csv
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Final, Self

from hubwell_edge.replay.layout import ReplayMap
from hubwell_edge.sources.observation import SourceError

_BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CODE_PAGES: Final = ("cp1252", "cp1257", "cp1250", "mac-roman")
"""Code pages of spreadsheets in the languages of Hubwell; cp1257 is that of Estonia and Latvia."""
_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD_BYTES: Final = 64 * 1024
_HEAD_ROWS: Final = 60
"""The header is looked for in these rows."""
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Row:
    """A data row: its number from 1, its first line in the file, its text by column, or what is wrong."""

    number: int
    line: int
    raw: tuple[str, ...]
    fields: dict[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose header was found. `header_row` is the number of the header among the rows, from 0."""

    path: Path
    encoding: str
    delimiter: str
    header_row: int
    names: tuple[str, ...]
    row_names: int
    mapped: frozenset[str]
    """The columns that the map names."""

    def rows(self) -> Iterator[Row]:
        """Yield the data rows; blank lines are none. Raises SourceError if the file cannot be read."""
        number = 0
        with closing(_open(self.path, self.encoding)) as file:
            for line, fields in islice(self._records(file), self.header_row + 1, None):
                if any(field.strip() for field in fields):
                    number += 1
                    yield self._row(number, line, fields)

    def _records(self, file: TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
        """Yield the first line and the fields of each record, header and preamble included.

        A quotation mark that is not closed would take the lines up to the next one into its field.
        """
        lines = _LastLine(file)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        while True:
            first = reader.line_num + 1
            try:
                yield first, next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if reader.line_num != first or "field larger" in str(error):
                    raise self._unclosed(first, reader.line_num) from error
                # Marks inside a field that are not doubled: no other line is part of it.
                yield first, next(csv.reader([lines.text], delimiter=self.delimiter))
            except UnicodeError as error:
                raise SourceError(f"{self.path} line {first}: {error}") from error

    def _unclosed(self, first: int, last: int) -> SourceError:
        return SourceError(
            f"{self.path} line {first}: a quotation mark is not closed where its field ends, so that the "
            f"lines up to {last} would be part of it; correct the file"
        )

    def _row(self, number: int, line: int, fields: list[str]) -> Row:
        width = len(self.names) + self.row_names
        raw = tuple(fields)
        if len(fields) < width or any(field.strip() for field in fields[width:]):
            return Row(number, line, raw, {}, f"it has {len(fields)} fields instead of {width}")
        values = dict(zip(self.names, fields[self.row_names : width], strict=True))
        for name in self.mapped:
            if "\n" in values[name].strip() or "\r" in values[name].strip():
                raise self._unclosed(line, line + "".join(raw).count("\n"))
        return Row(number, line, raw, values)


class _LastLine:
    """The lines of a file; `text` is the one that was read last."""

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self.text = ""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        self.text = next(self._file)
        return self.text


def open_table(path: Path, layout: ReplayMap) -> Table:
    """Find encoding, delimiter and header of a file. Raises SourceError with a sentence."""
    head = _head(path)
    best: tuple[int, list[str]] = (-1, [])
    for encoding in _encodings(path, head, layout):
        for delimiter in _delimiters(head, encoding, layout):
            for place, fields in enumerate(_first_rows(path, encoding, delimiter)):
                names = [_normal(name) for name in fields]
                found = sum(name in names for name in map(_normal, layout.column_names))
                if found == len(layout.column_names):
                    return _table(path, layout, encoding, delimiter, place, fields)
                best = max(best, (found, names), key=lambda pair: pair[0])
    raise SourceError(_no_header(path, layout, best[1]))


def _table(
    path: Path, layout: ReplayMap, encoding: str, delimiter: str, place: int, fields: list[str]
) -> Table:
    wanted = {_normal(name): name for name in layout.column_names}
    names = [wanted.get(_normal(field), field) for field in fields]
    while names and not names[-1].strip():  # a delimiter at the end of each line
        names.pop()
    for name in layout.column_names:
        if names.count(name) > 1:
            raise SourceError(f"{path} has several columns {name!r}: rename them, so that the map can choose")
    mapped = frozenset(layout.column_names)
    return Table(path, encoding, delimiter, place, tuple(names), layout.row_names, mapped)


def _no_header(path: Path, layout: ReplayMap, nearest: list[str]) -> str:
    missing = [name for name in layout.column_names if _normal(name) not in nearest]
    shown = ", ".join(nearest[:50])
    return f"{path} has no column {missing[0]!r}; it has: {shown}"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    if not head.strip():
        raise SourceError(f"{path} is empty")
    if head.startswith(_ZIP):
        raise SourceError(
            f"{path} is a workbook or an archive, not text: save the table as CSV and replay that"
        )
    return head


def _encodings(path: Path, head: bytes, layout: ReplayMap) -> tuple[str, ...]:
    if layout.encoding is not None:
        return (layout.encoding,)
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            return (encoding,)
    if head[1:200:2].count(0) > len(head[1:200:2]) // 2:
        return ("utf-16-le",)
    return ("utf-8",) if _is_utf8(path) else _CODE_PAGES


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiters(head: bytes, encoding: str, layout: ReplayMap) -> tuple[str, ...]:
    if layout.delimiter is not None:
        return (layout.delimiter,)
    first = head.decode(encoding, "replace").lstrip("\ufeff").partition("\n")[0].strip(' \r"')
    stated = first.removeprefix("sep=")
    return (stated,) if first.startswith("sep=") and len(stated) == 1 else _DELIMITERS


def _first_rows(path: Path, encoding: str, delimiter: str) -> list[list[str]]:
    with closing(_open(path, encoding)) as file:
        try:
            lines = StringIO(file.read(_HEAD_BYTES), newline="")
            return list(islice(csv.reader(lines, delimiter=delimiter), _HEAD_ROWS))
        except (csv.Error, UnicodeError):
            return []


def _open(path: Path, encoding: str) -> TextIOWrapper:
    try:
        return path.open(encoding=encoding, newline="")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip().lstrip("\ufeff"))
