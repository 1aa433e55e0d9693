"""Badges held against sensors: what is told, where it comes from, and what is never made up."""

from datetime import UTC, datetime, timedelta

import pytest

from hubwell.evacuation.rules import (
    Finding,
    Provenance,
    Sensed,
    SensorValue,
    State,
    Tick,
    reconcile,
    sensed,
    tally,
)
from hubwell.vocabulary import STALE_AFTER

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def value(
    series: str,
    number: float,
    *,
    age: timedelta = timedelta(0),
    inferred: bool = False,
    suspect: bool = False,
) -> SensorValue:
    return SensorValue(series, NOW - age, number, inferred, suspect)


def test_no_sensor_is_missing_and_not_empty() -> None:
    assert sensed([], NOW) == Sensed(Provenance.MISSING)
    assert reconcile(0, sensed([], NOW)).finding is Finding.NOT_KNOWN


def test_old_value_is_stale_and_says_since_when() -> None:
    found = sensed([value("pir/presence", 0, age=STALE_AFTER)], NOW)

    assert found == Sensed(Provenance.STALE, at=NOW - STALE_AFTER)
    assert reconcile(3, found).finding is Finding.NOT_KNOWN


def test_value_of_a_clock_that_runs_ahead_is_no_value() -> None:
    assert sensed([value("pir/presence", 1, age=-STALE_AFTER)], NOW).provenance is Provenance.STALE


def test_headcount_says_more_than_presence_and_the_highest_counts() -> None:
    found = sensed(
        [value("pir/presence", 1), value("gate/people/count", 13.6), value("people/count", 12)], NOW
    )

    assert (found.people, found.somebody, found.provenance) == (14, True, Provenance.MEASURED)


def test_count_of_other_things_is_no_headcount() -> None:
    assert sensed([value("steady/count", 15)], NOW).people is None


def test_estimate_is_inferred() -> None:
    assert sensed([value("pir/presence", 1, inferred=True)], NOW).provenance is Provenance.INFERRED


def test_value_in_doubt_is_a_reason_to_look_and_never_an_all_clear() -> None:
    many = sensed([value("gate/people/count", 65535, suspect=True)], NOW)
    none = sensed([value("gate/people/count", 0, suspect=True)], NOW)

    assert (many.provenance, many.somebody, many.people) == (Provenance.IN_DOUBT, True, None)
    assert reconcile(3, many).finding is Finding.SOMEBODY
    assert (none.provenance, none.somebody) == (Provenance.IN_DOUBT, None)
    assert reconcile(0, none).finding is Finding.NOT_KNOWN


def test_good_sensor_counts_beside_one_in_doubt() -> None:
    found = sensed([value("gate/people/count", 65535, suspect=True), value("pir/presence", 0)], NOW)

    assert (found.provenance, found.somebody, found.people) == (Provenance.MEASURED, False, None)


@pytest.mark.parametrize(
    ("badges", "series", "number", "finding", "without"),
    [
        (12, "people/count", 15, Finding.MORE_SENSED, 3),
        (12, "people/count", 12, Finding.AGREES, 0),
        (12, "people/count", 9, Finding.FEWER_SENSED, 0),
        (12, "people/count", 0, Finding.NOT_SENSED_NOW, 0),
        (0, "people/count", 4, Finding.WITHOUT_TAP, 4),
        (0, "people/count", 0, Finding.EMPTY, 0),
        (3, "pir/presence", 1, Finding.SOMEBODY, 0),
        (3, "pir/motion", 0, Finding.NOT_SENSED_NOW, 0),
        (0, "pir/presence", 1, Finding.WITHOUT_TAP, 1),
        (0, "pir/presence", 0, Finding.EMPTY, 0),
    ],
)
def test_badges_and_sensors_together(
    badges: int, series: str, number: float, finding: Finding, without: int
) -> None:
    found = reconcile(badges, sensed([value(series, number)], NOW))

    assert (found.finding, found.without_badge) == (finding, without)


def test_counter_that_sees_nobody_does_not_overrule_a_sensor_that_sees_somebody() -> None:
    found = reconcile(0, sensed([value("people/count", 0), value("pir/presence", 1)], NOW))

    assert (found.finding, found.without_badge) == (Finding.WITHOUT_TAP, 1)


def test_tally_counts_and_times_only_who_was_found_or_missed() -> None:
    def tick(state: State, after: float | None) -> Tick:
        at = None if after is None else NOW + timedelta(seconds=after)
        return Tick("north", state, at, tapped_out=False, late=False)

    found = tally(
        [
            tick(State.SAFE, 61.4),
            tick(State.MISSING, 30),
            tick(State.EXPECTED, 500),
            tick(State.EXPECTED, None),
        ],
        NOW,
    )

    assert (found.people, found.safe, found.missing, found.expected) == (4, 1, 1, 2)
    assert (found.first_tick_s, found.last_tick_s) == (30, 61)
    assert tally([], NOW).last_tick_s is None


def test_badges_are_forgotten_check_outs_only_where_nobody_was_sensed_for_a_while() -> None:
    sensors = [value("pir/presence", 0)]
    assert reconcile(2, sensed(sensors, NOW, left=True)).finding is Finding.NOBODY_SENSED
    assert reconcile(2, sensed(sensors, NOW)).finding is Finding.NOT_SENSED_NOW
    assert reconcile(0, sensed(sensors, NOW, left=True)).finding is Finding.EMPTY
