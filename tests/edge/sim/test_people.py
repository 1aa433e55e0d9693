import re
from collections import Counter
from datetime import date, timedelta

import pytest

from hubwell_edge.sim.people import People, Stay
from hubwell_edge.sim.scenario import load_scenario

DAY = date(2026, 11, 22)
DAYS = (DAY - timedelta(days=1), DAY, DAY + timedelta(days=1))


def everybody() -> list[Stay]:
    people = People(load_scenario())
    return [stay for day in DAYS for stay in people.day(day).stays]


def test_day_follows_from_seed_and_date() -> None:
    demo = load_scenario()
    again = People(demo)
    again.day(DAY + timedelta(days=1))
    assert again.day(DAY) == People(demo).day(DAY)
    assert People(demo).day(DAY) != People(demo).day(DAY + timedelta(days=1))
    assert People(demo).day(DAY) != People(demo.model_copy(update={"seed": 3})).day(DAY)


def test_nobody_is_in_two_places() -> None:
    until: dict[str, float] = {}
    for stay in sorted(everybody(), key=lambda stay: stay.since):
        assert until.get(stay.learner, 0) <= stay.since < stay.until
        until[stay.learner] = stay.until


def test_no_space_is_fuller_than_it_may_be() -> None:
    capacity = {space.id: space.capacity for space in load_scenario().spaces}
    there: Counter[str] = Counter()
    changes = [(stay.since, 1, stay.space) for stay in everybody()]
    changes += [(stay.until, -1, stay.space) for stay in everybody()]
    for _, step, space in sorted(changes):
        there[space] += step
        assert 0 <= there[space] <= capacity[space]


def test_fewer_people_tap_than_are_there() -> None:
    day = People(load_scenario()).day(DAY)
    learners = {stay.learner for stay in day.stays}
    badges = {tap.badge for tap in day.taps}
    assert 0.4 * len(learners) < len(badges) < 0.85 * len(learners)
    assert all(re.fullmatch(r"[0-9a-f]{32}", badge) for badge in badges)


def test_some_forget_the_last_tap_and_most_do_not() -> None:
    # Whoever leaves properly taps twice in the last space; the server sees a visit that never ends of others.
    open_visits = closed_visits = 0
    last: dict[str, str | None] = {}
    for tap in People(load_scenario()).day(DAY).taps:
        last[tap.badge] = None if last.get(tap.badge) == tap.space else tap.space
    for space in last.values():
        open_visits += space is not None
        closed_visits += space is None
    assert 0 < open_visits < closed_visits


def test_taps_at_one_reader_never_share_a_millisecond() -> None:
    demo = load_scenario()
    people = People(demo)
    for space in demo.spaces:
        taps = people.taps(space.id, 0, 2**33, (DAY,))
        times = [tap.at_ms for tap in taps]
        assert times == sorted(set(times))
        assert all(at % 1000 for at in times)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_timetable_keeps_local_time_when_the_clock_changes(day: date) -> None:
    demo = load_scenario()
    first = min(stay.since for stay in People(demo).day(day).stays)
    usual = min(stay.since for stay in People(demo).day(day + timedelta(days=7)).stays)
    assert abs(usual - first - 7 * 86400) < 600
