"""Finding a space: honest about what is unknown, and nothing hidden shines through."""

from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hubwell.api.schemas import SpaceNow
from hubwell.vocabulary import CO2_FRESH_BELOW_PPM, SpaceKind
from hubwell.web.board.co2_plot import Step, bounds, draw
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


def test_room_left_promises_only_what_the_shown_number_allows() -> None:
    used: dict[str, Any] = {"state": "used", "capacity": 40}
    # Ten are shown: up to fourteen came before the number moved last, and up to four since.
    assert room_left(space(**used, fullness="third", people=10, people_from=NOW)) == 22
    assert room_left(space(**used, fullness=None)) == 0  # nobody knows how many


def test_kind_and_size_are_conditions() -> None:
    assert not fits(space(), Need(people=11))
    assert not fits(space(), Need(kind=SpaceKind.WORKSHOP))
    assert fits(space(), Need(people=10, kind=SpaceKind.COLLABORATION))


def steps(*minutes_ago: float, ppm: float = 600.0) -> list[Step]:
    return [Step(NOW - timedelta(minutes=ago), ppm, ppm) for ago in sorted(minutes_ago, reverse=True)]


def test_gap_in_readings_is_a_gap_in_the_line() -> None:
    plot = draw(steps(60, 55, 50, 30, 25, 5, 0), WORDS)

    assert plot.line.count("M") == 3
    assert len(plot.gaps) == 2


def test_lone_reading_is_a_dot_and_silence_until_now_is_shaded() -> None:
    plot = draw(steps(120), WORDS)

    assert (plot.line, len(plot.dots), len(plot.gaps)) == ("", 1, 1)


def test_finding_tells_how_long_it_was_too_much() -> None:
    assert "for about 15 minutes" in draw(steps(10, 5, 0, ppm=CO2_FRESH_BELOW_PPM), WORDS).finding
    long = draw(steps(*range(0, 180, 5), ppm=1400.0), WORDS)
    assert "for about 3 hours" in long.finding
    assert "Highest: 1400 ppm at" in long.finding
    assert draw([], WORDS).finding == "No CO₂ readings in the last 24 hours."


def test_finding_does_not_speak_for_hours_without_readings() -> None:
    assert draw(steps(10, 5, 0), WORDS).finding.endswith("There are readings for less than an hour of that.")
    three_hours = draw(steps(*range(0, 180, 5)), WORDS)
    assert three_hours.finding.endswith("There are readings for about 3 hours of that.")
    whole_day = draw(steps(*range(0, 24 * 60, 5)), WORDS)
    assert "readings for" not in whole_day.finding


def test_day_of_a_clock_change_has_every_hour_once() -> None:
    change = datetime(2026, 10, 25, 3, 0, tzinfo=UTC)  # two hours after Helsinki's clocks went back
    words = Formatter(NullTranslations(), ZoneInfo("Europe/Helsinki"), change)
    start, end = bounds(change)
    day = [Step(start + timedelta(minutes=5 * number), 500.0, 500.0) for number in range(288)]

    plot = draw(day, words)

    assert end - start == timedelta(hours=24)
    assert [hour.time for hour in plot.hours].count("03:00") == 2
    assert len({hour.start for hour in plot.hours}) == len(plot.hours)
    assert plot.line.count("M") == 1
