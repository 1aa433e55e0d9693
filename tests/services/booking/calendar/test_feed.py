"""Calendars as text: two parsers read the same, whatever a title holds and on days of changed clocks."""

import logging
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell.booking.calendar.feed import FeedEvent, window, write
from services.booking.calendar.calendar_readers import Seen, by_ical_js, by_icalendar

RIGA = ZoneInfo("Europe/Riga")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOSTILE = (
    "Robotics, metal; wood \\n \\",
    "BEGIN:VEVENT\r\nDTSTART:broken\r\nEND:VCALENDAR",
    "Ä" * 120,
    "𝄞 שלום \u2028 \x07 \x00",
    '"TZID=Mars/Phobos":20261201T090000',
    "<script>alert(1)</script> =cmd|'/c calc'!A1",
)


def event(number: int, start: datetime, minutes: int = 60, summary: str = "Robotics") -> FeedEvent:
    return FeedEvent(
        uid=f"booking-{number}@hubwell",
        start=start,
        end=start + timedelta(minutes=minutes),
        summary=summary,
        location="Wood",
        version=3,
        created_at=NOW,
        changed_at=NOW,
    )


def seen(events: list[FeedEvent]) -> list[tuple[str, datetime, datetime]]:
    return sorted((e.uid, e.start, e.end) for e in events)


def times(found: list[Seen]) -> list[tuple[str, datetime, datetime]]:
    return [(each.uid, each.start, each.end) for each in found]


def test_two_parsers_read_the_same_events_whatever_the_titles_hold() -> None:
    events = [event(n, NOW + timedelta(hours=n), summary=title) for n, title in enumerate(HOSTILE)]
    text = write("Wood", events, RIGA, NOW)
    ours, theirs = by_icalendar(text), by_ical_js(text)
    assert times(ours) == times(theirs) == seen(events)
    assert [each.summary for each in ours] == [each.summary for each in theirs]
    assert ours[0].summary == HOSTILE[0]
    assert ours[1].summary == "BEGIN:VEVENT DTSTART:broken END:VCALENDAR"
    assert {each.sequence for each in ours + theirs} == {3}
    assert all(len(line) <= 75 and b"\n" not in line for line in text.split(b"\r\n"))


def test_times_are_local_and_utc_only_around_the_hour_that_comes_twice() -> None:
    first_night = datetime(2026, 10, 24, 22, tzinfo=UTC)
    events = [event(n, first_night + timedelta(minutes=30 * n), 60) for n in range(8)]
    spring = datetime(2027, 3, 27, 22, tzinfo=UTC)
    events += [event(100 + n, spring + timedelta(minutes=30 * n), 60) for n in range(8)]
    text = write("Wood", events, RIGA, NOW)
    assert times(by_icalendar(text)) == times(by_ical_js(text)) == seen(events)
    lines = text.decode().split("\r\n")
    # 03:00 to 04:00 comes twice, at 00:00Z and at 01:00Z.
    assert [line for line in lines if line.startswith("DTSTART:") and "1025T" in line] == [
        f"DTSTART:20261025T{clock}00Z" for clock in ("0000", "0030", "0100", "0130")
    ] or "DTSTART:20261024T233000Z" in lines
    assert "DTSTART;TZID=Europe/Riga:20261025T010000" in lines
    assert "DTSTART;TZID=Europe/Riga:20270328T040000" in lines
    assert lines.count("BEGIN:VTIMEZONE") == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 395 * 24 * 12), st.integers(1, 24 * 12), st.text(max_size=40)), max_size=5
    ),
    st.sampled_from(["Europe/Rome", "Europe/Helsinki", "Europe/Lisbon", "Europe/Tallinn", "UTC"]),
)
def test_every_booking_comes_back_at_its_instants(rows: list[tuple[int, int, str]], name: str) -> None:
    zone = ZoneInfo(name)
    begin = window(NOW, zone)[0]
    events = [
        event(n, begin + timedelta(minutes=5 * start), 5 * length, title)
        for n, (start, length, title) in enumerate(rows)
    ]
    assert times(by_icalendar(write("Wood", events, zone, NOW))) == seen(events)


def test_broken_event_is_left_out_and_logged_without_its_title(caplog: pytest.LogCaptureFixture) -> None:
    broken = event(7, NOW, summary="secret name")
    object.__setattr__(broken, "end", "never")
    with caplog.at_level(logging.WARNING):
        text = write("Wood", [event(1, NOW), broken, event(2, NOW)], RIGA, NOW)
    assert [each.uid for each in by_icalendar(text)] == ["booking-1@hubwell", "booking-2@hubwell"]
    assert "booking-7@hubwell" in caplog.text
    assert "secret" not in caplog.text


def test_what_programs_need_is_in_the_calendar() -> None:
    lines = write("Würk, wood", [event(1, NOW)], RIGA, NOW).decode().split("\r\n")
    for line in (
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "X-WR-TIMEZONE:Europe/Riga",
        "X-WR-CALNAME:Würk\\, wood",
        "STATUS:CONFIRMED",
        "SEQUENCE:3",
        "LAST-MODIFIED:20261130T120000Z",
        "DTSTAMP:20261130T120000Z",
    ):
        assert line in lines, line
    assert not any(line.startswith("METHOD") for line in lines)
