"""Pasted names: lines, cells of a spreadsheet, quotes, and what is no name."""

import pytest

from hubwell.errors import DomainError
from hubwell.people.class_lists import MOST_NAMES, Columns, names_in


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\u00a0  Lovelace ", "Ada Lovelace"),
        ("Lovelace; Ada", "Ada Lovelace"),
        ("Lovelace, Ada", "Ada Lovelace"),
        ("Lovelace\tAda", "Ada Lovelace"),
        ('"Lovelace, Ada"', "Lovelace, Ada"),
        ('"Lovelace; jr.";"Ada ""A."""', 'Ada "A." Lovelace; jr.'),
        ("Lovelace, jr.\tAda", "Ada Lovelace, jr."),
        ("Ada;", "Ada"),
        ("\tAda\t", "Ada"),
        ("A\u0308gidia", "Ägidia"),
    ],
)
def test_line_is_a_name(line: str, name: str) -> None:
    assert names_in(line) == [name]


def test_two_cells_in_the_other_order() -> None:
    order: Columns = "first-last"
    assert names_in("Ada;Lovelace\nGrace\tHopper\nCher", order) == ["Ada Lovelace", "Grace Hopper", "Cher"]


def test_empty_lines_are_left_out_and_doubled_names_stay() -> None:
    assert names_in("\r\nAda\r\n\r\n ; \r\n\t\t\r\nBea\r\nAda\r\n") == ["Ada", "Bea", "Ada"]


def test_five_hundred_names_are_a_list_and_one_more_is_refused() -> None:
    names = [f"Person {number}" for number in range(MOST_NAMES)]
    assert names_in("\n".join(names)) == names
    with pytest.raises(DomainError, match="501 names; at most 500"):
        names_in("\n".join([*names, "One more"]))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Paste the names"),
        (" \n;;\n\t", "Paste the names"),
        ("Ada\nBea;B;b@example.org", "Line 2 has 3 cells"),
        ("Ada\n\n" + "x" * 121, "Line 3: a name has at most 120 characters"),
        ("Ada\nBea\u202eynnuf", "Line 2 holds characters"),
        ("Ada\x00", "Line 1 holds characters"),
        ("x" * 200_001, "too much text"),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(DomainError, match=sentence) as refused:
        names_in(text)
    assert refused.value.field == "names"
