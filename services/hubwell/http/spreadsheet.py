"""Tables as CSV (RFC 4180): for spreadsheets in a language, and for programs.

A spreadsheet takes the conventions of its user's language: where the decimal sign is a comma, cells are
separated by semicolons. It knows UTF-8 by the mark at the beginning, and times without a zone as times.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.numbers import get_decimal_symbol

from hubwell.i18n import conventions

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide forms count too
"""Beginnings with which a spreadsheet takes a text for a formula (OWASP, CSV injection)."""


def to_csv(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, language: str | None, zone: ZoneInfo
) -> bytes:
    """Return a table for spreadsheets in `language`, with times in `zone`.

    Without a language it is for programs: commas, decimal points, times in UTC (RFC 3339), no mark.
    """
    decimal = "." if language is None else get_decimal_symbol(conventions(language))
    out = io.StringIO()
    # Every text is quoted: a spreadsheet of another language must not find its separator inside one.
    writer = csv.writer(out, delimiter=";" if decimal == "," else ",", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value, decimal, zone if language is not None else None) for value in row])
    return out.getvalue().encode("utf-8" if language is None else "utf-8-sig")


def _cell(value: object, decimal: str, zone: ZoneInfo | None) -> object:
    match value:
        case None:
            return ""
        case datetime() if zone is None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case datetime():
            return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        case float() if decimal != ".":
            return repr(value).replace(".", decimal)
        case int() | float():
            return value
        case _:
            return harmless(str(value))


def harmless(text: str) -> str:
    """Return a text that a spreadsheet does not evaluate; what it says stays visible."""
    return f"'{text}" if _is_formula(text) else text


def as_written(text: str) -> str:
    """Return the text that `harmless` was given: what was exported is read back as it was."""
    return text[1:] if text.startswith("'") and _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """Return whether a text begins like a formula, also behind apostrophes: so each can be undone."""
    return text.lstrip("'").startswith(_FORMULA)
