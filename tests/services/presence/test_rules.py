from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell.events import CheckedIn, CheckedOut, InferredOut, Moved, VisitsChanged
from hubwell.presence.closing_hours import Hours
from hubwell.presence.rules import (
    Effect,
    Intent,
    Source,
    TapAt,
    Visit,
    credential_status,
    fold_taps,
    forgotten_at,
    movements,
)
from hubwell.vocabulary import LONGEST_VISIT

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
LATER = START + timedelta(days=30)
HOURS = Hours(ZoneInfo("UTC"), time(22), {"den": time(17, 30)})
SPACES = ["lab", "den", "loft"]
MINUTES = st.integers(0, 4 * 24 * 60)
INTENTS: list[tuple[Source, Intent]] = [
    ("reader", "toggle"), ("reader", "toggle"), ("desk", "in"), ("desk", "out"), ("self", "out"),
]  # fmt: skip
TAPS = st.lists(
    st.builds(
        lambda minutes, seconds, space, said, full: TapAt(
            START + timedelta(minutes=minutes, seconds=seconds), space, said[1], said[0], full
        ),
        st.integers(0, 4) | MINUTES,
        st.sampled_from([0, 1, 2, 4, 5, 9, 30]),
        st.sampled_from(SPACES),
        st.sampled_from(INTENTS),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def tap(hours: float, space: str = "lab", intent: Intent = "toggle", source: Source = "reader") -> TapAt:
    return TapAt(at(hours), space, intent, source)


def after(seconds: float, space: str = "lab") -> TapAt:
    return TapAt(START + timedelta(seconds=seconds), space)


def visits(taps: Sequence[TapAt], now: datetime = LATER) -> list[Visit]:
    return fold_taps(taps, now, HOURS).visits


def effects(taps: Sequence[TapAt]) -> list[Effect]:
    found = fold_taps(taps, LATER, HOURS).effects
    return [found[tap] for tap in taps]


def test_two_taps_are_a_visit() -> None:
    assert visits([tap(0), tap(2)]) == [Visit("lab", at(0), at(2), "tap")]
    assert effects([tap(0), tap(2)]) == ["in", "out"]


def test_tap_elsewhere_moves_the_person() -> None:
    taps = [tap(0), tap(1, "den"), tap(3, "den")]
    assert visits(taps) == [Visit("lab", at(0), at(1), "moved"), Visit("den", at(1), at(3), "tap")]
    assert effects(taps) == ["in", "moved", "out"]
    assert Moved(from_space_id="lab", space_id="den", at=at(1)) in movements([], visits(taps))


def test_first_fold_is_all_movements() -> None:
    """Of a whole day that arrives at once: each beginning and each end, in order of time."""
    after_visits = visits([tap(0), tap(1, "den"), tap(3, "den"), tap(4)])
    assert movements([], after_visits) == [
        CheckedIn(space_id="lab", at=at(0)),
        Moved(from_space_id="lab", space_id="den", at=at(1)),
        CheckedOut(space_id="den", at=at(3)),
        CheckedIn(space_id="lab", at=at(4)),
        InferredOut(space_id="lab", at=at(14)),
    ]


def test_same_visits_are_no_movement() -> None:
    stored = visits([tap(0), tap(2)])
    assert movements(stored, list(stored)) == []


def test_end_that_becomes_known_replaces_a_guess() -> None:
    guessed, ended = Visit("lab", at(0), at(12), "inferred"), Visit("lab", at(0), at(2), "corrected")
    assert movements([guessed], [ended]) == [CheckedOut(space_id="lab", at=at(2))]


def test_visits_that_are_removed_or_open_again_are_changes() -> None:
    ended, lasting = Visit("lab", at(0), at(2), "tap"), Visit("lab", at(0), None, None)
    assert movements([ended, Visit("den", at(3), at(4), "tap")], [lasting]) == [
        VisitsChanged(space_ids=("den", "lab"))
    ]


def test_visit_that_was_missed_before_a_known_one() -> None:
    """A late tap elsewhere: the visit that it ends was stored, the one after it begins earlier now."""
    stored = visits([tap(0), tap(5, "den")])
    found = movements(stored, visits([tap(0), tap(2, "loft"), tap(5, "den")]))
    assert found == [
        Moved(from_space_id="lab", space_id="loft", at=at(2)),
        VisitsChanged(space_ids=("loft",)),
    ]


def test_visit_lasts_until_somebody_ends_it() -> None:
    assert visits([tap(0)], at(11)) == [Visit("lab", at(0), None, None)]


def test_forgotten_visit_ends_at_closing_time() -> None:
    assert visits([tap(4)], at(15)) == [Visit("lab", at(4), at(14), "inferred")]  # the hub's, 22:00
    assert visits([tap(4, "den")], at(15)) == [Visit("den", at(4), at(9.5), "inferred")]  # its own, 17:30
    taps = [tap(4), tap(24), tap(25)]
    assert visits(taps) == [Visit("lab", at(4), at(14), "inferred"), Visit("lab", at(24), at(25), "tap")]
    assert effects(taps) == ["in", "in", "out"]


def test_forgotten_visit_ends_after_twelve_hours_where_closing_is_later() -> None:
    begun = tap(-1.5)  # 06:30
    assert visits([begun]) == [Visit("lab", begun.time, begun.time + LONGEST_VISIT, "inferred")]


def test_tap_after_closing_is_a_late_leaver() -> None:
    """At the door of the visit, until the longest stay; elsewhere and by the desk's "in" the person comes."""
    closing = at(14)
    leaver = TapAt(at(4) + LONGEST_VISIT, "lab")
    assert visits([tap(4), leaver]) == [Visit("lab", at(4), leaver.time, "tap")]
    late = TapAt(leaver.time + timedelta(seconds=1), "lab")
    assert visits([tap(4), late], late.time) == [
        Visit("lab", at(4), closing, "inferred"),
        Visit("lab", late.time, None, None),
    ]
    entered = TapAt(closing + timedelta(minutes=1), "lab", "in", "desk")
    assert effects([tap(4), entered]) == ["in", "in"]
    elsewhere = TapAt(closing + timedelta(minutes=1), "loft")
    assert visits([tap(4), elsewhere], elsewhere.time) == [
        Visit("lab", at(4), closing, "inferred"),
        Visit("loft", elsewhere.time, None, None),
    ]


def test_second_tap_of_one_gesture_does_not_count() -> None:
    gesture = [after(0), after(4), after(8)]
    assert visits(gesture, at(1)) == [Visit("lab", START, None, None)]
    assert effects(gesture) == ["in", "again", "again"]
    assert len(visits([*gesture, after(14)], at(1))) == 1


def test_two_places_at_once_are_doubtful_and_change_nothing() -> None:
    taps = [after(0), after(9, "den"), after(20, "den")]
    assert effects(taps) == ["in", "doubtful", "moved"]
    folded = fold_taps(taps[:2], at(1), HOURS)
    assert folded.visits == fold_taps(taps[:1], at(1), HOURS).visits
    assert folded.elsewhere == {taps[1]: "lab"}
    assert effects([after(0), after(10, "den")]) == ["in", "moved"]
    assert effects([after(0), after(4), after(12, "den")]) == ["in", "again", "doubtful"]


def test_what_is_said_at_the_desk_is_never_doubtful() -> None:
    said = TapAt(START + timedelta(seconds=2), "den", "in", "desk")
    assert effects([after(0), said, after(3, "loft")]) == ["in", "moved", "doubtful"]


def test_who_was_turned_away_stays_where_they_were() -> None:
    away = TapAt(at(1), "den", full=True)
    assert visits([tap(0), away, tap(2)]) == [Visit("lab", at(0), at(2), "tap")]
    assert effects([tap(0), away, tap(2)]) == ["in", "full", "out"]


def test_intents_do_one_thing_only() -> None:
    taps = [tap(0, "lab", "in", "desk"), tap(1, "lab", "in", "desk"), tap(2, "lab", "out", "desk")]
    assert visits([*taps, tap(3, "lab", "out", "desk")]) == [Visit("lab", at(0), at(2), "tap")]
    assert effects(taps) == ["in", "again", "out"]
    assert effects([tap(0), tap(1, "den", "out", "desk"), tap(2)]) == ["in", "again", "out"]


def test_what_a_person_says_of_their_leaving_is_a_correction() -> None:
    assert visits([tap(4), tap(15, "lab", "out", "self")]) == [Visit("lab", at(4), at(15), "corrected")]
    assert visits([tap(0), tap(12.5, "lab", "out", "self")])[0].ended_by == "inferred"


@pytest.mark.parametrize(
    ("start", "closing"),
    [
        ("2026-03-28 12:00", "2026-03-28 20:00"),  # Helsinki: UTC+2, clocks go forward the next night
        ("2026-03-29 12:00", "2026-03-29 19:00"),
        ("2026-10-24 12:00", "2026-10-24 19:00"),
        ("2026-10-25 12:00", "2026-10-25 20:00"),  # back at 01:00 UTC of this day
        ("2026-10-24 19:00", "2026-10-25 20:00"),  # at the closing time itself: the next one
    ],
)
def test_closing_time_is_that_on_the_wall(start: str, closing: str) -> None:
    hours = Hours(ZoneInfo("Europe/Helsinki"), time(22))
    begun, ends = (datetime.fromisoformat(f"{text}+00:00") for text in (start, closing))
    assert hours.closing_after("lab", begun) == ends
    assert forgotten_at("lab", begun, hours) == min(ends, begun + LONGEST_VISIT)


def test_closing_time_that_a_clock_change_skips_or_repeats() -> None:
    hours = Hours(ZoneInfo("Europe/Helsinki"), time(3, 30))
    spring = datetime(2026, 3, 28, 20, tzinfo=UTC)
    assert hours.closing_after("lab", spring) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    autumn = datetime(2026, 10, 24, 20, tzinfo=UTC)
    assert hours.closing_after("lab", autumn) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    between = datetime(2026, 10, 25, 1, tzinfo=UTC)
    assert hours.closing_after("lab", between) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_credential_is_worth_something_within_its_time() -> None:
    assert credential_status(at(0), at(2), at(1)) == "valid"
    assert credential_status(at(0), at(2), at(0)) == "valid"
    assert credential_status(at(0), at(2), at(2)) == "revoked"
    assert credential_status(at(0), None, at(-1)) == "not-yet"
    assert credential_status(None, None, at(-1)) == "valid"


@given(taps=TAPS, data=st.data())
def test_order_and_copies_do_not_matter(taps: list[TapAt], data: st.DataObject) -> None:
    copies = data.draw(st.lists(st.sampled_from(taps), max_size=4)) if taps else []
    shuffled = data.draw(st.permutations(taps + copies))
    assert fold_taps(shuffled, LATER, HOURS) == fold_taps(taps, LATER, HOURS)


@given(taps=TAPS, now=MINUTES)
def test_nobody_is_in_two_places(taps: list[TapAt], now: int) -> None:
    found = visits(taps, START + timedelta(minutes=now))
    for earlier, later in pairwise(found):
        assert earlier.end is not None
        assert earlier.start < earlier.end <= later.start
    assert all(visit.end is None or visit.end - visit.start <= LONGEST_VISIT for visit in found)
    for visit in found:
        closing = HOURS.closing_after(visit.space_id, visit.start)
        assert visit.end is None or visit.ended_by != "moved" or visit.end <= closing
        assert visit.ended_by != "inferred" or visit.end == min(closing, visit.start + LONGEST_VISIT)


@given(taps=TAPS)
def test_doubtful_and_turned_away_taps_change_nothing(taps: list[TapAt]) -> None:
    folded = fold_taps(taps, LATER, HOURS)
    counting = [tap for tap in taps if folded.effects[tap] not in {"doubtful", "full"}]
    assert fold_taps(counting, LATER, HOURS).visits == folded.visits
