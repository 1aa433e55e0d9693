"""The rule on stored readings: through ingest to the episode, its events and its deliveries."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed.ingest_setup import commit, device_in, ingest_of, one, rows
from feed.simulated_device import Packet
from lanes.database_lane import Database
from services.air.stuffy_air import LONG_AGO, STUFFY, episodes, events, minutes

NOW = datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _begin_now() -> None:
    """What is fresh depends on the clock, and the suite may have been running for a while."""
    globals()["NOW"] = datetime.now(UTC).replace(second=0, microsecond=0)


def test_stuffy_air_opens_and_resolves_one_episode(lane_database: Database) -> None:
    """600, then 1600 from minute 20: the mean of 15 minutes is (15 - n) * 600 + n * 1600 over 15 after n
    minutes, so 1000 is reached when n = 6; back to 500 at minute 50: below 900 when n = 10 (866.7)."""
    url = lane_database.url
    pi = device_in(url, "lab")
    begin = NOW - timedelta(minutes=80)
    packets = minutes(pi, begin, STUFFY)
    commit(url, *(packets[n : n + 30] for n in range(0, len(packets), 30)), webhook_url="http://127.0.0.1:9/")
    assert episodes(url, begin) == [(26, 60)]
    assert events(url) == ["EpisodeOpened", "EpisodeResolved"]
    ((value, peak, evidence),) = rows(url, "SELECT value, peak, evidence FROM episode")
    assert (value, peak) == (1000.0, 1600.0)
    assert evidence["coverage"] == 1.0
    assert "ASR A3.6" in evidence["source"]
    told = rows(
        url, "SELECT e.type, d.channel FROM delivery d JOIN event e ON e.id = d.event_id ORDER BY 1, 2"
    )
    assert told == [
        ("EpisodeOpened", "board"),
        ("EpisodeOpened", "webhook"),
        ("EpisodeResolved", "board"),
        ("EpisodeResolved", "webhook"),
    ]
    assert one(url, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == 4


def test_board_shows_the_alert_while_it_lasts(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, minutes(pi, NOW - timedelta(minutes=30), [1400.0] * 30))
    found = rows(database.url, "SELECT alert_rule, alert_since, air FROM space_now")
    assert found == [("co2-asr-a3.6", NOW - timedelta(minutes=18), "stuffy")]


def test_peak_of_an_episode_inside_one_batch(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, minutes(pi, NOW - timedelta(minutes=80), STUFFY))
    assert one(database.url, "SELECT payload->'peak' FROM event WHERE type = 'EpisodeResolved'") == 1600.0


def test_replay_of_old_data_is_recorded_and_not_delivered(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, minutes(pi, LONG_AGO, STUFFY), webhook_url="http://127.0.0.1:9/")
    assert episodes(database.url, LONG_AGO) == [(26, 60)]
    assert events(database.url) == ["EpisodeOpened", "EpisodeResolved"]
    assert one(database.url, "SELECT count(*) FROM delivery") == 0


def test_empty_room_opens_nothing(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, minutes(pi, LONG_AGO, STUFFY, presence=0.0))
    assert episodes(database.url, LONG_AGO) == []


def test_visitor_makes_the_room_occupied(database: Database) -> None:
    pi = device_in(database.url, "lab")
    packets = [pi.tap(LONG_AGO, bytes(16)), *minutes(pi, LONG_AGO, STUFFY, presence=None)]
    commit(database.url, packets)
    assert episodes(database.url, LONG_AGO) == [(26, 60)]


def test_silence_keeps_an_episode_open_and_opens_none(database: Database) -> None:
    pi = device_in(database.url, "lab")
    silent = [*[1600.0] * 20, *[None] * 60]
    commit(database.url, minutes(pi, LONG_AGO, silent))
    assert [end for _, end in episodes(database.url, LONG_AGO)] == [None]
    commit(database.url, minutes(pi, LONG_AGO + timedelta(minutes=80), [500.0] * 20))
    assert events(database.url) == ["EpisodeOpened", "EpisodeResolved"]


def test_suspect_readings_are_not_judged(database: Database) -> None:
    pi = device_in(database.url, "lab")
    packets = [
        pi.readings(LONG_AGO + timedelta(minutes=n), [
            {"s": "board/co2", "v": 1600.0, "u": "ppm", "q": "suspect"},
            {"s": "board/presence", "v": 1.0, "u": "/"},
        ])
        for n in range(30)
    ]  # fmt: skip
    commit(database.url, packets)
    assert episodes(database.url, LONG_AGO) == []


def test_two_processes_open_one_episode(database: Database) -> None:
    """The second sensor is a second behind: at minute 26 its mean is (541 * 600 + 359 * 1600) / 900 = 998.9,
    the other's 1000, and theirs together 999.4."""
    url = database.url
    devices = [device_in(url, "lab", f"pi-{n}") for n in range(2)]
    streams = [minutes(device, LONG_AGO + timedelta(seconds=n), STUFFY) for n, device in enumerate(devices)]

    async def work(packets: list[Packet], worker: str) -> None:
        async with ingest_of(url, worker=worker) as ingest:
            for n in range(0, len(packets), 4):
                await ingest.commit(packets[n : n + 4])

    async def both() -> None:
        await asyncio.gather(*(work(packets, str(n)) for n, packets in enumerate(streams)))

    asyncio.run(both())
    assert episodes(url, LONG_AGO) == [(27, 60)]
    assert events(url) == ["EpisodeOpened", "EpisodeResolved"]
    assert one(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0


def test_two_sensors_at_the_same_instant_count_with_their_mean(database: Database) -> None:
    pi = device_in(database.url, "lab")
    packets: list[Any] = []
    for n in range(30):
        pair = [{"s": f"s{k}/co2", "v": v, "u": "ppm"} for k, v in enumerate((900.0, 1200.0))]
        packets.append(
            pi.readings(LONG_AGO + timedelta(minutes=n), [*pair, {"s": "pir/presence", "v": 1.0, "u": "/"}])
        )
    commit(database.url, packets)
    assert one(database.url, "SELECT value FROM episode") == 1050.0


@pytest.mark.parametrize("good_first", [True, False])
def test_two_sensors_count_alike_whichever_measures_last(database: Database, *, good_first: bool) -> None:
    """2000 and 700 a second apart, once a minute: 1350, as the board shows."""
    url = database.url
    pi = device_in(url, "lab")
    pair = (700.0, 2000.0) if good_first else (2000.0, 700.0)
    commit(
        url,
        [
            pi.readings(
                NOW - timedelta(minutes=40 - n, seconds=2 - k),
                [{"s": f"s{k}/co2", "v": v, "u": "ppm"}, {"s": "pir/presence", "v": 1.0, "u": "/"}],
            )
            for n in range(40)
            for k, v in enumerate(pair)
        ],
    )
    assert rows(url, "SELECT co2, air, alert_rule FROM space_now") == [(1350.0, "stuffy", "co2-asr-a3.6")]
    assert one(url, "SELECT peak FROM episode") == pytest.approx(1350, abs=2)  # one of them began first


def test_sensor_that_counts_people_makes_the_room_occupied(database: Database) -> None:
    """A LD2450 counts three people: the board says "in use", so the rule judges their air."""
    pi = device_in(database.url, "lab")
    count, empty = ({"s": "ld2450/people/count", "v": v, "u": "count"} for v in (3.0, 0.0))
    for begin, people in ((LONG_AGO - timedelta(days=1), empty), (LONG_AGO, count)):
        commit(
            database.url,
            [
                pi.readings(
                    begin + timedelta(minutes=n), [{"s": "a/co2", "v": 1800.0 + n % 2, "u": "ppm"}, people]
                )
                for n in range(40)
            ],
        )
    assert episodes(database.url, LONG_AGO) == [(12, None)]


def test_clock_that_jumps_decades_in_one_batch_does_not_hold_up_the_others(database: Database) -> None:
    """Twenty years between two readings are not judged minute by minute."""
    pi = device_in(database.url, "lab")
    packets = minutes(pi, LONG_AGO, STUFFY)
    packets.insert(50, pi.telemetry(datetime(2000, 1, 1, 0, 0, 7, tzinfo=UTC), {"co2": 1600.0}))
    packets.append(pi.telemetry(NOW, {"co2": 500.0}))
    asyncio.run(asyncio.wait_for(asyncio.to_thread(commit, database.url, packets), 20))
    assert episodes(database.url, LONG_AGO) == [(26, 60)]


def test_replay_into_a_space_that_is_live(database: Database) -> None:
    """An episode that ends in a year of silence is closed by what came after it, without judging the year."""
    url = database.url
    live, old = device_in(url, "lab"), device_in(url, "lab", "old-pi")
    commit(url, minutes(live, NOW - timedelta(minutes=20), [500.0] * 20))
    commit(url, minutes(old, LONG_AGO, [1600.0] * 30))
    ((opened, resolved),) = episodes(url, LONG_AGO)
    assert opened == 12
    assert resolved is not None
    assert one(url, "SELECT alert_rule FROM space_now") is None
