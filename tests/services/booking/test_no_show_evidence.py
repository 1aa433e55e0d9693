"""Whether nobody came, by hand: the figures of the reference page, and what is never enough."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell.booking.no_shows.evidence import (
    THRESHOLD,
    Evidence,
    Sample,
    Series,
    is_co2_at_floor,
    judge,
    probability_empty,
    sensed,
)

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
HOLDS = timedelta(minutes=5)


def evidence(quarters: int, *, quiet: bool = True, co2: bool = False, tapped: bool = False) -> Evidence:
    return Evidence(quiet, tapped, "silent", quarters, co2)


def series(*minutes: float, value: float = 0.0) -> Series:
    """Return a sensor that was heard at these minutes from nine o'clock on."""
    return Series(HOLDS, [Sample(NINE + timedelta(minutes=minute), value) for minute in minutes])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (evidence(1, tapped=True), 0.741),  # the sensor alone
        (evidence(1), 0.920),
        (evidence(1, co2=True), 0.989),
        (evidence(2, co2=True), 0.9946),
        (evidence(1, quiet=False, tapped=True), 0.955),
        (evidence(1, quiet=False), 0.989),
    ],
)
def test_probabilities_are_those_of_the_page(given: Evidence, expected: float) -> None:
    assert probability_empty(given) == pytest.approx(expected, abs=6e-4)


def test_threshold_needs_464_times_the_odds() -> None:
    odds = THRESHOLD / (1 - THRESHOLD)
    assert odds / (0.30 / 0.70) == pytest.approx(464, abs=0.5)
    assert odds / (0.10 / 0.90) == pytest.approx(1791, abs=0.5)


@given(st.integers(0, 100))
def test_motion_and_tap_alone_never_release_a_quiet_room(quarters: int) -> None:
    assert judge(evidence(quarters)).reason == "not-sure"


@given(
    st.builds(
        Evidence, st.booleans(), st.just(value=False), st.just("silent"), st.integers(0, 8), st.booleans()
    )
)
def test_a_tap_a_person_seen_and_a_silent_sensor_keep_the_booking(known: Evidence) -> None:
    assert judge(replace(known, tapped=True)).reason == "tapped"
    assert judge(replace(known, people="seen")).reason == "seen"
    assert judge(replace(known, people="unknown")).reason == "unknown"


def test_what_is_enough() -> None:
    enough = [evidence(3, co2=True), evidence(3, quiet=False), evidence(1, quiet=False, co2=True)]
    assert [judge(each).reason for each in enough] == ["nobody-came"] * 3
    less = [evidence(1, co2=True), evidence(2, co2=True), evidence(1, quiet=False), evidence(2, quiet=False)]
    assert [judge(each).reason for each in less] == ["not-sure"] * 4


def test_sensor_counts_only_where_it_was_heard_all_the_time() -> None:
    now = NINE + QUARTER
    heard = (-1, 3, 7, 9.5, 13.5)
    assert sensed([series(*heard)], NINE, now) == "silent"
    assert sensed([], NINE, now) == "unknown"
    for missing in range(len(heard)):
        assert sensed([series(*heard[:missing], *heard[missing + 1 :])], NINE, now) == "unknown"
    assert sensed([series(*heard), series()], NINE, now) == "unknown"  # a second sensor that is dead
    seen = Series(HOLDS, [*series(*heard).samples, Sample(NINE + timedelta(minutes=3), 1.0)])
    assert sensed([seen], NINE, now) == "seen"
    before = Series(HOLDS, [Sample(NINE - timedelta(minutes=2), 1.0), *series(*heard).samples])
    assert sensed([before], NINE, now) == "silent"  # those of the booking before


def test_co2_is_at_its_floor_of_the_week() -> None:
    now = NINE + QUARTER
    heard = (-1, 3, 7, 9.5, 13.5)
    assert is_co2_at_floor(series(*heard, value=449), 400, now)
    assert not is_co2_at_floor(series(*heard, value=451), 400, now)
    assert not is_co2_at_floor(series(*heard, value=400), None, now)
    assert not is_co2_at_floor(series(*heard[:-1], value=400), 400, now)
