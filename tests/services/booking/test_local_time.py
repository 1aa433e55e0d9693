"""Times on the clocks of a zone, on the days on which clocks change and on others."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell.booking.local_time import (
    Skipped,
    as_local,
    at_or_after,
    comes_twice,
    day_bounds,
    read_local,
    resolve,
)

ZONES = (
    "Europe/Rome",
    "Europe/Helsinki",
    "Europe/Lisbon",
    "Europe/Riga",
    "Europe/Tallinn",
    "Europe/Amsterdam",
)
MINUTES = st.datetimes(datetime(2026, 1, 1), datetime(2040, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(second=0, microsecond=0)
)


def local(text: str) -> datetime:
    moment = read_local(text)
    assert moment is not None
    return moment


@pytest.mark.parametrize(
    ("zone", "text", "instant"),
    [
        ("Europe/Rome", "2026-10-24T09:00", "07:00"),
        ("Europe/Rome", "2026-10-25T09:00", "08:00"),
        ("Europe/Rome", "2026-10-25T02:30", "00:30"),  # twice: the first
        ("Europe/Helsinki", "2026-10-25T03:30", "00:30"),
        ("Europe/Lisbon", "2026-10-25T01:30", "00:30"),
        ("Europe/Helsinki", "2027-03-28T07:00", "04:00"),
        ("Europe/Lisbon", "2027-03-28T07:00", "06:00"),
    ],
)
def test_time_on_the_clocks_is_an_instant(zone: str, text: str, instant: str) -> None:
    moment = resolve(local(text), ZoneInfo(zone))
    assert isinstance(moment, datetime)
    assert f"{moment.astimezone(UTC):%H:%M}" == instant


@pytest.mark.parametrize(
    ("zone", "text", "following"),
    [
        ("Europe/Rome", "2027-03-28T02:30", "2027-03-28T03:00"),
        ("Europe/Helsinki", "2027-03-28T03:00", "2027-03-28T04:00"),
        ("Europe/Lisbon", "2027-03-28T01:59", "2027-03-28T02:00"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-31T00:00"),  # the day that Samoa left out
    ],
)
def test_time_that_clocks_skip_is_named_with_the_next(zone: str, text: str, following: str) -> None:
    assert resolve(local(text), ZoneInfo(zone)) == Skipped(local(following))
    assert as_local(at_or_after(local(text), ZoneInfo(zone)), ZoneInfo(zone)) == following


@pytest.mark.parametrize("zone", ZONES)
def test_days_of_changed_clocks_have_another_length(zone: str) -> None:
    hours = [
        (end - start) / timedelta(hours=1)
        for start, end in (day_bounds(day, ZoneInfo(zone)) for day in (date(2026, 10, 25), date(2027, 3, 28)))
    ]
    assert hours == [25, 23]


def test_time_that_comes_twice_is_known_by_its_first_instant_only() -> None:
    rome = ZoneInfo("Europe/Rome")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert comes_twice(first, rome)
    assert not comes_twice(first + timedelta(hours=1), rome)
    assert not comes_twice(first + timedelta(days=1), rome)


@given(MINUTES, st.sampled_from(ZONES))
def test_every_instant_shows_the_time_that_was_meant(moment: datetime, key: str) -> None:
    """Judged by the standard library alone, from the instant back to the clocks."""
    zone = ZoneInfo(key)
    resolved = resolve(moment, zone)
    hour_later = moment + timedelta(hours=1)
    if isinstance(resolved, Skipped):
        assert moment < resolved.next_shown <= hour_later
        assert isinstance(resolve(resolved.next_shown, zone), datetime)
        return
    assert resolved.astimezone(zone).replace(tzinfo=None, fold=0) == moment
    earlier = (resolved - timedelta(hours=1)).astimezone(zone).replace(tzinfo=None, fold=0)
    assert earlier != moment, "of two instants the first is meant"
    assert comes_twice(resolved, zone) == (
        (resolved + timedelta(hours=1)).astimezone(zone).replace(tzinfo=None, fold=0) == moment
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-12-01",
        "09:30",
        "2026-12-01T09:30Z",
        "2026-12-01T09:30+02:00",
        "2026-13-01T09:30",
        "2026-12-01T24:30",
    ],
)
def test_text_that_is_no_time_on_the_clocks_is_none(text: str) -> None:
    assert read_local(text) is None
