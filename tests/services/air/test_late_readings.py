"""Readings that arrive late or in any order give the episodes of those that came in time."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from feed.ingest_setup import commit, device_in, one, reading, rows
from feed.simulated_device import Packet
from lanes.database_lane import Database
from services.air.arrival_orders import WAVES, backwards, in_order, nearly, shuffled, split
from services.air.stuffy_air import LONG_AGO, episodes, events, minutes, this_minute


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("order", [in_order, nearly, shuffled, backwards])
def test_episodes_are_a_function_of_the_readings(
    database: Database, order: Callable[[list[Packet], random.Random], list[Packet]], seed: int
) -> None:
    chance = random.Random(seed)
    pi = device_in(database.url, "lab")
    packets = order(minutes(pi, LONG_AGO, WAVES), chance)
    commit(database.url, *split(chance, packets))
    found = episodes(database.url, LONG_AGO)
    # 1200 since minute 80: 500 * 4 + 1200 * 11 >= 15 * 1000. 700 since 105: 1200 * 5 + 700 * 10 < 15 * 900.
    # 1050 since 133 after three silent minutes: (700 * 1.5 + 1050 * 12) / 13.5 >= 1000. 880 since 163.
    assert found == [(26, 60), (91, 115), (145, 177)]
    opened = one(
        database.url, "SELECT count(DISTINCT payload->>'episode_id') FROM event WHERE type = 'EpisodeOpened'"
    )
    assert opened == events(database.url).count("EpisodeOpened") == 3


def test_late_readings_that_change_the_verdict_move_the_episode(database: Database) -> None:
    """A device that was away sends its hour late, and the room was stuffy already then."""
    url = database.url
    pi, other = device_in(url, "lab"), device_in(url, "lab", "other-pi")
    commit(url, minutes(pi, LONG_AGO + timedelta(minutes=40), [1600.0] * 20))
    ((opened, resolved),) = episodes(url, LONG_AGO)
    assert resolved is None
    commit(url, minutes(other, LONG_AGO + timedelta(seconds=10), [1600.0] * 40))
    ((earlier, resolved),) = episodes(url, LONG_AGO)
    assert earlier < 20 < opened
    assert resolved is None
    assert events(url) == ["EpisodeOpened"]


@pytest.mark.parametrize("after", [[500.0] * 30, []], ids=["resolved", "open"])
def test_late_readings_split_an_episode_as_if_they_had_come_in_time(
    database: Database, after: list[float]
) -> None:
    """Silence keeps an episode open; half an hour of good air, which comes late, is in that silence."""
    url = database.url
    pi = device_in(url, "lab")
    silence = [*[600.0] * 20, *[1600.0] * 15, *[None] * 30, *[1600.0] * 30, *after]
    commit(url, minutes(pi, LONG_AGO, silence))
    ((opened, resolved),) = episodes(url, LONG_AGO)
    assert (opened, resolved is None) == (26, not after)
    ((first,),) = rows(url, "SELECT id FROM episode")
    commit(url, minutes(pi, LONG_AGO + timedelta(minutes=35), [500.0] * 30))
    late, told = episodes(url, LONG_AGO), events(url)
    assert one(url, "SELECT id FROM episode ORDER BY opened_at LIMIT 1") == first

    with reading(url) as conn:
        conn.execute("DELETE FROM delivery; DELETE FROM event; DELETE FROM episode; DELETE FROM reading")
    in_time = [600.0] * 20 + [1600.0] * 15 + [500.0] * 30 + [1600.0] * 30 + after
    commit(url, minutes(pi, LONG_AGO, in_time))
    assert late == episodes(url, LONG_AGO)
    assert len(late) == 2
    assert sorted(told) == sorted(events(url))


@pytest.mark.parametrize("series", ["pir/presence", "radar/motion", "ld2450/people/count"])
def test_presence_that_comes_after_the_air_counts_all_the_same(database: Database, series: str) -> None:
    """A file with one value in a row has all CO2 first; a sensor that was offline sends hours later."""
    url = database.url
    air, people = device_in(url, "lab"), device_in(url, "lab", "lab-door")
    unit = "count" if series.endswith("count") else "/"
    for begin in (LONG_AGO, this_minute() - timedelta(minutes=80)):
        at = [begin + timedelta(minutes=n) for n in range(80)]
        values = [1800.0 if n < 50 else 500.0 for n in range(80)]
        commit(
            url,
            [air.telemetry(t, {"co2": v + n % 2}) for n, (t, v) in enumerate(zip(at, values, strict=True))],
        )
        assert [e for e in episodes(url, begin) if e[0] >= 0] == []
        seen = [people.readings(t, [{"s": series, "v": 1.0, "u": unit}]) for t in at[20:40]]
        commit(url, seen[:10], seen[10:])
        assert [e for e in episodes(url, begin) if e[0] >= 0] == [(20, 61)]


def test_late_reading_counts_as_long_as_it_holds(database: Database) -> None:
    """600, and 1400 from minute 10 to 16; silence from 0:30 to 2:30, where a reading of 1500 comes late.

    It is valid for two minutes, so the mean at minute 16 still has 1.5 minutes of it: (1.5 * 1500 + 7.5 * 600
    + 6 * 1400) / 15 = 1010. Without it the mean never reaches 1000.
    """
    begin = LONG_AGO
    pi = device_in(database.url, "lab")
    halves = [half for half in range(-120, 120) if not 1 <= half < 5]
    commit(
        database.url,
        [
            pi.telemetry(
                begin + timedelta(seconds=30 * half),
                {"co2": (1400.0 if 20 <= half < 32 else 600.0) + half % 2, "presence": 1.0},
            )
            for half in halves
        ],
    )
    assert episodes(database.url, begin) == []
    commit(database.url, [pi.telemetry(begin + timedelta(seconds=30), {"co2": 1500.0, "presence": 1.0})])
    assert [opened for opened, _ in episodes(database.url, begin)] == [16]
