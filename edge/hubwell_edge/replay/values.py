"""Values of recorded files: numbers as programs and spreadsheets of several languages write them.

Which sign separates decimals is decided for the whole file: ``1,234`` alone does not show it.
"""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal

from hubwell_edge.replay.layout import ReplayMap, ValueColumn
from hubwell_edge.sources.observation import SourceError
from hubwell_wire.plausible import value_problem

Decimal = Literal[".", ","]

_SWITCH: Final = {
    **dict.fromkeys(("on", "true", "yes", "open", "detected", "home", "occupied"), 1.0),
    **dict.fromkeys(("off", "false", "no", "closed", "clear", "not_home", "unoccupied"), 0.0),
}
"""Words for the values of a series in the unit "/"."""
_SIGNS: Final = str.maketrans({"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"})
_GROUPS: Final = "'\N{RIGHT SINGLE QUOTATION MARK} \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
"""Signs between groups of three digits, besides the comma or the point that does not separate decimals."""
_UNCLEAR: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
"""One sign and three digits after it: decimals, or a thousand."""


class ValueReader:
    """Reads the values of one file; `decimal` is the sign that separates its decimals."""

    def __init__(self, layout: ReplayMap, decimal: Decimal) -> None:
        self._missing = _missing_words(layout)
        self._decimal: Decimal = decimal
        self._words = {column.series: _words_of(column) for column in layout.columns}

    def is_missing(self, text: str) -> bool:
        """Return whether the text stands for no value."""
        return text.strip().casefold() in self._missing

    def read(self, text: str, column: ValueColumn) -> float:
        """Return the value in the unit of the contract. Raises ValueError with a sentence."""
        plain = text.strip()
        word = self._words[column.series].get(plain.casefold())
        value = number(_without_unit(plain, column.unit), self._decimal) if word is None else word
        if value is None:
            raise ValueError(f"{plain[:40]!r} in {column.column!r} is not a number")
        converted = value if word is not None else column.conversion.convert(value)
        problem = value_problem(column.series, converted, column.conversion.unit)
        if problem is not None:
            raise ValueError(problem.reason)
        return converted


def number(text: str, decimal: Decimal) -> float | None:
    """Return the number that a text is, or None. Its digits may be in groups of three."""
    plain = text.translate(_SIGNS)
    if not _pattern(decimal).fullmatch(plain):
        return None
    digits = "".join(sign for sign in plain if sign in "+-0123456789eE" or sign == decimal)
    value = float(digits.replace(",", "."))
    return value if math.isfinite(value) else None


def find_decimal(layout: ReplayMap, delimiter: str, texts: Iterable[tuple[int, str, ValueColumn]]) -> Decimal:
    """Return the sign that separates decimals: the map's, or that of the first value that shows it.

    `texts` are line, text and column of all values. Raises SourceError if there are only values that can be
    read in two ways.
    """
    if layout.decimal is not None:
        return layout.decimal
    unclear: tuple[int, str] | None = None
    for line, text, column in texts:
        plain = _without_unit(text.strip(), column.unit).translate(_SIGNS)
        if "," not in plain and "." not in plain:
            continue
        if _UNCLEAR.fullmatch(plain):
            # In a file with commas between its fields a point is taken as it is in nearly all of them.
            unclear = unclear if "." in plain and delimiter == "," else unclear or (line, plain)
            continue
        if (number(plain, ".") is None) != (number(plain, ",") is None):
            return "." if number(plain, ",") is None else ","
    if unclear is not None:
        line, plain = unclear
        raise SourceError(
            f"line {line}: {plain!r} can be read in two ways, and no value of the file shows which sign "
            "separates decimals: write decimal = ',' or decimal = '.' into the map"
        )
    return "."


@lru_cache
def _pattern(decimal: Decimal) -> re.Pattern[str]:
    groups = re.escape(_GROUPS + ("," if decimal == "." else "."))
    # No thousand begins with a zero: 0,125 has decimals.
    whole = rf"(?:[1-9][0-9]{{0,2}}(?P<group>[{groups}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*|[0-9]+)"
    sign = re.escape(decimal)
    return re.compile(rf"[+-]?(?:{whole}(?:{sign}[0-9]*)?|{sign}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?")


def _without_unit(text: str, unit: str) -> str:
    return text.removesuffix(unit).rstrip() if unit[-1:] not in "0123456789" else text


def _missing_words(layout: ReplayMap) -> frozenset[str]:
    return frozenset({"", *(word.strip().casefold() for word in layout.missing)})


def _words_of(column: ValueColumn) -> Mapping[str, float]:
    own = {word.strip().casefold(): value for word, value in column.values.items()}
    return _SWITCH | own if column.conversion.unit == "/" else own
