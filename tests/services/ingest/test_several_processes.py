"""Several ingest processes at one subscription leave what one would, and never wait for each other."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from feed.ingest_setup import commit, device_in, ingest_of, one
from feed.simulated_device import Packet
from lanes.database_lane import Database
from services.ingest.hour_of_messages import BADGES, NOW, day, left_behind


async def shared(url: str, packets: Sequence[Packet], *, workers: int, seed: int) -> None:
    """Give every packet to a worker, and each third one to all: as a shared subscription with redelivery."""
    chance = random.Random(seed)
    shares: list[list[Packet]] = [[] for _ in range(workers)]
    for packet in packets:
        for share in shares if chance.random() < 0.3 else [chance.choice(shares)]:
            share.append(packet)

    async def work(number: int, share: list[Packet]) -> None:
        async with ingest_of(url, worker=str(number)) as ingest:
            while share:
                most = chance.randint(1, 40)
                await ingest.commit(share[:most])
                del share[:most]
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number, share in enumerate(shares):
            group.create_task(work(number, share))


def deadlocks(url: str) -> int:
    return int(one(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_several_processes_leave_what_one_would(lanes: Any, seed: int) -> None:
    lane = lanes("plain")
    alone, together = lane.create("migrated"), lane.create("migrated")
    try:
        names = ("lab", "den", "loft")
        devices = [device_in(alone.url, name) for name in names]
        for name in names:
            device_in(together.url, name)
        packets = day(devices)
        commit(alone.url, *(packets[n : n + 50] for n in range(0, len(packets), 50)))
        asyncio.run(shared(together.url, packets, workers=3, seed=seed))
        assert left_behind(together.url) == left_behind(alone.url)
        assert deadlocks(together.url) == 0
    finally:
        lane.drop(alone)
        lane.drop(together)


def test_processes_that_meet_new_series_and_badges_do_not_wait_for_each_other(database: Database) -> None:
    """The same new things in opposite orders: with locks taken as they come, this is a deadlock."""
    url = database.url
    devices = [device_in(url, f"room-{n}") for n in range(8)]
    packets = []
    for device in devices:
        packets.append(device.readings(NOW, [{"s": f"s{n}/level", "v": 1.0, "u": "mm"} for n in range(20)]))
        packets.append(
            device.readings(NOW, [{"s": f"s{n}/mass", "v": 1.0, "u": "mm"} for n in range(20)][::-1])
        )
        packets += [device.tap(NOW, badge) for badge in BADGES]
        packets += [device.status(boot=device.boot), device.meta(name=device.name), device.raw(b"{")]

    async def both() -> None:
        for _ in range(3):
            async with ingest_of(url, worker="1") as one, ingest_of(url, worker="2") as two:
                await asyncio.gather(one.commit(packets), two.commit(packets[::-1]))

    asyncio.run(both())
    assert deadlocks(url) == 0
    assert one(url, "SELECT count(*) FROM series") == 8 * 40
    assert one(url, "SELECT count(*) FROM tap") == 8 * 4
