"""The rule engine against vectors worked out by hand."""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from math import inf
from operator import itemgetter
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell.air.rules import CO2_ASR_A3_6 as RULE
from hubwell.air.rules import (
    Evaluation,
    RollingMean,
    RollingMeanRule,
    Samples,
    hold_intervals,
    hold_s,
    minutes_between,
    occupied_at,
    rhythm_s,
)

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Sample(NamedTuple):
    time: datetime
    value: float


def mean_of(samples: list[Sample]) -> tuple[float | None, float, int]:
    times = [sample.time.timestamp() for sample in samples]
    holds = [hold_s(RULE, None)] * len(times)
    return RollingMean(RULE, Samples(times, [sample.value for sample in samples], holds)).at(AT)


def ago(minutes: float, value: float) -> Sample:
    return Sample(AT - timedelta(minutes=minutes), value)


def every_minute(*values: float) -> list[Sample]:
    """Samples a minute apart, the last of them a minute before AT."""
    return [ago(len(values) - index, value) for index, value in enumerate(values)]


# what, samples, mean (None: cannot say), coverage of the 15 minutes, readings used
VECTORS: list[tuple[str, list[Sample], float | None, float, int]] = [
    ("steady", every_minute(*[800.0] * 15), 800.0, 1.0, 15),
    ("a third at 1600", every_minute(*[700.0] * 10, *[1600.0] * 5), (10 * 700 + 5 * 1600) / 15, 1.0, 15),
    ("weighted by time, not by count",
     [*every_minute(*[600.0] * 15)[:14], *[ago(1 - n / 10, 2100.0) for n in range(10)]],
     (14 * 600 + 1 * 2100) / 15, 1.0, 24),
    ("held across the window's start", [ago(16, 900.0), *[ago(14.5 - n, 900.0) for n in range(15)]],
     900.0, 1.0, 16),
    ("held no longer than two minutes", [ago(17, 5000.0), *every_minute(*[900.0] * 15)], 900.0, 1.0, 15),
    ("a gap is no value", [*every_minute(*[1000.0] * 15)[:6], *every_minute(*[2000.0] * 15)[9:]],
     (7 * 1000 + 6 * 2000) / 13, 13 / 15, 12),
    ("just enough", [ago(15 - n, 1200.0) for n in range(9)] + [ago(1.25, 1200.0)], 1200.0, 11.25 / 15, 10),
    ("just too little", [ago(15 - n, 1200.0) for n in range(9)] + [ago(1.24, 1200.0)], None, 11.24 / 15, 10),
    ("nothing", [], None, 0.0, 0),
    ("only the future", [ago(-1, 1200.0)], None, 0.0, 0),
    ("only the past", [ago(18, 1200.0)], None, 0.0, 0),
    ("one sample", [ago(10, 1200.0)], None, 2 / 15, 1),
    ("every two minutes", [ago(2 * n, 1100.0 + n) for n in range(8, 0, -1)],
     (1 * 1108 + 2 * sum(1100 + n for n in range(1, 8))) / 15, 1.0, 8),
    ("every three minutes", [ago(3 * n, 1100.0) for n in range(5, 0, -1)], None, 10 / 15, 5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "samples", "mean", "coverage", "used"), VECTORS, ids=[v[0] for v in VECTORS]
)
def test_rolling_mean(
    what: str, samples: list[Sample], mean: float | None, coverage: float, used: int
) -> None:
    del what
    found = mean_of(samples)
    assert found[0] == (mean if mean is None else pytest.approx(mean))
    assert found[1] == pytest.approx(coverage)
    assert found[2] == used


def naive_mean(rule: RollingMeanRule, samples: list[Sample], at: datetime) -> tuple[float, int]:
    """Look at each second of the window for the sample that holds then."""
    total, covered = 0.0, 0
    for second in range(int(rule.window.total_seconds())):
        moment = at - rule.window + timedelta(seconds=second)
        held = [s for s in samples if s.time <= moment < s.time + rule.shortest_hold]
        if held:
            total += held[-1].value
            covered += 1
    return total, covered


