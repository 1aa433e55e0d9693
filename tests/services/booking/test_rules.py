"""Rules of bookings at fixed moments: clock changes, opening hours, room; and every broken rule at once."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hubwell.booking import rules
from hubwell.booking.rules import BookableSpace, BookingInput, Part
from hubwell.errors import DomainError
from hubwell.vocabulary import SpaceKind

NOW = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")


def space(opens: time | None = None, closes: time | None = None, parts: int = 1) -> BookableSpace:
    return BookableSpace(
        id="wood",
        name="Wood",
        kind=SpaceKind.WORKSHOP,
        capacity=14,
        opens_at=opens,
        closes_at=closes,
        turnaround=timedelta(),
        parts=tuple(Part(number, f"Bench {number}") for number in range(1, parts + 1)),
        names={},
    )


def refusals(given: BookingInput, of: BookableSpace | DomainError | None = None) -> dict[str, str]:
    """Return the codes of what is refused, by field."""
    with pytest.raises(DomainError) as refused:
        rules.plan_of(given, of or space(), ROME, NOW)
    return {each.field: each.code for each in (refused.value, *refused.value.also)}


def entered(start: str = "2026-10-21T09:00", end: str = "2026-10-21T10:00", **values: object) -> BookingInput:
    usual = {"space": "wood", "people": "2", "title": "Robotics"} | values
    return BookingInput(start=start, end=end, **usual)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-10-24T22:00", "2026-10-25T06:00", 9.0),  # by wall clock, over the night with an hour more
        ("2027-03-27T22:00", "2027-03-28T06:00", 7.0),
        ("2026-10-25T02:30", "2026-10-25T03:30", 2.0),
        ("2027-03-28T01:30", "2027-03-28T03:30", 1.0),
    ],
)
def test_length_over_a_clock_change_is_the_real_one(start: str, end: str, hours: float) -> None:
    term = rules.read_term(start, end, ROME, NOW)
    assert (term.end - term.start) / timedelta(hours=1) == hours


def test_skipped_time_is_refused_with_the_next_one() -> None:
    with pytest.raises(DomainError) as refused:
        rules.read_term("2027-03-28T02:30", "2027-03-28T03:30", ROME, NOW)
    assert refused.value.code == "booking-start-skipped"
    assert "03:00" in str(refused.value)


def test_every_broken_rule_is_named_at_once() -> None:
    given = entered("2026-10-19T09:00", "2026-10-20T22:00", people="0", title=" ", zone="", parts=[9])
    assert refusals(given) == {
        "start": "booking-start-past",
        "end": "booking-too-long",
        "people": "booking-people-unreadable",
        "title": "booking-title-missing",
        "parts": "booking-part-unknown",
    }


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"end": "2026-10-21T09:00"}, "end", "booking-ends-first"),
        ({"end": "2026-10-21T08:00"}, "end", "booking-ends-first"),
        ({"end": "2026-10-22T09:01"}, "end", "booking-too-long"),
        ({"start": "2026-10-20T09:54"}, "start", "booking-start-past"),
        ({"start": "2027-10-20T11:00", "end": "2027-10-20T12:00"}, "start", "booking-too-far-ahead"),
        ({"start": "tomorrow"}, "start", "booking-start-unreadable"),
        ({"start": "2026-10-21T09:00Z"}, "start", "booking-start-unreadable"),
        ({"end": "9999-12-31T09:00"}, "end", "booking-end-unreadable"),
        ({"zone": "Mars/Phobos"}, "zone", "booking-zone-unknown"),
        ({"zone": "../etc/passwd"}, "zone", "booking-zone-unknown"),
        ({"people": "15"}, "people", "booking-too-many-people"),
        ({"people": "-1"}, "people", "booking-people-unreadable"),
        ({"people": "1" * 40}, "people", "booking-people-unreadable"),
        ({"title": "x" * 121}, "title", "booking-title-too-long"),
    ],
)
def test_input_that_cannot_be_is_refused_at_its_field(values: dict[str, str], field: str, code: str) -> None:
    assert refusals(entered(**values))[field] == code


def test_day_of_twenty_four_hours_and_a_start_a_moment_ago_are_allowed() -> None:
    day = rules.plan_of(entered(end="2026-10-22T09:00"), space(), ROME, NOW)
    assert day.term.end - day.term.start == timedelta(hours=24)
    late = rules.plan_of(entered("2026-10-20T09:55", "2026-10-20T11:00"), space(), ROME, NOW)
    assert NOW - late.term.start == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("hours", "term", "refused"),
    [
        ("08:00-18:00", "2026-10-21T08:00 2026-10-21T18:00", ""),
        ("08:00-18:00", "2026-10-21T07:59 2026-10-21T09:00", "start"),
        ("08:00-18:00", "2026-10-21T17:00 2026-10-21T18:01", "start"),
        ("08:00-18:00", "2026-10-21T17:00 2026-10-22T09:00", "start"),
        ("20:00-06:00", "2026-10-24T22:00 2026-10-25T06:00", ""),
        ("20:00-06:00", "2026-10-24T22:00 2026-10-25T06:01", "start"),
        ("08:00-", "2026-10-21T22:00 2026-10-22T00:00", ""),
        ("08:00-", "2026-10-21T22:00 2026-10-22T00:01", "start"),
        ("-18:00", "2026-10-21T00:00 2026-10-21T18:00", ""),
        ("02:30-18:00", "2027-03-28T03:00 2027-03-28T04:00", ""),  # opens at a time that is skipped
        ("-", "2026-10-21T22:00 2026-10-22T20:00", ""),
    ],
)
def test_booking_is_within_opening_hours(hours: str, term: str, refused: str) -> None:
    opens, closes = (time.fromisoformat(text) if text else None for text in hours.split("-"))
    given = entered(*term.split())
    if refused:
        assert refusals(given, space(opens, closes)) == {refused: "booking-space-closed"}
    else:
        assert rules.plan_of(given, space(opens, closes), ROME, NOW).parts == (1,)


def test_parts_share_the_room_of_their_space() -> None:
    benches = space(parts=4)
    assert [benches.room_for(range(1, number + 1)) for number in (1, 2, 3, 4)] == [3, 6, 9, 14]
    assert refusals(entered(parts=[1, 2], people="7"), benches) == {"people": "booking-too-many-people"}
