"""Finding a space: honest about what is unknown, and nothing hidden shines through."""

from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hubwell.api.schemas import SpaceNow
from hubwell.vocabulary import CO2_FRESH_BELOW_PPM, SpaceKind
from hubwell.web.board.co2_plot import Day, Step, bounds, draw
from hubwell.web.board.space_finder import Need, find, fits, room_left
from hubwell.web.kit.formatting import Formatter

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WORDS = Formatter(NullTranslations(), ZoneInfo("Europe/Helsinki"), NOW)


def space(name: str = "Room", **values: Any) -> SpaceNow:
    known: dict[str, Any] = {
        "id": name.lower(),
        "name": name,
        "kind": "collaboration",
        "capacity": 10,
        "zone": "",
        "state": "free",
        "fullness": "nobody",
        "people": None,
        "air": "fresh",
        "co2": 600.0,
        "temp": 21.0,
        "rh": 40.0,
        "noise": 35.0,
        "light": None,
        "last_heard": NOW,
        "presence_heard": NOW,
        "air_heard": NOW,
    }
    return SpaceNow.model_validate(known | values)


def test_free_comes_before_shared_and_small_before_large() -> None:
    spaces = [
        space("Shared", state="used", fullness="third", people=5, people_from=NOW, capacity=30),
        space("Large", capacity=40),
        space("Small", capacity=4),
        space("Stuffy", capacity=3, air="stuffy", co2=1300.0),
    ]

    answer = find(spaces, Need(people=2), WORDS)

    assert answer.best is not None
    assert answer.best.space.name == "Small"
    assert [other.space.name for other in answer.alternatives] == ["Large", "Stuffy"]


@pytest.mark.parametrize(
    "unknown",
    [{"state": "unknown"}, {"noise": None}, {"air": "unknown", "co2": None}],
)
def test_unknown_is_never_offered(unknown: dict[str, Any]) -> None:
    need = Need(quiet=True, fresh=True)

    assert find([space(**unknown)], need, WORDS).best is None


def test_probably_free_is_offered_after_free_and_says_so() -> None:
    forgotten = {"check_outs_missing": True, "fullness": None}
    answer = find([space("Forgotten", capacity=2, **forgotten), space("Free")], Need(people=2), WORDS)
    assert answer.best is not None
    assert answer.best.space.name == "Free"
    assert [other.space.name for other in answer.alternatives] == ["Forgotten"]
    assert answer.alternatives[0].reasons[0] == "It is probably free: no person is detected there."


@pytest.mark.parametrize(
    ("values", "state", "people"),
    [
        (
            {"check_outs_missing": True, "fullness": None},
            "Probably free",
            "No person detected for 10 minutes, but check-outs are missing.",
        ),
        (
            {"state": "used", "fullness": "half", "people": 5, "people_from": NOW},
            "In use",
            "About half full: 5 people between 14:00 and 14:05.",
        ),
        (
            {"state": "used", "fullness": "half", "people": 5, "people_from": None},
            "In use",
            "About half full: about 5 people.",
        ),
        ({"state": "used", "fullness": None, "people": None}, "In use", "Somebody is here."),
    ],
)
def test_people_in_words(values: dict[str, Any], state: str, people: str) -> None:
    """How many check-outs are missing is the number of a small group: it is not told."""
    assert (WORDS.state(space(**values)), WORDS.people(space(**values))) == (state, people)


@pytest.mark.parametrize(
    "silent",
    [
        {"presence_reason": "silent"},
        {"presence_reason": "in-doubt"},
        {"presence_reason": "no-sensor", "air": "unknown", "air_reason": "silent", "co2": None},
    ],
)
def test_space_whose_sensors_are_silent_is_never_offered(silent: dict[str, Any]) -> None:
    """Also where badges show that some are there: how many came since is not known."""
    used = space(state="used", capacity=40, fullness="third", people=10, people_from=NOW, **silent)

    assert find([used], Need(), WORDS).best is None


def test_space_without_sensors_is_offered_by_its_badges() -> None:
    none: dict[str, Any] = {
        "presence_reason": "no-sensor",
        "air_reason": "no-sensor",
        "air": "unknown",
        "co2": None,
    }
    used = space(state="used", capacity=40, fullness="third", people=10, people_from=NOW, **none)

    assert find([used], Need(), WORDS).best is not None