@given(
    st.lists(
        st.tuples(st.integers(0, 1200), st.integers(400, 3000)), max_size=40, unique_by=lambda pair: pair[0]
    )
)
def test_rolling_mean_is_what_looking_at_each_second_gives(pairs: list[tuple[int, int]]) -> None:
    samples = [
        Sample(AT - timedelta(seconds=back), float(value)) for back, value in sorted(pairs, reverse=True)
    ]
    mean, coverage, _ = mean_of(samples)
    total, covered = naive_mean(RULE, samples, AT)
    assert coverage == pytest.approx(covered / 900)
    assert mean == (pytest.approx(total / covered) if covered >= 675 else None)


def verdicts(*means: float | None, occupied: bool = True) -> list[Evaluation]:
    return [
        Evaluation(AT + timedelta(minutes=index), mean, 1.0, 15, occupied) for index, mean in enumerate(means)
    ]


def told(
    *means: float | None, is_open: bool = False, occupied: bool = True
) -> list[tuple[int | None, int | None]]:
    """Give (minute of the start, minute of the end) of each stretch."""
    found = hold_intervals(RULE, verdicts(*means, occupied=occupied), is_open=is_open)
    return [tuple(None if v is None else (v.at - AT).seconds // 60 for v in (s.start, s.end)) for s in found]  # type: ignore[misc] # a pair by construction


def test_rule_raises_at_1000_and_clears_below_900() -> None:
    assert told(999.9, 1000.0, 950.0, 900.0, 899.9) == [(1, 4)]
    assert told(999.9) == []


def test_values_around_the_threshold_do_not_flap() -> None:
    assert told(*[1001.0, 999.0] * 20) == [(0, None)]
    assert told(*[901.0, 999.0] * 20) == []


def test_silence_neither_raises_nor_clears() -> None:
    assert told(1100.0, None, None, None) == [(0, None)]
    assert told(None, None, is_open=True) == [(None, None)]
    assert told(None, 1100.0, None, 800.0, None, 1100.0) == [(1, 3), (5, None)]


def test_empty_room_raises_nothing_but_clears() -> None:
    assert told(1500.0, 1600.0, occupied=False) == []
    assert told(1500.0, 800.0, is_open=True, occupied=False) == [(None, 1)]


def test_peak_is_the_highest_mean_of_the_stretch() -> None:
    found = hold_intervals(RULE, verdicts(950.0, 1100.0, 1700.0, 1200.0, 800.0, 850.0), is_open=False)
    assert [stretch.peak for stretch in found] == [1700.0]
    assert [s.peak for s in hold_intervals(RULE, verdicts(None, 800.0), is_open=True)] == [-inf]


@given(st.lists(st.none() | st.floats(400, 3000), max_size=60), st.booleans(), st.integers(0, 60))
def test_judging_in_two_parts_is_judging_at_once(means: list[float | None], is_open: bool, cut: int) -> None:  # noqa: FBT001 - hypothesis fills it
    whole = verdicts(*means)
    at_once = hold_intervals(RULE, whole, is_open=is_open)
    first = hold_intervals(RULE, whole[:cut], is_open=is_open)
    second = hold_intervals(RULE, whole[cut:], is_open=bool(first) and first[-1].end is None)
    edges = [[(s.start, s.end) for s in part] for part in (at_once, first, second)]
    if edges[2] and edges[2][0][0] is None and edges[1]:
        edges[1][-1] = (edges[1][-1][0], edges[2].pop(0)[1])
    assert edges[0] == edges[1] + edges[2]


def test_whole_minutes_between_two_times() -> None:
    half = timedelta(seconds=30)
    minute = timedelta(minutes=1)
    assert list(minutes_between(AT, AT)) == [AT]
    assert list(minutes_between(AT + half, AT + half)) == []
    assert list(minutes_between(AT - half, AT + 2 * minute)) == [AT, AT + minute, AT + 2 * minute]


def test_somebody_seen_or_tapped_in_during_the_window_counts() -> None:
    def occupied(presence: list[Sample], visits: list[tuple[datetime, datetime | None]]) -> bool:
        seen = [sample.time.timestamp() for sample in presence if sample.value > 0]
        return occupied_at(seen, visits, AT, RULE.window)

    hours = timedelta(hours=1)
    assert not occupied([], [])
    assert occupied([ago(14, 1.0), ago(1, 0.0)], [])
    assert not occupied([ago(16, 1.0), ago(1, 0.0), ago(-1, 1.0)], [])
    assert occupied([], [(AT - 2 * hours, None)])
    assert occupied([], [(AT - 2 * hours, AT - timedelta(minutes=14))])
    assert not occupied([], [(AT - 2 * hours, AT - hours), (AT + hours, None)])


@pytest.mark.parametrize(
    ("step_s", "hold"),
    [
        (None, 120),
        (10, 120),
        (60, 120),
        (180, 270),
        (300, 450),
        (600, 900),
        (640, 900),
        (900, 120),
        (3600, 120),
    ],
)
def test_hold_follows_the_rhythm_between_two_minutes_and_a_quarter_of_an_hour(
    step_s: float | None, hold: float
) -> None:
    assert hold_s(RULE, step_s) == hold


@pytest.mark.parametrize(
    ("times", "step"),
    [
        ([0, 300, 600, 900, 1200], 300),
        ([0, 305, 598, 905, 1190, 1510], 300),
        ([0, 300, 600, 900, 1900, 2200, 2500], 300),  # a gap in it
        ([0, 300, 600, 900], None),  # too few
        ([0, 30, 600, 640, 2000, 2010, 3600], None),  # as things happen
        ([], None),
    ],
)
def test_rhythm_is_the_median_step_where_there_is_one(times: list[float], step: float | None) -> None:
    found = rhythm_s(times)
    assert found == (None if step is None else pytest.approx(step, rel=0.03))


def test_two_series_of_one_space_are_joined_with_their_own_holds() -> None:
    """The slow one is 900 throughout, the fast one 700 for 7 s, then 600 until its hold ends at 127 s."""
    slow, fast = (
        Samples([0.0, 300.0], [900.0, 900.0], [450.0, 450.0]),
        Samples([0.0, 7.0], [700.0, 600.0], [120.0] * 2),
    )
    assert [[*part] for part in astuple(Samples.joined([slow, fast]))] == [
        [0.0, 7.0, 127.0, 300.0],
        [800.0, 750.0, 900.0, 900.0],
        [7.0, 120.0, 173.0, 450.0],
        [2, 1, 0, 1],
    ]


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 1200), st.integers(400, 3000)), max_size=20, unique_by=itemgetter(0)
        ),
        min_size=2,
        max_size=3,
    )
)
def test_mean_of_several_sensors_is_what_looking_at_each_second_gives(
    sensors: list[list[tuple[int, int]]],
) -> None:
    start = AT.timestamp()
    parts = []
    for pairs in sensors:
        ordered = sorted((start - back, float(value)) for back, value in pairs)
        parts.append(Samples([t for t, _ in ordered], [v for _, v in ordered], [120.0] * len(ordered)))
    mean, coverage, used = RollingMean(RULE, Samples.joined(parts)).at(AT)
    total, covered = 0.0, 0
    for moment in range(int(start) - 900, int(start)):
        held = [
            [v for t, v in zip(part.times, part.values, strict=True) if t <= moment < t + 120][-1:]
            for part in parts
        ]
        now_valid = [value for values in held for value in values]
        total += sum(now_valid) / len(now_valid) if now_valid else 0.0
        covered += bool(now_valid)
    assert coverage == pytest.approx(covered / 900)
    assert mean == (pytest.approx(total / covered) if covered >= 675 else None)
    assert used >= sum(0 <= back < 900 for pairs in sensors for back, _ in pairs)
