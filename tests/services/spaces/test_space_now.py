"""What board and dashboards show of a space, on every engine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import sql

from feed.ingest_setup import commit, device_in, one, reading, rows
from feed.simulated_device import Device
from lanes.database_lane import Database
from services.privacy.count_windows import publish

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _begin_now() -> None:
    """What is fresh depends on the clock, and the suite may have been running for a while."""
    globals()["NOW"] = datetime.now(UTC).replace(microsecond=0)


def now_in(url: str, space: str, *columns: str) -> tuple[Any, ...]:
    query = sql.SQL("SELECT {} FROM space_now WHERE space_id = %s")
    (row,) = rows(url, query.format(sql.SQL(", ").join(map(sql.Identifier, columns))), space)
    return row


def visitors(url: str, space: str, people: int) -> None:
    with reading(url) as conn:
        conn.execute("DELETE FROM person")
        conn.execute("DELETE FROM people_figure")
        conn.execute("DELETE FROM people_gate")
        conn.execute(
            """WITH new AS (
                   INSERT INTO person (kind) SELECT 'enrolled' FROM generate_series(1, %s) RETURNING id
               )
               INSERT INTO visit (person_id, space_id, during)
               SELECT id, %s, tstzrange(now() - interval '1 h', NULL) FROM new""",
            (people, space),
        )


def test_states_of_a_space(lane_database: Database) -> None:
    url = lane_database.url
    said = {"silent": None, "stale": -6, "free": 0.0, "used": 1.0, "ahead": 4}
    pis = {name: device_in(url, name) for name in said}
    commit(
        url,
        [
            pis["stale"].telemetry(NOW - 6 * MINUTE, {"presence": 1.0, "co2": 800.0}),
            pis["free"].telemetry(NOW - MINUTE, {"presence": 0.0}),
            pis["used"].telemetry(NOW - MINUTE, {"presence": 1.0}),
            pis["ahead"].telemetry(NOW + 4 * MINUTE, {"presence": 1.0}),
        ],
    )
    states = dict(rows(url, "SELECT space_id, state FROM space_now"))
    assert states == {
        "silent": "unknown",
        "stale": "unknown",
        "free": "free",
        "used": "used",
        "ahead": "used",
    }
    fullness = dict(rows(url, "SELECT space_id, fullness FROM space_now"))
    assert fullness == {"silent": None, "stale": None, "free": "nobody", "used": None, "ahead": None}
    assert now_in(url, "stale", "co2", "air") == (None, "unknown")
    assert now_in(url, "stale", "last_heard") == (NOW - 6 * MINUTE,)
    assert now_in(url, "silent", "last_heard") == (None,)


def test_small_groups_are_no_number_and_others_come_through_the_gate(lane_database: Database) -> None:
    url = lane_database.url
    device_in(url, "hall", capacity=24)
    shown = {}
    for people in (0, 1, 4, 5, 10, 14, 15, 20, 24, 30):
        visitors(url, "hall", people)
        assert now_in(url, "hall", "about", "fullness") == (None, None)  # nothing before the window closes
        publish(url)
        shown[people] = now_in(url, "hall", "state", "about", "fullness")
    assert shown == {
        0: ("unknown", None, None),
        1: ("used", None, None),
        4: ("used", None, None),
        5: ("used", 5, "third"),
        10: ("used", 10, "half"),
        14: ("used", 10, "half"),
        15: ("used", 15, "half"),
        20: ("used", 20, "most"),
        24: ("used", 20, "most"),
        30: ("used", 30, "full"),
    }


def test_figure_is_of_a_closed_window_and_not_older_than_a_quarter_of_an_hour(database: Database) -> None:
    url = database.url
    device_in(url, "hall", capacity=24)
    visitors(url, "hall", 12)
    publish(url)
    (begin,) = now_in(url, "hall", "about_from")
    assert begin.minute % 5 == begin.second == 0
    assert begin + 5 * MINUTE <= datetime.now(UTC)
    with reading(url) as conn:
        conn.execute("UPDATE people_figure SET start = start - interval '20 minutes'")
    assert now_in(url, "hall", "state", "about", "about_from", "fullness") == ("used", None, None, None)


def test_visitors_count_where_presence_sees_nobody(database: Database) -> None:
    """Somebody who sits still is not seen by a motion sensor, but has tapped in."""
    url = database.url
    pi = device_in(url, "lab")
    commit(url, [pi.telemetry(NOW, {"presence": 0.0})])
    visitors(url, "lab", 1)
    assert now_in(url, "lab", "state", "about", "fullness") == ("used", None, None)


def absence(url: str, space: str, *ages: float, values: dict[str, float] | None = None) -> None:
    """Let the space's device measure no presence, so many minutes ago."""
    pi = device_in(url, space)
    commit(url, [pi.telemetry(NOW - age * MINUTE, values or {"presence": 0.0}) for age in ages])


