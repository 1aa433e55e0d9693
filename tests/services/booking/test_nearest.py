"""The nearest free time of a space, compared with a search that tries every step of the clock."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hubwell.booking.free import Hold, nearest
from hubwell.booking.rules import BookableSpace, Part, Term, is_within_hours, open_times
from hubwell.vocabulary import SpaceKind

ZONE: Final = ZoneInfo("Europe/Rome")
STEP: Final = timedelta(minutes=5)
WEEK: Final = timedelta(days=7)
START: Final = datetime(2026, 10, 24, 9, 0, tzinfo=UTC)
"""The day before the clocks go back."""
Clocks = st.one_of(st.none(), st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])))


def room(opens: time | None = None, closes: time | None = None, turnaround: int = 0) -> BookableSpace:
    return BookableSpace(
        id="lab",
        name="Lab",
        kind=SpaceKind.WORKSHOP,
        capacity=8,
        opens_at=opens,
        closes_at=closes,
        turnaround=timedelta(minutes=turnaround),
        parts=(Part(1, ""),),
        names={},
    )


def held(hours: float, length_hours: float) -> Hold:
    start = START + timedelta(hours=hours)
    return Hold(1, start, start + timedelta(hours=length_hours))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(held, st.integers(-190 * 12, 190 * 12).map(lambda n: n / 12), st.integers(1, 28)),
        max_size=12,
    ),
    st.tuples(Clocks, Clocks, st.sampled_from([0, 15, 240])),
    st.integers(1, 24 * 4),
    st.integers(-WEEK // STEP - 20, WEEK // STEP),
)
def test_nothing_free_is_nearer(
    holds: list[Hold], space_values: tuple[time | None, time | None, int], quarters: int, now_steps: int
) -> None:
    space, now = room(*space_values), START + now_steps * STEP + timedelta(seconds=7)
    term = Term(START, START + quarters * timedelta(minutes=15))

    found = nearest(space, holds, term, ZONE, now)

    distances = range(WEEK // STEP + 1)
    every = (START + sign * number * STEP for number in distances for sign in (-1, 1))
    length = term.end - term.start
    first = next(
        (
            start
            for start in every
            if start >= now
            and not any(h.start < start + length + space.turnaround and start < h.until for h in holds)
            and is_within_hours(space, start, start + length, ZONE)
        ),
        None,
    )
    assert found == (None if first is None else Term(first, first + length))


def test_offered_times_are_in_gaps_with_room_on_steps_of_five_minutes() -> None:
    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 10, 21, hour, minute, tzinfo=UTC)

    holds = [Hold(1, at(9), at(10, 2)), Hold(1, at(12), at(13)), Hold(1, at(12, 30), at(14))]
    for hours, start in ((1, at(10, 5)), (2, at(7)), (3, at(6))):
        term = Term(at(9, 30), at(9 + hours, 30))
        assert nearest(room(), holds, term, ZONE, at(5)) == Term(start, start + timedelta(hours=hours))
    assert nearest(room(), holds, Term(at(9, 30), at(12, 30)), ZONE, at(8)) == Term(at(14), at(17))


def test_a_whole_day_that_is_taken_is_offered_on_the_next_one() -> None:
    """Open from eight to six: before and after the booking the space is closed."""
    space = room(time(8), time(18))
    monday = Term(datetime(2026, 11, 2, 7, tzinfo=UTC), datetime(2026, 11, 2, 17, tzinfo=UTC))
    holds = [Hold(1, monday.start, monday.end)]
    tuesday = Term(monday.start + timedelta(days=1), monday.end + timedelta(days=1))
    assert nearest(space, holds, monday, ZONE, monday.start - timedelta(hours=1)) == tuesday


def test_nothing_is_offered_farther_ahead_than_bookings_may_be() -> None:
    now = START - timedelta(days=365)
    term = Term(START, START + timedelta(hours=1))
    assert (
        nearest(room(), [held(-200, 28), *(held(n, 24) for n in range(-172, 24, 24))], term, ZONE, now)
        is None
    )


@given(Clocks, Clocks, st.integers(0, 24 * 12), st.integers(1, 24 * 12))
def test_open_times_say_the_same_as_the_rule(
    opens: time | None, closes: time | None, first: int, steps: int
) -> None:
    space, start = room(opens, closes), START + first * STEP
    end = start + steps * STEP
    inside = any(begins <= start and end <= ends for begins, ends in open_times(space, start, end, ZONE))
    assert inside == is_within_hours(space, start, end, ZONE)
