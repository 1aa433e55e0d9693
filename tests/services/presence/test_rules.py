from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hubwell.presence.rules import LONGEST, TapAt, Visit, fold_taps

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
LATER = START + timedelta(days=30)
MINUTES = st.integers(0, 4 * 24 * 60)
TAPS = st.lists(
    st.builds(
        lambda minutes, seconds, space: TapAt(START + timedelta(minutes=minutes, seconds=seconds), space),
        st.integers(0, 4) | MINUTES,
        st.sampled_from([0, 1, 2, 4, 5, 30]),
        st.sampled_from(["lab", "den", "loft"]),
    ),
    max_size=12,
)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def tap(hours: float, space: str = "lab") -> TapAt:
    return TapAt(at(hours), space)


def test_two_taps_are_a_visit() -> None:
    assert fold_taps([tap(0), tap(2)], LATER) == [Visit("lab", at(0), at(2), "tap")]


def test_tap_elsewhere_moves_the_person() -> None:
    visits = fold_taps([tap(0), tap(1, "den"), tap(3, "den")], LATER)
    assert visits == [Visit("lab", at(0), at(1), "moved"), Visit("den", at(1), at(3), "tap")]


def test_visit_lasts_until_somebody_ends_it() -> None:
    assert fold_taps([tap(0)], at(11)) == [Visit("lab", at(0), None, None)]


def test_forgotten_visit_ends_as_inferred() -> None:
    assert fold_taps([tap(0)], at(13)) == [Visit("lab", at(0), at(0) + LONGEST, "inferred")]
    visits = fold_taps([tap(0), tap(14), tap(15)], LATER)
    assert visits == [Visit("lab", at(0), at(12), "inferred"), Visit("lab", at(14), at(15), "tap")]


def test_second_tap_of_one_gesture_does_not_count() -> None:
    seconds = timedelta(seconds=1)
    gesture = [TapAt(START, "lab"), TapAt(START + 4 * seconds, "lab"), TapAt(START + 8 * seconds, "lab")]
    assert fold_taps(gesture, at(1)) == [Visit("lab", START, None, None)]
    assert len(fold_taps([*gesture, TapAt(START + 14 * seconds, "lab")], at(1))) == 1


@given(taps=TAPS, data=st.data())
def test_order_and_copies_do_not_matter(taps: list[TapAt], data: st.DataObject) -> None:
    copies = data.draw(st.lists(st.sampled_from(taps), max_size=4)) if taps else []
    shuffled = data.draw(st.permutations(taps + copies))
    assert fold_taps(shuffled, LATER) == fold_taps(taps, LATER)


@given(taps=TAPS, now=MINUTES)
def test_nobody_is_in_two_places(taps: list[TapAt], now: int) -> None:
    visits = fold_taps(taps, START + timedelta(minutes=now))
    for earlier, later in pairwise(visits):
        assert earlier.end is not None
        assert earlier.start < earlier.end <= later.start
    assert all(visit.end is None or visit.end - visit.start <= LONGEST for visit in visits)
