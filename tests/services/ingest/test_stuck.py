"""A CO2 value that never changes is in doubt, whatever sends it, in whatever order it comes."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from feed.ingest_setup import commit, device_in, ingest_of, one, reading, rows
from feed.simulated_device import Device, Packet
from hubwell.doctor import checks
from lanes.database_lane import Database

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
BY_TIME = "SELECT quality >= suspect() FROM reading r JOIN series s ON s.id = r.series_id ORDER BY time"


def sent(
    device: Device, values: Sequence[float], every_s: float = 10, *, quantity: str = "co2"
) -> list[Packet]:
    """Give one message for each value."""
    return [
        device.telemetry(BEGIN + n * timedelta(seconds=every_s), {quantity: value})
        for n, value in enumerate(values)
    ]


def batched(packets: Sequence[Packet], size: int) -> Iterator[Sequence[Packet]]:
    return (packets[begin : begin + size] for begin in range(0, len(packets), size))


def in_doubt(url: str) -> list[bool]:
    return [doubt for (doubt,) in rows(url, BY_TIME)]


@pytest.mark.parametrize("every_s", [5, 10, 300])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_sixtieth_equal_value_is_in_doubt_and_the_next_other_one_good(
    database: Database, every_s: float, size: int
) -> None:
    pi = device_in(database.url, "lab")
    packets = sent(pi, [*[612.0] * 62, 613.0, 612.0], every_s)
    commit(database.url, *batched(packets, size))
    assert in_doubt(database.url) == [False] * 59 + [True] * 3 + [False] * 2


def test_stuck_value_is_no_air_and_a_change_is_air_again(lane_database: Database) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    start = datetime.now(UTC) - timedelta(minutes=10)
    same = [pi.telemetry(start + n * timedelta(seconds=10), {"co2": 612.0}) for n in range(60)]
    commit(url, same[:30], same[30:])
    query = "SELECT co2, air, air_reason FROM space_now"
    assert rows(url, query) == [(None, "unknown", "in-doubt")]
    assert one(url, "SELECT sum(suspect) FROM reading_5m") == 1
    with reading(url) as conn:
        (finding,) = [item for item in checks._contents(conn) if item.part == "sensors"]
    assert (finding.state, finding.found) == ("warning", "1 in doubt: lab-pi board/co2 stays at 612 ppm")
    commit(url, [pi.telemetry(start + timedelta(seconds=599), {"co2": 640.0})])
    assert rows(url, query) == [(640.0, "fresh", None)]


@pytest.mark.parametrize(
    ("quantity", "values", "every_s"),
    [
        ("co2", [612.0, 613.0] * 60, 10),
        ("co2", [612.0] * 59, 10),
        ("co2", [*[612.0] * 59, 613.0] * 3, 10),
        ("co2", [612.0] * 200, 1),
        ("presence", [0.0] * 100, 10),
        ("light", [0.0] * 100, 10),
        ("temp", [21.0] * 100, 10),
        ("noise", [31.0] * 100, 10),
    ],
)
def test_values_that_may_be_measured_are_good(
    database: Database, quantity: str, values: list[float], every_s: float
) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, *batched(sent(pi, values, every_s, quantity=quantity), 50))
    assert not any(in_doubt(database.url))


def test_value_that_is_repeated_each_second_is_stuck_after_minutes(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, *batched(sent(pi, [612.0] * 280, 1), 50))
    assert in_doubt(database.url) == [False] * 270 + [True] * 10


@pytest.mark.parametrize("seed", range(4))
def test_order_of_arrival_batches_copies_and_restarts_change_nothing(database: Database, seed: int) -> None:
    """Values that change, stop for long, change once in the middle, and stop again."""
    chance = random.Random(seed)
    values = [*(600.0 + n for n in range(20)), *[612.0] * 100, 650.0, *[612.0] * 70, 700.0, 612.0]
    packets = sent(device_in(database.url, "lab"), values)
    chance.shuffle(packets)
    packets += chance.sample(packets, 40)
    for part in batched(packets, 60):  # each with a cache of its own
        commit(database.url, *batched(part, chance.choice([1, 5, 30])))
    assert in_doubt(database.url) == ([False] * 79 + [True] * 41 + [False] * 60 + [True] * 11 + [False] * 2)


def test_two_processes_share_a_series(database: Database) -> None:
    packets = sent(device_in(database.url, "lab"), [*[612.0] * 100, 613.0, *[612.0] * 61])

    async def work() -> None:
        async with ingest_of(database.url) as one_process, ingest_of(database.url, worker="2") as other:
            for part in batched(packets, 8):
                await asyncio.gather(one_process.commit(part[::2]), other.commit(part[1::2]))

    asyncio.run(work())
    assert in_doubt(database.url) == [False] * 59 + [True] * 41 + [False] * 60 + [True] * 2


def test_device_that_says_suspect_keeps_its_word(database: Database) -> None:
    pi = device_in(database.url, "lab")
    said = [{"s": "scd41/co2", "v": 612, "u": "ppm", "q": "suspect"}]
    commit(database.url, [pi.readings(BEGIN, said), pi.readings(BEGIN + timedelta(seconds=1), said)])
    commit(database.url, [pi.readings(BEGIN + timedelta(seconds=2), [{**said[0], "v": 700}])])
    assert rows(database.url, "SELECT quality FROM reading") == [(2,), (2,), (2,)]


def test_late_change_in_a_stuck_hour_opens_the_episode(database: Database) -> None:
    """Readings that come late show that a sensor was not stuck at 1500 ppm: the rule is evaluated again."""
    pi = device_in(database.url, "lab")
    people = [{"s": "pir/presence", "v": 1, "u": "/"}]
    early = [packet for n, packet in enumerate(sent(pi, [1500.0] * 400)) if n < 50 or n % 50]
    changed = [pi.telemetry(BEGIN + timedelta(seconds=10 * n), {"co2": 1490.0}) for n in range(50, 400, 50)]
    commit(database.url, [pi.readings(BEGIN + timedelta(minutes=n), people) for n in range(66)])
    commit(database.url, *batched(early, 60))
    assert one(database.url, "SELECT count(*) FROM reading WHERE quality = 3") > 300
    commit(database.url, changed)
    assert one(database.url, "SELECT count(*) FROM reading WHERE quality = 3") == 0
    assert one(database.url, "SELECT count(*) FROM episode") == 1