def test_forgotten_check_outs_do_not_fill_a_room(lane_database: Database) -> None:
    """Presence 0, light 0, 38 dB, and open visits since an hour ago: probably free, and no number."""
    url = lane_database.url
    device_in(url, "hall", capacity=24)
    visitors(url, "hall", 7)
    publish(url, NOW - 5 * MINUTE)
    assert now_in(url, "hall", "state", "about") == ("used", 5)
    absence(url, "hall", *range(21), values={"presence": 0.0, "light": 0.0, "noise": 38.0})
    columns = ("state", "check_outs_missing", "about", "about_from", "fullness")
    assert now_in(url, "hall", *columns) == ("free", True, None, None, None)
    publish(url)
    assert rows(url, "SELECT withheld FROM people_figure ORDER BY start DESC LIMIT 1") == [("group",)]


@pytest.mark.parametrize(
    ("ages", "values"),
    [
        (range(16), {"presence": 1.0}),
        (range(9), {"presence": 0.0}),  # not for ten minutes yet
        (range(6, 16), {"presence": 0.0}),  # silent since
        (range(16), {"co2": 500.0}),  # no sensor of people
    ],
)
def test_people_who_may_be_there_keep_a_room_in_use(
    database: Database, ages: range, values: dict[str, float]
) -> None:
    visitors_in = "hall"
    device_in(database.url, visitors_in)
    visitors(database.url, visitors_in, 2)
    absence(database.url, visitors_in, *ages, values=values)
    assert now_in(database.url, visitors_in, "state", "check_outs_missing") == ("used", False)


def test_a_tap_since_keeps_a_room_in_use(database: Database) -> None:
    device_in(database.url, "hall")
    visitors(database.url, "hall", 2)
    absence(database.url, "hall", *range(16))
    with reading(database.url) as conn:
        conn.execute(
            "UPDATE visit SET during = tstzrange(now() - interval '3 min', NULL)"
            " WHERE id = (SELECT max(id) FROM visit)"
        )
    assert now_in(database.url, "hall", "state", "check_outs_missing") == ("used", False)


def test_one_persons_room_does_not_tell_of_missing_check_outs(database: Database) -> None:
    device_in(database.url, "den")
    visitors(database.url, "den", 1)
    absence(database.url, "den", *range(16))
    with reading(database.url) as conn:
        conn.execute("UPDATE space SET personal = true")
    assert now_in(database.url, "den", "state", "check_outs_missing") == ("unknown", False)


def test_a_held_number_names_no_window(database: Database) -> None:
    url = database.url
    device_in(url, "hall", capacity=24)
    visitors(url, "hall", 12)
    publish(url, NOW - 8 * MINUTE)
    (counted,) = now_in(url, "hall", "about_from")
    assert counted is not None
    publish(url)  # the same group: nothing is counted anew
    assert now_in(url, "hall", "about", "about_from", "fullness") == (10, None, "half")
    windows = rows(url, "SELECT about, withheld FROM people_figure WHERE scope = 'space' ORDER BY start")
    assert windows[0] == (10, None)
    assert set(windows[1:]) == {(None, "held")}


def test_unknown_cards_make_no_number(database: Database) -> None:
    """Four made-up cards and one person: the number of five would be about that person."""
    url = database.url
    device_in(url, "hall", capacity=24)
    visitors(url, "hall", 5)
    with reading(url) as conn:
        conn.execute(
            "UPDATE person SET kind = 'counted' WHERE id IN (SELECT id FROM person ORDER BY id LIMIT 4)"
        )
    publish(url)
    assert now_in(url, "hall", "state", "about") == ("used", None)


def test_one_persons_room_says_nothing(lane_database: Database) -> None:
    url = lane_database.url
    pi = device_in(url, "den")
    with reading(url) as conn:
        conn.execute("UPDATE space SET personal = true")
    commit(url, [pi.telemetry(NOW, {"presence": 1.0, "co2": 900.0, "noise": 50.0, "light": 300.0})])
    visitors(url, "den", 1)
    publish(url)
    columns = ("state", "about", "fullness", "co2", "noise", "light", "presence", "air", "alert_since")
    assert now_in(url, "den", *columns) == ("unknown", *[None] * 6, "unknown", None)


