"""Spaces as a table: what was exported changes nothing, mistakes have their lines, formulas stay text."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell.http.spreadsheet import as_written, harmless
from hubwell.spaces.register import Registered
from hubwell.spaces.rules import SpaceInput, read, same_name
from hubwell.vocabulary import LANGUAGES
from hubwell.workflows.register.space_table import (
    COLUMNS,
    LARGEST_KB,
    MOST_ROWS,
    ImportPlan,
    export_spaces,
    plan_import,
)
from services.spaces.test_rules import settings_inputs


def space(space_id: str, position: int | None = None, **changes: object) -> Registered:
    entered = SpaceInput(**({"name": space_id.title(), "kind": "workshop", "capacity": "8"} | changes))  # type: ignore[arg-type]
    settings, refused = read(entered)
    assert settings is not None, refused
    return Registered(space_id, settings, position, None, 0)


HUB = [space("lab", zone="north", equipment="4 benches"), space("den", kind="relaxation", capacity="4")]


def plan(text: str, hub: Sequence[Registered] = HUB) -> ImportPlan:
    return plan_import(text.encode(), hub)


def problems(text: str, hub: Sequence[Registered] = HUB) -> list[tuple[int, str, str]]:
    found = plan(text, hub)
    assert found.problems
    return [(item.line, item.column, item.error.code) for item in found.problems]


inputs = st.lists(settings_inputs, max_size=6)


@given(inputs, st.lists(st.one_of(st.none(), st.integers(1, 99)), min_size=6, max_size=6))
def test_export_is_read_back_as_it_was(entered: list[SpaceInput], positions: list[int | None]) -> None:
    hub: dict[str, Registered] = {}
    for number, item in enumerate(entered):
        settings, _ = read(item)
        if settings is not None:
            key = same_name(settings.name)
            hub.setdefault(key, Registered(f"s-{number}", settings, positions[number], None, 0))
    spaces = list(hub.values())
    for language in (None, *LANGUAGES):
        found = plan_import(export_spaces(spaces, language=language), spaces)
        assert (found.changes, found.problems, found.unchanged) == ((), (), len(spaces))


@given(st.text(alphabet="'=+-@\t\rab1", max_size=6))
def test_a_text_that_looks_like_a_formula_is_made_harmless_and_comes_back(text: str) -> None:
    shown = harmless(text)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert as_written(shown) == text


def test_formula_in_a_name_stays_a_text() -> None:
    hub = [space("lab", name='=HYPERLINK("http://x";"y")', zone="@SUM(1)", equipment="-4 benches")]
    table = export_spaces(hub, language="fi").decode("utf-8-sig")
    assert "\"'=HYPERLINK(" in table
    assert '"\'@SUM(1)"' in table
    assert plan(table, hub).changes == ()


def test_columns_that_are_left_out_stay_and_so_do_spaces_without_a_line() -> None:
    found = plan("id,capacity\nlab,12\n")
    (change,) = found.changes
    assert (change.space_id, change.fields, change.before) == ("lab", ("capacity",), HUB[0])
    assert change.settings == replace(HUB[0].settings, capacity=12)
    assert found.unchanged == 0


def test_line_without_an_id_adds_a_space() -> None:
    found = plan(
        "name;kind;capacity;step_free;equipment\n Kiln ;workshop;3;yes;Kiln\nKiln 2;workshop;3;no;\n"
    )
    assert [(c.space_id, c.settings.name, c.before) for c in found.changes] == [
        ("kiln", "Kiln", None),
        ("kiln-2", "Kiln 2", None),
    ]
    assert found.changes[0].settings.features == ("step-free",)
    assert found.added == list(found.changes)


def test_two_spaces_may_exchange_their_names() -> None:
    found = plan("id,name\nlab,Den\nden,Lab\n")
    assert found.problems == ()
    assert [(c.space_id, c.settings.name) for c in found.changes] == [("lab", "Den"), ("den", "Lab")]


def test_one_feature_is_changed_and_the_others_stay() -> None:
    hub = [space("lab", features=["quiet", "daylight"])]
    (change,) = plan("id,quiet\nlab,no\n", hub).changes
    assert change.settings.features == ("daylight",)


def test_every_mistake_has_its_line_and_column() -> None:
    table = (
        "id,name,kind,capacity,personal,position,opens_at\n"
        "lab,,sauna,0,maybe,first,8 o'clock\n"
        "\n"
        "den,Den,relaxation,4,no,1,\n"
        "Not an id!,Kiln,workshop,3,no,,\n"
        "den,Other,workshop,3,no,,\n"
        'new,"DEN  ",workshop,3,,,\n'
    )
    assert problems(table) == [
        (2, "personal", "flag-unreadable"),
        (2, "name", "space-unnamed"),
        (2, "kind", "space-kind-unknown"),
        (2, "capacity", "capacity-too-small"),
        (2, "opens_at", "opening-time-unreadable"),
        (2, "position", "position-unreadable"),
        (5, "id", "id-not-plain"),
        (6, "id", "id-twice"),
        (7, "name", "space-name-taken"),
    ]
    values = {(item.line, item.column): item.value for item in plan(table).problems}
    assert values[2, "capacity"] == "0"
    assert values[2, "position"] == "first"
    assert values[7, "name"] == "DEN"


def test_line_numbers_count_lines_of_the_file_also_behind_a_cell_of_several() -> None:
    assert problems('id,zone,capacity\nlab,"north\nwing",8\nden,,0\n') == [
        (4, "capacity", "capacity-too-small")
    ]


@pytest.mark.parametrize(
    ("table", "line", "code"),
    [
        (b"", 1, "table-empty"),
        (b"\xef\xbb\xbf\r\n \r\n", 1, "table-empty"),
        (b"id,name\nlab,Caf\xe9\n", 2, "table-not-text"),
        ("id,name\nlab,x\n".encode("utf-16"), 1, "table-not-text"),
        (b"id,name\nlab,\0\n", 1, "table-not-text"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + bytes(range(256)), 2, "table-not-text"),
        (b"id,nmae\nlab,Lab\n", 1, "column-unknown"),
        (b"id,name,id\nlab,Lab,den\n", 1, "column-twice"),
        (b"kind,capacity\nworkshop,3\n", 1, "column-missing"),
        (b"id,name\nlab,Lab,8\n", 2, "row-too-long"),
        (b'id,name\nlab,"Lab\n', 2, "table-quotes-wrong"),
        (b'id,name\nlab,"La"b"\n', 2, "table-quotes-wrong"),
        (b"id\n" + b"lab\n" * (MOST_ROWS + 1), MOST_ROWS + 2, "table-too-large"),
        (b"x" * (LARGEST_KB * 1024 + 1), 1, "table-too-large"),
        (b"id,name\nlab," + b"x" * 200_000 + b"\n", 2, "table-quotes-wrong"),
    ],
)
def test_table_that_cannot_be_read_is_refused_with_a_line(table: bytes, line: int, code: str) -> None:
    found = plan_import(table, HUB)
    assert found.changes == ()
    assert [(item.line, item.error.code) for item in found.problems] == [(line, code)]


def test_archived_space_is_not_changed_by_a_table() -> None:
    archived = replace(HUB[0], archived_at=datetime(2026, 3, 1, tzinfo=UTC))
    assert problems("id,capacity\nlab,12\n", [archived]) == [(2, "", "space-is-archived")]
    assert "lab" not in export_spaces([archived]).decode()


def test_header_of_an_export_has_every_column() -> None:
    header = export_spaces([]).decode().strip()
    assert header.replace('"', "").split(",") == list(COLUMNS)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_plan_or_problems(table: bytes) -> None:
    found = plan_import(table, HUB)
    assert found.problems or table.strip()


def test_fingerprint_differs_where_something_else_would_be_changed() -> None:
    before = plan("id,capacity\nlab,12\n").fingerprint
    assert plan("id,capacity\nlab,12\n").fingerprint == before
    assert plan("id,capacity\nlab,13\n").fingerprint != before
    assert plan("id,capacity\nlab,12\n", [space("lab", zone="south")]).fingerprint != before
