"""The rule on stored readings: through ingest to the episode, its events and its deliveries."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed.ingest_setup import commit, device_in, ingest_of, one, rows
from feed.simulated_device import Device, Packet
from lanes.database_lane import Database

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
LONG_AGO = NOW - timedelta(days=400)


@pytest.fixture(autouse=True)
def _begin_now() -> None:
    """What is fresh depends on the clock, and the suite may have been running for a while."""
    globals()["NOW"] = datetime.now(UTC).replace(second=0, microsecond=0)


def minutes(
    device: Device, begin: datetime, co2: Sequence[float | None], *, presence: float | None = 1.0
) -> list[Packet]:
    """One message every 30 seconds, two for each value; None is a minute of silence."""
    packets = []
    for index, value in enumerate(co2):
        for half in (0, 30):
            at = begin + timedelta(minutes=index, seconds=half)
            values = {"co2": value, "presence": presence}
            said = {name: number for name, number in values.items() if number is not None}
            if value is not None:
                packets.append(device.telemetry(at, said))
    return packets


STUFFY = [600.0] * 20 + [1600.0] * 30 + [500.0] * 30


def episodes(url: str, begin: datetime) -> list[tuple[int, int | None]]:
    """Give (opened, resolved) of each episode in minutes after `begin`."""

    def minute(at: datetime) -> int:
        return round((at - begin).total_seconds() / 60)

    found = rows(url, "SELECT opened_at, resolved_at FROM episode ORDER BY opened_at")
    return [(minute(opened), None if resolved is None else minute(resolved)) for opened, resolved in found]


def events(url: str) -> list[str]:
    return [kind for (kind,) in rows(url, "SELECT type FROM event ORDER BY id")]


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


def split(chance: random.Random, packets: list[Packet]) -> list[list[Packet]]:
    """Cut packets into batches of any size."""
    batches = []
    while packets:
        most = chance.randint(1, 60)
        batches.append(packets[:most])
        packets = packets[most:]
    return batches


WAVES = [*STUFFY, *[1200.0] * 25, *[700.0] * 25, None, None, None, *[1050.0] * 30, *[880.0] * 20]


def in_order(packets: list[Packet], chance: random.Random) -> list[Packet]:
    del chance
    return packets


def backwards(packets: list[Packet], chance: random.Random) -> list[Packet]:
    del chance
    return packets[::-1]


def shuffled(packets: list[Packet], chance: random.Random) -> list[Packet]:
    return chance.sample(packets, len(packets))


def nearly(packets: list[Packet], chance: random.Random) -> list[Packet]:
    """Each at most a few places from where it belongs, as with several ingest processes."""
    keys = {id(packet): index + chance.uniform(0, 8) for index, packet in enumerate(packets)}
    return sorted(packets, key=lambda packet: keys[id(packet)])


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


def test_two_processes_open_one_episode(database: Database) -> None:
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
    assert episodes(url, LONG_AGO) == [(26, 60)]
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
                {"co2": 1400.0 if 20 <= half < 32 else 600.0, "presence": 1.0},
            )
            for half in halves
        ],
    )
    assert episodes(database.url, begin) == []
    commit(database.url, [pi.telemetry(begin + timedelta(seconds=30), {"co2": 1500.0, "presence": 1.0})])
    assert [opened for opened, _ in episodes(database.url, begin)] == [16]