def test_device_is_heard_by_its_readings_and_never_by_taps(lane_database: Database) -> None:
    url = lane_database.url
    pi, door = device_in(url, "lab"), device_in(url, "lab", "door")
    commit(url, [pi.telemetry(NOW - 40 * MINUTE, {"co2": 500.0})])
    with reading(url) as conn:
        conn.execute(
            """UPDATE device SET status = 'online', status_at = now() - interval '3 min',
               meta = '{"sensors": [], "readers": [{"name": "door"}]}' WHERE id = 'door'"""
        )
    before = rows(url, "SELECT * FROM device_heard ORDER BY 1")
    commit(url, [pi.tap(NOW, bytes(16)), door.tap(NOW, bytes(16))])
    assert rows(url, "SELECT * FROM device_heard ORDER BY 1") == before
    assert [(name, silent) for name, _, silent, _ in before] == [("door", False), ("lab-pi", True)]


def test_air_in_words(lane_database: Database) -> None:
    url = lane_database.url
    words = {}
    for n, co2 in enumerate((420.0, 999.9, 1000.0, 2000.0, 2000.1)):
        pi = device_in(url, f"room-{n}")
        commit(
            url, [pi.telemetry(NOW, {"co2": co2, "temp": 21.5, "rh": 40.0, "noise": 51.0, "light": 300.0})]
        )
        words[co2] = now_in(url, f"room-{n}", "air")[0]
    assert words == {420.0: "fresh", 999.9: "fresh", 1000.0: "stuffy", 2000.0: "stuffy", 2000.1: "bad"}
    assert now_in(url, "room-0", "co2", "temp", "rh", "noise", "light") == (420.0, 21.5, 40.0, 51.0, 300.0)


def test_several_sensors_are_joined(database: Database) -> None:
    one_pi, other = device_in(database.url, "lab", "pi-1"), device_in(database.url, "lab", "pi-2")
    commit(
        database.url,
        [
            one_pi.telemetry(NOW, {"co2": 600.0, "noise": 40.0, "presence": 0.0}),
            other.telemetry(NOW, {"co2": 800.0, "noise": 70.0, "presence": 1.0}),
        ],
    )
    assert now_in(database.url, "lab", "co2", "noise", "presence") == (700.0, 70.0, 1.0)


@pytest.mark.parametrize("value", [1e15, -1e15, 1.7e308, 5e-324])
def test_absurd_values_do_not_take_the_board_down(database: Database, value: float) -> None:
    for name in ("pi-1", "pi-2"):
        pi = device_in(database.url, "lab", name)
        commit(database.url, [pi.telemetry(NOW, {"temp": value, "co2": value})])
    device_in(database.url, "den")
    assert len(rows(database.url, "SELECT * FROM space_now")) == 2
    rows(database.url, "SELECT mean FROM reading_5m")


def test_series_now_is_the_newest_value(lane_database: Database) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    commit(url, [pi.telemetry(NOW - n * MINUTE, {"co2": 500.0 + n}) for n in range(5)])
    assert rows(url, "SELECT device_id, space_id, quantity, unit, time, value, quality FROM series_now") == [
        ("lab-pi", "lab", "co2", "ppm", NOW, 500.0, 0)
    ]


def test_five_minutes_are_rolled_up_alike(lane_database: Database) -> None:
    url = lane_database.url
    begin = datetime(2026, 3, 2, 8, tzinfo=UTC)
    pi = device_in(url, "lab")
    commit(url, [pi.telemetry(begin + n * MINUTE, {"co2": 500.0 + n}) for n in range(12)])
    assert rows(url, "SELECT bucket, n, mean, min, max, last FROM reading_5m ORDER BY 1") == [
        (begin, 5, 502.0, 500.0, 504.0, 504.0),
        (begin + 5 * MINUTE, 5, 507.0, 505.0, 509.0, 509.0),
        (begin + 10 * MINUTE, 2, 510.5, 510.0, 511.0, 511.0),
    ]


def test_moved_device_takes_its_newest_values_along(database: Database) -> None:
    pi = device_in(database.url, "lab", "pi")
    commit(database.url, [pi.telemetry(NOW, {"temp": 20.0})])
    assert isinstance(device_in(database.url, "den", "pi"), Device)
    assert one(database.url, "SELECT temp FROM space_now WHERE space_id = 'den'") == 20.0
    assert one(database.url, "SELECT temp FROM space_now WHERE space_id = 'lab'") is None
