"""Seven days of a device, hour by hour, with numbers worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from hubwell.history.availability import State, judge

NOW = datetime(2026, 11, 30, 10, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
THIS_HOUR = NOW.replace(minute=0)
WHOLE = 0b111111111111


def states(steps: dict[datetime, int], since: datetime | None, every_s: float | None = 10) -> list[State]:
    return [hour.state for hour in judge(steps, since=since, every_s=every_s, now=NOW).hours]


def test_hour_is_heard_whole_in_part_or_not_at_all() -> None:
    steps = {
        THIS_HOUR: 0b1111,  # twenty minutes have passed
        THIS_HOUR - HOUR: WHOLE,
        THIS_HOUR - 2 * HOUR: WHOLE >> 1,  # one step may be late
        THIS_HOUR - 3 * HOUR: WHOLE >> 2,
    }
    found = states(steps, since=THIS_HOUR - 5 * HOUR)
    assert len(found) == 7 * 24
    assert found[-6:] == [
        State.SILENT,
        State.SILENT,
        State.PARTLY,
        State.HEARD,
        State.HEARD,
        State.HEARD,
    ]
    assert set(found[:-6]) == {State.UNKNOWN}


def test_recording_from_before_the_registration_is_known() -> None:
    found = states({THIS_HOUR - 9 * HOUR: WHOLE}, since=THIS_HOUR - 2 * HOUR)
    assert found[-10:-1] == [State.HEARD, *[State.SILENT] * 8]


@pytest.mark.parametrize(
    ("every_s", "state"), [(600.0, State.HEARD), (10.0, State.PARTLY), (None, State.PARTLY)]
)
def test_sensor_that_measures_seldom_needs_one_reading_an_hour(every_s: float | None, state: State) -> None:
    assert states({THIS_HOUR - HOUR: 0b100}, THIS_HOUR - 3 * HOUR, every_s)[-2] is state


def test_sensor_that_measures_once_in_hours_is_never_called_silent() -> None:
    assert State.SILENT not in states({THIS_HOUR - 20 * HOUR: 1}, THIS_HOUR - 90 * HOUR, 6 * 3600.0)


def test_what_measures_nothing_and_the_first_minutes_of_an_hour_are_not_known() -> None:
    assert set(states({}, since=None)) == {State.UNKNOWN}
    early = judge({}, since=NOW - timedelta(days=3), every_s=10, now=THIS_HOUR + timedelta(minutes=6))
    assert [hour.state for hour in early.hours[-2:]] == [State.SILENT, State.UNKNOWN]


def test_longest_silence_is_the_longest_run_of_whole_hours() -> None:
    steps = {THIS_HOUR - n * HOUR: WHOLE for n in range(1, 40) if n not in {5, 11, 12, 13}}
    availability = judge(steps, since=THIS_HOUR - 39 * HOUR, every_s=10, now=NOW)
    silence = availability.longest_silence
    assert silence is not None
    assert (silence.start, silence.end) == (THIS_HOUR - 13 * HOUR, THIS_HOUR - 10 * HOUR)
    assert availability.count(State.SILENT) == 5  # the current hour too: twenty minutes without a reading
    assert availability.known == 40