def test_offer_says_that_the_air_is_not_known_and_why() -> None:
    doubt = space(air="unknown", air_reason="in-doubt", co2=None)

    answer = find([doubt], Need(), WORDS)

    assert answer.best is not None
    assert answer.best.reasons[-1] == (
        "The air is not known. The CO₂ sensor is in doubt: its value cannot be right."
    )
    assert find([doubt], Need(fresh=True), WORDS).best is None


def test_room_left_promises_only_what_the_shown_number_allows() -> None:
    used: dict[str, Any] = {"state": "used", "capacity": 40}
    # Ten are shown: up to fourteen came before the number moved last, and up to four since.
    assert room_left(space(**used, fullness="third", people=10, people_from=NOW)) == 22
    assert room_left(space(**used, fullness=None)) == 0  # nobody knows how many


def test_kind_and_size_are_conditions() -> None:
    assert not fits(space(), Need(people=11))
    assert not fits(space(), Need(kind=SpaceKind.WORKSHOP))
    assert fits(space(), Need(people=10, kind=SpaceKind.COLLABORATION))


def steps(*minutes_ago: float, ppm: float = 600.0) -> Day:
    return Day([Step(NOW - timedelta(minutes=ago), ppm, ppm) for ago in sorted(minutes_ago, reverse=True)])


def test_gap_in_readings_is_a_gap_in_the_line() -> None:
    plot = draw(steps(60, 55, 50, 30, 25, 5, 0), WORDS)

    assert plot.line.count("M") == 3
    assert len(plot.gaps) == 2


def test_readings_in_doubt_are_marked_and_part_of_no_value() -> None:
    day = steps(60, 55, 50, 5, 0)
    day.doubtful.extend(NOW - timedelta(minutes=ago) for ago in (45, 40, 35, 30, 25, 20, 15, 10))

    plot = draw(day, WORDS)

    assert (plot.line.count("M"), plot.gaps, len(plot.doubts)) == (2, [], 1)
    assert "Highest: 600 ppm" in plot.finding
    assert plot.finding.endswith("The sensor was in doubt for about 40 minutes; those readings are left out.")
    only = draw(Day([], [NOW - timedelta(hours=3)]), WORDS)
    assert only.finding.startswith("No good CO₂ readings in the last 24 hours.")
    assert [hour.doubtful for hour in only.hours] == [True, False]


def test_lone_reading_is_a_dot_and_silence_until_now_is_shaded() -> None:
    plot = draw(steps(120), WORDS)

    assert (plot.line, len(plot.dots), len(plot.gaps)) == ("", 1, 1)


def test_finding_tells_how_long_it_was_too_much() -> None:
    assert "for about 15 minutes" in draw(steps(10, 5, 0, ppm=CO2_FRESH_BELOW_PPM), WORDS).finding
    long = draw(steps(*range(0, 180, 5), ppm=1400.0), WORDS)
    assert "for about 3 hours" in long.finding
    assert "Highest: 1400 ppm at" in long.finding
    assert draw(Day(), WORDS).finding == "No CO₂ readings in the last 24 hours."


def test_finding_does_not_speak_for_hours_without_readings() -> None:
    assert draw(steps(10, 5, 0), WORDS).finding.endswith("There are readings for less than an hour of that.")
    three_hours = draw(steps(*range(0, 180, 5)), WORDS)
    assert three_hours.finding.endswith("There are readings for about 3 hours of that.")
    stuffy = draw(steps(*range(0, 80, 5), ppm=1400.0), WORDS)
    assert "above 1000 ppm for about 80 minutes" in stuffy.finding
    assert stuffy.finding.endswith("There are readings for about 2 hours of that.")
    whole_day = draw(steps(*range(0, 24 * 60, 5)), WORDS)
    assert "readings for" not in whole_day.finding


def test_day_of_a_clock_change_has_every_hour_once() -> None:
    change = datetime(2026, 10, 25, 3, 0, tzinfo=UTC)  # two hours after Helsinki's clocks went back
    words = Formatter(NullTranslations(), ZoneInfo("Europe/Helsinki"), change)
    start, end = bounds(change)
    day = [Step(start + timedelta(minutes=5 * number), 500.0, 500.0) for number in range(288)]

    plot = draw(Day(day), words)

    assert end - start == timedelta(hours=24)
    assert [hour.time for hour in plot.hours].count("03:00") == 2
    assert len({hour.start for hour in plot.hours}) == len(plot.hours)
    assert plot.line.count("M") == 1
