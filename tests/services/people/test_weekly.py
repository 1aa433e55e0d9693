"""Sessions of each week on the hub's clocks: which days, across clock changes, and what cannot be."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from hubwell.errors import DomainError
from hubwell.people.weekly import MOST_SESSIONS, WeeklyPlan, days_of, plans_of

ZONE = ZoneInfo("Europe/Helsinki")
NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)
WEEKLY = WeeklyPlan(
    title="Turning",
    purpose="Certificates",
    space_id="wood",
    first=date(2027, 3, 16),
    until=date(2027, 4, 6),
    start=time(9, 30),
    end=time(11),
)


def refused(weekly: WeeklyPlan) -> dict[str, str]:
    """Return code by field of everything that is wrong with a plan."""
    with pytest.raises(DomainError) as error:
        plans_of(weekly, ZONE, NOW)
    return {each.field: each.code for each in (error.value, *error.value.also)}


def test_each_week_is_the_same_time_on_the_clocks_in_summer_and_in_winter() -> None:
    """In Finland the clocks change on 28 March 2027: 09:30 is 07:30 UTC before and 06:30 UTC after."""
    starts = [plan.start.astimezone(UTC) for plan in plans_of(WEEKLY, ZONE, NOW)]
    assert [(start.month, start.day, start.hour) for start in starts] == [
        (3, 16, 7), (3, 23, 7), (3, 30, 6), (4, 6, 6),
    ]  # fmt: skip
    assert all((plan.end - plan.start).total_seconds() == 90 * 60 for plan in plans_of(WEEKLY, ZONE, NOW))


def test_last_day_is_inside_and_days_are_left_out() -> None:
    assert days_of(date(2027, 3, 16), date(2027, 4, 5)) == [date(2027, 3, day) for day in (16, 23, 30)]
    without = replace(WEEKLY, without=frozenset({date(2027, 3, 30), date(2027, 3, 31)}))
    assert [plan.start.day for plan in plans_of(without, ZONE, NOW)] == [16, 23, 6]


def test_day_on_which_the_clocks_skip_the_time_is_named_and_can_be_left_out() -> None:
    sundays = replace(WEEKLY, first=date(2027, 3, 21), start=time(3, 30), end=time(5))
    assert refused(sundays) == {"start": "series-clocks"}
    left_out = replace(sundays, without=frozenset({date(2027, 3, 28)}))
    assert [plan.start.astimezone(ZONE).hour for plan in plans_of(left_out, ZONE, NOW)] == [3, 3]


def test_what_cannot_be_is_refused_with_its_field() -> None:
    assert refused(replace(WEEKLY, until=date(2027, 3, 22))) == {"until": "series-until-first"}
    assert refused(replace(WEEKLY, until=date(2030, 3, 22))) == {"until": "series-too-long"}
    assert refused(replace(WEEKLY, without=frozenset(days_of(WEEKLY.first, WEEKLY.until)))) == {
        "without": "series-empty"
    }
    everything = replace(WEEKLY, title=" ", purpose="", kept_days=0, end=time(9), until=date(2027, 3, 16))
    assert refused(everything) == {
        "title": "title-missing",
        "purpose": "purpose-missing",
        "days": "roll-too-short",
        "until": "series-until-first",
        "end": "session-ends-before-it-begins",
    }
    assert refused(replace(WEEKLY, first=date(2026, 12, 29))) == {"day": "long-ago"}
    assert refused(replace(WEEKLY, end=time(18))) == {"end": "session-too-long"}


def test_longest_series_is_two_years() -> None:
    longest = replace(WEEKLY, first=date(2027, 1, 5), until=date(2028, 12, 26))
    assert len(plans_of(longest, ZONE, NOW)) == MOST_SESSIONS
