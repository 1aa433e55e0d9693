"""Times of recorded files: formats, zones, and the two hours at which clocks change."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.replay.recorded import layout, played, source_of, times
from hubwell_edge.sources.observation import SourceError

AUTUMN = "26.10.2025 "


def rows(*clock: str, day: str = AUTUMN) -> str:
    return "time;CO2\n" + "".join(f"{day}{time};{n}\n" for n, time in enumerate(clock, 1))


def test_repeated_hour_is_resolved_by_the_order_of_the_rows(tmp_path: Path) -> None:
    text = "time,CO2\n2025-10-26 03:50,1\n2025-10-26 03:00,2\n2025-10-26 03:10,3\n"
    source = source_of(tmp_path, text, layout(pattern="%Y-%m-%d %H:%M"))
    assert played(source) == [
        ("room/co2", datetime(2025, 10, 26, 0, 50, tzinfo=UTC), 1.0),
        ("room/co2", datetime(2025, 10, 26, 1, 0, tzinfo=UTC), 2.0),
        ("room/co2", datetime(2025, 10, 26, 1, 10, tzinfo=UTC), 3.0),
    ]


@pytest.mark.parametrize(
    ("clock", "hours"),
    [
        (("02:30", "03:00", "03:30", "03:00", "03:30", "04:00"), (-0.5, 0, 0.5, 1, 1.5, 2)),
        (("02:00", "03:00", "03:00", "04:00"), (-1, 0, 1, 2)),
        (("04:00", "03:30", "03:00", "03:30", "03:00", "02:30"), (2, 1.5, 1, 0.5, 0, -0.5)),
        (("05:00", "04:00", "03:05", "03:50"), (3, 2, 1 + 5 / 60, 50 / 60)),
    ],
    ids=["both hours", "hourly", "newest first", "newest first, a part"],
)
def test_rows_of_both_hours_follow_each_other(
    tmp_path: Path, clock: tuple[str, ...], hours: tuple[float, ...]
) -> None:
    midnight = datetime(2025, 10, 26, tzinfo=UTC).timestamp()
    taken = [time.timestamp() for _, time, _ in played(source_of(tmp_path, rows(*clock), layout()))]
    assert taken == pytest.approx([midnight + hour * 3600 for hour in hours])


@pytest.mark.parametrize(
    ("clock", "hours"),
    [
        (("03:10", "03:00", "03:50"), (1 + 1 / 6, 1, 5 / 6)),
        (("03:20", "03:10", "03:00", "03:50", "03:40"), (4 / 3, 7 / 6, 1, 5 / 6, 2 / 3)),
        (("03:40", "03:50", "03:00", "03:10", "03:20"), (2 / 3, 5 / 6, 1, 7 / 6, 4 / 3)),
    ],
    ids=["newest first", "newest first, five", "oldest first"],
)
def test_direction_of_a_file_of_that_hour_alone_is_the_one_without_a_hole(
    tmp_path: Path, clock: tuple[str, ...], hours: tuple[float, ...]
) -> None:
    test_rows_of_both_hours_follow_each_other(tmp_path, clock, hours)


def test_direction_of_the_other_entities_counts_for_one_with_that_hour_alone(tmp_path: Path) -> None:
    """a has rows in both hours only; b shows that the file begins with its newest row."""
    lines = ["04:30;b;4", "03:50;a;3", "03:40;a;2", "03:50;a;1", "02:30;b;0"]
    text = "time;e;v\n" + "".join(f"{AUTUMN}{line}\n" for line in lines)
    plan = layout("a=a/co2,ppm", "b=b/co2,ppm", top='long = { entity = "e", value = "v" }')
    assert times(source_of(tmp_path, text, plan))[1:4] == [
        "2025-10-26T01:50:00Z", "2025-10-26T01:40:00Z", "2025-10-26T00:50:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "clock",
    [
        ("02:30", "03:00", "03:30", "04:00"),
        ("03:30",),
        ("03:00", "03:30", "03:00", "03:30", "03:00"),
    ],
    ids=["one hour only", "one row", "three hours"],
)
def test_hour_that_the_order_does_not_resolve_is_refused_with_lines(
    tmp_path: Path, clock: tuple[str, ...]
) -> None:
    line = clock.index(next(time for time in clock if time.startswith("03"))) + 2
    with pytest.raises(
        SourceError, match=rf"line {line}: the time 2025-10-26 03:.*occurs twice.*ambiguous = "
    ):
        source_of(tmp_path, rows(*clock), layout())


@pytest.mark.parametrize(("choice", "hour"), [("first", "00:30"), ("second", "01:30")])
def test_map_decides_what_the_order_does_not(tmp_path: Path, choice: str, hour: str) -> None:
    plan = layout(zone=f'Europe/Helsinki"\nambiguous = "{choice}')
    assert times(source_of(tmp_path, rows("02:00", "03:30", "05:00"), plan))[1] == f"2025-10-26T{hour}:00Z"


def test_each_entity_has_its_own_order(tmp_path: Path) -> None:
    text = "time,entity,state\n" + "".join(
        f"26.10.2025 {clock},sensor.{entity},{n}\n"
        for entity in ("a", "b")
        for n, clock in enumerate(("03:30", "03:00", "03:30"))
    )
    plan = layout(
        "sensor.a=a/co2,ppm", "sensor.b=b/co2,ppm", top='long = {entity = "entity", value = "state"}'
    )
    assert (
        times(source_of(tmp_path, text, plan))
        == [f"2025-10-26T0{t}:00Z" for t in ("0:30", "1:00", "1:30")] * 2
    )


def test_hour_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    text = rows("02:59", "03:00", "03:59", "04:00", day="29.03.2026 ")
    with pytest.raises(SourceError, match=r"2 of 4 rows(.|\n)*line 3: .*does not exist(.|\n)*line 4: "):
        source_of(tmp_path, text, layout())
    source = source_of(tmp_path, text, layout(), skip_bad=True)
    assert times(source) == ["2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"]


@pytest.mark.parametrize(
    ("pattern", "text", "utc"),
    [
        ("%d.%m.%Y %H:%M", "24.12.2025 24:00", "2025-12-24T22:00:00Z"),
        ("%d.%m.%Y %H:%M:%S", "31.12.2025 24:00:00", "2025-12-31T22:00:00Z"),
        ("%d.%m.%Y %H.%M.%S", "24.12.2025 24.00.00", "2025-12-24T22:00:00Z"),
        ("%d.%m.%Y klo %H.%M", "1.3.2026 klo 8.05", "2026-03-01T06:05:00Z"),
        ("%Y-%m-%d %H:%M:%S", "2026-03-01 08:00:00.25", "2026-03-01T06:00:00.25Z"),
        ("%Y-%m-%d %H:%M:%S", "2026-03-01 08:00:00,5", "2026-03-01T06:00:00.5Z"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-03-01 08:00:00", "2026-03-01T06:00:00Z"),
        ("%Y-%m-%d %H:%M:%S", "2026-03-01 08:00:00.123456789", "2026-03-01T06:00:00.123456Z"),
        ("%Y-%m-%d %H:%M:%S%z", "2026-03-01 08:00:00+0530", "2026-03-01T02:30:00Z"),
        ("%Y-%m-%d %H:%M %Z", "2025-10-26 03:30 EEST", "2025-10-26T00:30:00Z"),
        ("%Y-%m-%d %H:%M %Z", "2025-10-26 03:30 EET", "2025-10-26T01:30:00Z"),
        ("%Y-%m-%d %H:%M %Z", "2025-10-26 03:30 UTC", "2025-10-26T03:30:00Z"),
        ("%Y-%m-%d %H:%M %Z", "2026-03-01 08:00 Europe/Helsinki", "2026-03-01T06:00:00Z"),
        ("iso", "2026-03-01T08:00:00.000Z", "2026-03-01T08:00:00Z"),
        ("iso", "2026-03-01T08:00:00+02:00", "2026-03-01T06:00:00Z"),
        ("iso", "2026-03-01 08:00:00+02", "2026-03-01T06:00:00Z"),
        ("iso", "2026-03-01 08:00", "2026-03-01T06:00:00Z"),
        ("iso", "2026-03-01 08:00:00 UTC", "2026-03-01T08:00:00Z"),
        ("iso", "2026-03-01T24:00", "2026-03-01T22:00:00Z"),
        ("unix", "1772344800", "2026-03-01T06:00:00Z"),
        ("unix", "1772344800,5", "2026-03-01T06:00:00.5Z"),
        ("unix-ms", "1772344800250", "2026-03-01T06:00:00.25Z"),
        ("unix-us", "1772344800250000", "2026-03-01T06:00:00.25Z"),
        ("unix-ns", "1772344800250000000", "2026-03-01T06:00:00.25Z"),
        ("excel", "46082,333333333", "2026-03-01T06:00:00Z"),
        ("%m/%d/%Y %I:%M %p", "03/01/2026 12:05 AM", "2026-02-28T22:05:00Z"),
    ],
)
def test_time_is_read(tmp_path: Path, pattern: str, text: str, utc: str) -> None:
    assert times(source_of(tmp_path, f"time;CO2\n{text};1\n", layout(pattern=pattern))) == [utc]


@pytest.mark.parametrize(
    ("pattern", "text", "reason"),
    [
        ("%d.%m.%Y %H:%M", "2026-03-01 08:00", "does not match format"),
        ("%Y-%m-%d %H:%M %Z", "2026-03-01 08:00 PST", "zone 'PST' .*neither UTC nor Europe/Helsinki .EET"),
        ("%Y-%m-%d %H:%M %Z", "2026-07-01 08:00 EET", "neither UTC nor Europe/Helsinki .EEST"),
        ("%Y-%m-%d %H:%M %Z", "2026-03-01 08:00", "without the name of a zone"),
        ("unix", "1772344800250", "write time.format = 'unix-ms'"),
        ("unix", "today", "does not match format 'unix'"),
        ("unix-ms", "1772344800", "write time.format = 'unix'"),
        ("unix-ms", "1772344800250000", "write time.format = 'unix-us'"),
        ("unix", "1772344800250000000", "write time.format = 'unix-ns'"),
        ("unix", "915148800", "is before 2000"),
        ("unix", "1e300", "too large"),
        ("%Y-%m-%d %H:%M", "1999-03-01 08:00", "is before 2000"),
        ("%Y-%m-%d %H:%M", "2199-03-01 08:00", "ahead of the server"),
        ("%d.%m.%Y %H:%M", "24.12.2025 24:30", "does not match format"),
        ("iso", "31.12.2025 08:00", "does not match format 'iso'"),
        ("excel", "inf", "not a number"),
    ],
)
def test_time_that_cannot_be_right_is_refused_with_its_line(
    tmp_path: Path, pattern: str, text: str, reason: str
) -> None:
    with pytest.raises(
        SourceError, match=rf"1 of 1 rows cannot be read, nothing was sent:\n  line 2: .*{reason}"
    ):
        source_of(tmp_path, f"time;CO2\n{text};1\n", layout(pattern=pattern))


@pytest.mark.parametrize("pattern", ["%Z %H:%M", "%H:%M %z %Z", "ISO8601"])
def test_format_that_is_not_understood_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SourceError, match=r"understood|not known"):
        source_of(tmp_path, "time;CO2\n", layout(pattern=pattern))


def days(*dates: str, hours: range = range(24)) -> str:
    return "time,CO2\n" + "".join(f"{date} {hour:02}:30,1\n" for date in dates for hour in hours)


@pytest.mark.parametrize(
    ("dates", "pattern", "evidence"),
    [
        (("11/03/2026", "12/03/2026", "13/03/2026"), "%m/%d/%Y %H:%M", "24 rows have no such date.*line 50"),
        (("01/02/2026", "02/02/2026", "03/02/2026"), "%m/%d/%Y %H:%M", "2 jumps of a month"),
        (("02/01/2026", "02/02/2026", "02/03/2026"), "%d/%m/%Y %H:%M", "2 jumps of a month"),
        (("03/02/2026", "02/02/2026", "01/02/2026"), "%m/%d/%Y %H:%M", "2 jumps of a month"),
    ],
    ids=["a day above 12", "days 1 to 3", "month-first read day-first", "newest first"],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_exchanged_days_and_months_are_seen_and_nothing_is_sent(
    tmp_path: Path, dates: tuple[str, ...], pattern: str, evidence: str, *, skip_bad: bool
) -> None:
    text = days(*dates, hours=range(23, -1, -1) if dates[0] > dates[-1] else range(24))
    with pytest.raises(SourceError, match=rf"days and months are exchanged.*{evidence}"):
        source_of(tmp_path, text, layout(pattern=pattern), skip_bad=skip_bad)


@pytest.mark.parametrize(
    ("dates", "hours"),
    [
        (("01/02/2026", "02/02/2026", "03/02/2026"), range(24)),
        (("31/01/2026", "01/02/2026"), range(24)),
        (("28/01/2026", "10/03/2026", "11/03/2026"), range(24)),
        (("05/01/2026", "09/02/2026"), range(24)),
        (("01/02/2026", "01/03/2026", "01/04/2026"), range(1)),
        (("05/05/2026",), range(24)),
    ],
    ids=["days 1 to 3", "a day above 12", "a pause", "a month's pause", "a reading a month", "one day"],
)
def test_right_dates_are_not_doubted(tmp_path: Path, dates: tuple[str, ...], hours: range) -> None:
    source = source_of(tmp_path, days(*dates, hours=hours), layout(pattern="%d/%m/%Y %H:%M"))
    assert len(times(source)) == len(dates) * len(hours)


def test_dates_that_look_exchanged_are_sent_when_the_map_says_so(tmp_path: Path) -> None:
    plan = layout(pattern="%m/%d/%Y %H:%M", zone='Europe/Helsinki"\nchecked = true\n#"')
    assert len(times(source_of(tmp_path, days("01/02/2026", "02/02/2026"), plan))) == 48
