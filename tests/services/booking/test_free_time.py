"""Gaps that can be booked, and the scale on which pages draw them; numbers worked out by hand."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hubwell.booking.free_time import gaps, open_terms
from hubwell.booking.local_time import day_bounds
from hubwell.booking.rules import BookableSpace, Part, Term
from hubwell.vocabulary import SpaceKind
from hubwell.web.booking.timeline.scale import WHOLE_DAY, hours_for, scale_of

_HELSINKI = ZoneInfo("Europe/Helsinki")
_DAY = date(2026, 12, 1)


def at(hour: int, minute: int = 0, day: date = _DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


def space(opens: time | None, closes: time | None) -> BookableSpace:
    return BookableSpace(
        id="wood", name="Wood", kind=SpaceKind.WORKSHOP, capacity=9, opens_at=opens, closes_at=closes,
        turnaround=timedelta(0), parts=(Part(1, ""),), names={},
    )  # fmt: skip


def test_gaps_begin_after_now_and_leave_the_turnaround() -> None:
    taken = [Term(at(10), at(11, 15)), Term(at(11), at(12)), Term(at(12, 20), at(13))]
    found = gaps([Term(at(8), at(14))], taken, timedelta(minutes=15), at(8, 2))
    assert found == [Term(at(8, 5), at(9, 45)), Term(at(13), at(14))]
    assert gaps([Term(at(8), at(14))], taken, timedelta(0), at(13, 50)) == []
    assert gaps([Term(at(8), at(9)), Term(at(12), at(14))], [], timedelta(0), at(13)) == [
        Term(at(13), at(14))
    ]


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        (None, None, [(at(0), at(24 - 1, 59))]),
        (time(8), time(18), [(at(8), at(18))]),
        (time(18), time(2), [(at(0), at(2)), (at(18), at(23, 59))]),
    ],
)
def test_hours_past_midnight_belong_to_both_days(
    opens: time | None, closes: time | None, expected: list[tuple[datetime, datetime]]
) -> None:
    within = Term(at(0), at(23, 59))
    terms = open_terms(space(opens, closes), _DAY, within, ZoneInfo("UTC"))
    assert [(term.start, term.end) for term in terms] == expected


@pytest.mark.parametrize("zone", ["Europe/Helsinki", "Europe/Rome", "Europe/Lisbon", "Australia/Lord_Howe"])
def test_scale_is_as_long_as_the_day(zone: str) -> None:
    """Every day of three years, of which some have 23, 23.5, 24.5 or 25 hours."""
    day = date(2026, 1, 1)
    while day.year < 2029:
        scale = scale_of(day, WHOLE_DAY, ZoneInfo(zone))
        start, end = day_bounds(day, ZoneInfo(zone))
        assert scale.start == start
        assert timedelta(0) <= scale.end - end < timedelta(hours=1)
        assert scale.place(start, end).startswith("h0 m0 l2")
        day += timedelta(days=1)


def test_place_is_that_of_the_instant() -> None:
    """The second 03:30 of 25 October is four and a half hours after midnight in Helsinki."""
    scale = scale_of(date(2026, 10, 25), (2, 6), _HELSINKI)
    assert scale.hours == 5
    second = datetime(2026, 10, 25, 3, 30, fold=1, tzinfo=_HELSINKI).astimezone(UTC)
    assert scale.place(second, second + timedelta(minutes=45)) == "h2 m30 l0 n45"
    assert scale.place(scale.start - timedelta(hours=1), scale.end + timedelta(hours=1)) == "h0 m0 l5 n0"
    assert scale.place(scale.end, scale.end + timedelta(hours=1)) == ""
    assert scale.mark(second) == "h2 m30"
    assert scale.mark(scale.end) == ""


def test_hours_are_those_that_show_all() -> None:
    night = Term(at(21, 30), at(22, 15))
    assert hours_for([_DAY], [night], ZoneInfo("UTC")) == (21, 23)
    assert hours_for([_DAY], [Term(at(21), at(21) + timedelta(hours=6))], ZoneInfo("UTC")) == (21, 24)
    days = [_DAY, _DAY + timedelta(days=1)]
    assert hours_for(days, [Term(at(21), at(21) + timedelta(hours=6))], ZoneInfo("UTC")) == (0, 24)
    assert hours_for([_DAY], [], ZoneInfo("UTC")) == (7, 21)
