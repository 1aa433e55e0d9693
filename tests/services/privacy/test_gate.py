"""The gate: the attacks of the privacy reference, tried on made-up hubs, and on hubs that chance draws."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubwell.privacy.disclosure_control import HUB, Cell, Figure, K, Room, Window, close, fullness

ROOMS = [Room("a", "one", 20), Room("b", "one", 20), Room("c", "one", 20)]


def space(name: str) -> Cell:
    return Cell("space", name)


def shown(closed: Window) -> dict[Cell, int | None]:
    return {figure.cell: figure.about for figure in closed.figures}


def visible(windows: list[Window]) -> list[dict[Cell, int | None]]:
    """Return what a reader of all windows knows: the newest figure of each that is not held."""
    known: dict[Cell, int | None] = {}
    after_each = []
    for closed in windows:
        known |= {figure.cell: figure.about for figure in closed.figures if figure.withheld != "held"}
        after_each.append(dict(known))
    return after_each


def of(closed: Window, cell: Cell) -> Figure:
    (figure,) = [figure for figure in closed.figures if figure.cell == cell]
    return figure


def after(*windows: Mapping[str, int], rooms: list[Room] | None = None) -> list[Window]:
    held: dict[Cell, int] = {}
    closed = []
    for people in windows:
        closed.append(close(rooms or ROOMS, people, held))
        held = closed[-1].held
    return closed


@pytest.mark.parametrize(
    ("people", "about"), [(0, None), (1, None), (4, None), (5, 5), (9, 5), (10, 10), (23, 20)]
)
def test_small_groups_are_withheld_and_others_rounded_down(people: int, about: int | None) -> None:
    (closed,) = after({"a": people}, rooms=[Room("a", "one", 40)])
    assert shown(closed) == {space("a"): about, Cell("zone", "one"): about, HUB: about}
    assert of(closed, space("a")).withheld == (None if about else "group")


def test_nobody_looks_like_a_few() -> None:
    nobody, few = after({}, {"a": 4, "b": 1})
    assert nobody.figures == few.figures


def test_attack_a_the_withheld_one_is_not_the_difference() -> None:
    """Total 23, A 12, B 7 and C withheld: C would be 4."""
    (closed,) = after({"a": 12, "b": 7, "c": 4})
    assert shown(closed) == {
        HUB: None,  # the only zone is the hub
        Cell("zone", "one"): None,  # the second suppression
        space("a"): 10,
        space("b"): 5,
        space("c"): None,
    }
    # Nothing tells which of the withheld is the small one.
    assert {figure.withheld for figure in closed.figures} == {None, "group"}


def test_attack_a_between_zones() -> None:
    """Zone one is c alone; the hub less two would be one."""
    rooms = [Room("a", "two", 40), Room("b", "two", 40), Room("c", "one", 20)]
    (closed,) = after({"a": 30, "b": 7, "c": 2}, rooms=rooms)
    figures = shown(closed)
    assert figures[Cell("zone", "two")] == 35
    assert (figures[Cell("zone", "one")], figures[HUB]) == (None, None)


def test_sums_are_told_where_what_they_leave_over_is_a_group() -> None:
    rooms = [Room("a", "one", 20), Room("b", "one", 20), Room("c", "two", 20), Room("d", "two", 20)]
    full = {"a": 12, "b": 8, "c": 9, "d": 9}
    told = after(full, full | {"b": 3, "d": 4}, rooms=rooms)
    not_told = after(full, full | {"b": 0, "d": 0}, rooms=rooms)
    assert visible(told)[-1][HUB] == 25  # less a and c there are seven, of two spaces
    assert visible(not_told)[-1][HUB] is None  # less a and c there would be nobody


def test_attack_b_one_leaver_moves_nothing() -> None:
    before, left = after({"a": 10, "b": 10}, {"a": 9, "b": 10})
    before, stayed = after({"a": 10, "b": 10}, {"a": 10, "b": 10})
    assert stayed.figures == left.figures
    assert of(left, space("a")).withheld == "held"
    assert visible([before, left])[1] == shown(before)


def test_number_moves_when_a_group_came_or_went() -> None:
    windows = after({"a": 10}, {"a": 14}, {"a": 15}, {"a": 11}, {"a": 10}, {"a": 4})
    assert [item[space("a")] for item in visible(windows)] == [10, 10, 15, 15, 10, None]
    # A number is of the window in which it was counted, and of no other.
    assert [shown(closed)[space("a")] for closed in windows] == [10, None, 15, None, 10, None]
    assert [of(closed, space("a")).withheld for closed in windows] == [
        None,
        "held",
        None,
        "held",
        None,
        "group",
    ]


def test_attack_e_one_persons_room_is_in_no_figure_and_no_sum() -> None:
    rooms = [*ROOMS, Room("own", "one", 1, personal=True)]
    (alone,) = after({"a": 7, "b": 9}, rooms=rooms)
    (there,) = after({"a": 7, "b": 9, "own": 1}, rooms=rooms)
    assert alone.figures == there.figures
    assert of(there, space("own")) == Figure(space("own"), None, None, "personal")
    assert there.held == alone.held


def test_two_small_groups_are_not_told_as_one_small_group() -> None:
    (closed,) = after({"a": 12, "b": 1, "c": 2})
    assert [cell for cell, about in shown(closed).items() if about] == [space("a")]


@pytest.mark.parametrize(
    ("about", "word"), [(5, "third"), (10, "half"), (15, "most"), (20, "full"), (25, "full")]
)
def test_fullness_is_of_the_number_that_is_shown(about: int, word: str) -> None:
    assert fullness(about, 20) == word
    (closed,) = after({"a": about + 4}, rooms=[Room("a", "", 20)])
    assert of(closed, space("a")).fullness == word


hubs = st.lists(
    st.tuples(st.sampled_from(["", "north", "south", "east"]), st.booleans()), min_size=1, max_size=9
).map(lambda drawn: [Room(f"s{n}", zone, 20, personal) for n, (zone, personal) in enumerate(drawn)])
days = st.lists(st.lists(st.integers(0, 14), min_size=9, max_size=9), min_size=1, max_size=8)


def play(rooms: list[Room], day: list[list[int]]) -> list[Window]:
    return after(*({f"s{n}": count for n, count in enumerate(window)} for window in day), rooms=rooms)


@given(hubs, days)
@settings(max_examples=150, deadline=None)
def test_nothing_withheld_can_be_worked_out(rooms: list[Room], day: list[list[int]]) -> None:
    """Solve the equations as a reader would: no withheld cell follows, and no hidden group under five."""
    for closed in play(rooms, day):
        known = {figure.cell for figure in closed.figures if figure.withheld in (None, "held")}
        families = _families(rooms)
        progress = True
        worked_out = set(known)
        while progress:
            progress = False
            for members in families:
                unknown = [cell for cell in members if cell not in worked_out]
                if len(unknown) == 1:
                    worked_out.add(unknown[0])
                    progress = True
        assert worked_out == known
        for parent, *parts in families:
            hidden = [cell for cell in parts if cell not in known]
            if parent in known and hidden and parent.scope == "zone":
                assert sum(closed.held[cell] for cell in hidden) >= K
        if HUB in known:
            hidden_spaces = [
                closed.held[room.cell]
                for room in rooms
                if not room.personal and room.cell not in known and Cell("zone", room.zone) not in known
            ]
            assert not hidden_spaces or sum(hidden_spaces) >= K


def _counts(rooms: list[Room], drawn: list[int]) -> dict[Cell, int]:
    counts = {HUB: 0}
    for number, room in enumerate(rooms):
        if not room.personal:
            for cell in (room.cell, Cell("zone", room.zone), HUB):
                counts[cell] = counts.get(cell, 0) + drawn[number]
    return counts


def _families(rooms: list[Room]) -> list[list[Cell]]:
    spaces: dict[Cell, list[Cell]] = {}
    for room in rooms:
        if not room.personal:
            spaces.setdefault(Cell("zone", room.zone), []).append(room.cell)
    return [[HUB, *spaces], *([zone, *parts] for zone, parts in spaces.items())] if spaces else []


@given(hubs, days)
@settings(max_examples=150, deadline=None)
def test_every_number_is_a_group_and_moves_by_groups(rooms: list[Room], day: list[list[int]]) -> None:
    windows = play(rooms, day)
    for closed in windows:
        for figure in closed.figures:
            assert (figure.about is None) != (figure.withheld is None)
            assert figure.about is None or (figure.about >= K and figure.about % K == 0)
    for drawn, closed in zip(day, windows, strict=True):
        counts = _counts(rooms, drawn)
        for figure in closed.figures:
            assert figure.about is None or counts[figure.cell] // K * K == figure.about
    for one, two in pairwise(windows):
        for cell, group in two.held.items():
            assert group == one.held[cell] or abs(group - one.held[cell]) >= K


@given(hubs, days, st.data())
@settings(max_examples=150, deadline=None)
def test_one_more_person_shows_only_where_a_group_moves(
    rooms: list[Room], day: list[list[int]], data: st.DataObject
) -> None:
    """Plant somebody in one space: unless a group's memory moved, now or before, all figures are the same."""
    place = data.draw(st.integers(0, len(rooms) - 1))
    since = data.draw(st.integers(0, len(day) - 1))
    with_them = [list(window) for window in day]
    for window in with_them[since:]:
        window[place] += 1
    same_before = True  # a number is published in the window in which its group came
    for without, planted in zip(play(rooms, day), play(rooms, with_them), strict=True):
        same = without.held == planted.held
        if same and same_before:
            assert without.figures == planted.figures
        same_before = same
        if rooms[place].personal:
            assert without.figures == planted.figures
