"""Tables as spreadsheets and programs read them."""

import csv
import io
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from hubwell.http.spreadsheet import to_csv
from hubwell.vocabulary import LANGUAGES

HELSINKI = ZoneInfo("Europe/Helsinki")
AT = datetime(2026, 3, 1, 6, 5, 9, tzinfo=UTC)
ROW = ('Õlu; ķieģelis, 3"', 21.5, 7, AT, date(2026, 3, 1), None)


@pytest.mark.parametrize(
    ("language", "delimiter", "decimal"),
    [
        ("en", ",", "."),
        ("it", ";", ","),
        ("fi", ";", ","),
        ("et", ";", ","),
        ("lv", ";", ","),
        ("nl", ";", ","),
    ],
)
def test_table_follows_the_language_of_the_spreadsheet(language: str, delimiter: str, decimal: str) -> None:
    table = to_csv(("a", "b", "c", "d", "e", "f"), [ROW], language=language, zone=HELSINKI)
    assert table.startswith(b"\xef\xbb\xbf")  # else the letters are taken for a code page
    header, row = csv.reader(io.StringIO(table.decode("utf-8-sig")), delimiter=delimiter)
    assert header == ["a", "b", "c", "d", "e", "f"]
    assert row == [ROW[0], f"21{decimal}5", "7", "2026-03-01 08:05:09", "2026-03-01", ""]


def test_every_language_of_the_hub_is_covered() -> None:
    for language in LANGUAGES:
        assert to_csv(("a",), [(1.5,)], language=language, zone=HELSINKI)


def test_table_for_programs_has_no_mark_and_times_in_utc() -> None:
    assert to_csv(("time", "value"), [(AT, 21.5)], language=None, zone=HELSINKI) == (
        b'"time","value"\r\n"2026-03-01T06:05:09Z",21.5\r\n'
    )


@pytest.mark.parametrize(
    "begins", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
@pytest.mark.parametrize("language", [None, "en", "fi"])
def test_text_is_never_a_formula(begins: str, language: str | None) -> None:
    text = f"{begins}HYPERLINK(1;2)"
    table = to_csv(("a",), [(text,), (-3,), (-0.5,)], language=language, zone=HELSINKI).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert rows[1] == [f"'{text}"]
    assert rows[2] == ["-3"]  # numbers stay numbers


def test_text_with_the_separator_of_another_language_is_quoted() -> None:
    table = to_csv(("a", "b"), [("x;=1+1", "y,=1+1")], language="en", zone=HELSINKI).decode("utf-8-sig")
    assert table.splitlines()[1] == '"x;=1+1","y,=1+1"'
