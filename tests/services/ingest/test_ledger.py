"""Every message once: copies, order, several processes, a database that goes away."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from feed.ingest_setup import commit, device_in, ingest_of, one, receipts, rows, settings_for, spaces_of
from feed.simulated_device import Device, Packet
from hubwell.events import Facts, TapAnswered
from hubwell.ingest.consumer import Ingest
from hubwell.ingest.receipts import make_receipt, spans_of
from hubwell.spaces.register import put_device
from hubwell.storage.connect import connect_sync
from hubwell.storage.migrate import migrate
from hubwell.switchboard import Switchboard
from lanes.database_lane import Database

NOW = datetime.now(UTC).replace(microsecond=0)
BADGES = [bytes([n]) * 16 for n in range(4)]

# Everything that a batch leaves behind, but for surrogate keys and times of arrival.
LEFT_BEHIND = {
    "readings": "SELECT device_id, name, time, value FROM reading r JOIN series s ON s.id = r.series_id",
    "ledger": "SELECT boot, seq, m.id, time, verdict FROM message m JOIN stream s ON s.id = m.stream_id",
    "streams": "SELECT boot, received, declared, last_seq FROM stream",
    "taps": "SELECT badge, time, space_id, verdict FROM tap JOIN credential_pseudonym USING (credential_id)",
    "visits": """SELECT badge, space_id, during, ended_by FROM visit JOIN credential c USING (person_id)
                 JOIN credential_pseudonym p ON p.credential_id = c.id""",
    "suspicions": """SELECT badge, kind, at, space_id, other_space_id
                     FROM suspicion JOIN credential_pseudonym USING (credential_id)""",
    "episodes": "SELECT rule, space_id, opened_at, resolved_at FROM episode",
    "events": "SELECT DISTINCT type, space_id FROM event",
    "rejected": "SELECT topic, code FROM rejected",
}


def left_behind(url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(rows(url, query), key=repr) for name, query in LEFT_BEHIND.items()}


def day(devices: Sequence[Device]) -> list[Packet]:
    """An hour of several devices: stuffy air, people coming and going, a fault, rubbish."""
    packets = []
    for minute in range(60):
        at = NOW - timedelta(hours=30) + timedelta(minutes=minute)
        for index, device in enumerate(devices):
            values = {"co2": 1500.0 if 15 < minute < 40 else 600.0, "presence": 1.0, "temp": 20.0 + minute}
            packets.append(device.telemetry(at, values))
            if minute % 7 == index:
                packets.append(device.tap(at, BADGES[(minute + index) % len(BADGES)]))
            if minute == 30:
                packets += [device.fault(at), device.raw(b"{" + b" " * index)]
    return packets


def test_redelivery_changes_nothing_but_the_count(lane_database: Database) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    packets = day([pi])
    first = commit(url, packets)
    before = left_behind(url)
    again = commit(url, packets[:20], packets)
    assert left_behind(url) == before
    assert receipts(first)[-1].message.upto == receipts(again)[-1].message.upto == pi.seq
    copies = rows(url, "SELECT copies, count(*) FROM message GROUP BY 1 ORDER BY 1")
    assert copies == [(2, pi.seq - 20), (3, 20)]


def test_copies_in_one_batch_are_one_message(database: Database) -> None:
    pi = device_in(database.url, "lab")
    packet, tap = pi.telemetry(NOW, {"co2": 1.0}), pi.tap(NOW, BADGES[0])
    commit(database.url, [packet, tap, packet, tap, packet])
    assert rows(database.url, "SELECT seq, copies FROM message ORDER BY 1") == [(1, 3), (2, 2)]
    assert one(database.url, "SELECT count(*) FROM reading") == 1
    assert one(database.url, "SELECT count(*) FROM tap") == 1


@pytest.mark.parametrize("together", [True, False])
def test_number_used_twice_is_refused_not_taken_for_a_copy(database: Database, *, together: bool) -> None:
    pi = device_in(database.url, "lab")
    mine = pi.telemetry(NOW, {"co2": 1.0})
    pi.seq = 0
    other = pi.telemetry(NOW + timedelta(seconds=1), {"co2": 2.0})
    outcomes = commit(database.url, [mine, other]) if together else commit(database.url, [mine], [other])
    last = receipts(outcomes)[-1].message
    assert (last.upto, [refusal.seq for refusal in last.rejected]) == (1, [1])
    assert "two agents" in last.rejected[0].reason
    assert rows(database.url, "SELECT value FROM reading") == [(1.0,)]
    ((code, payload),) = rows(database.url, "SELECT code, payload FROM rejected")
    assert (code, payload) == ("seq-reused", other.payload)


def test_order_of_arrival_does_not_matter(database: Database) -> None:
    url = database.url
    devices = [device_in(url, space) for space in ("lab", "den")]
    packets = day(devices)
    random.Random(4).shuffle(packets)
    commit(url, *(packets[n : n + 25] for n in range(0, len(packets), 25)))
    for device in devices:
        assert rows(url, "SELECT received::text, last_seq FROM stream WHERE boot = %s", device.boot) == [
            (f"{{[1,{device.seq + 1})}}", device.seq)
        ]
    assert one(url, "SELECT count(*) FROM reading") == 2 * 60 * 3
    assert (
        one(url, "SELECT count(*) FROM tap")
        == one(url, "SELECT count(*) FROM message WHERE kind = 'event'") - 2
    )


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


def test_connection_lost_in_the_middle_is_tried_again(database: Database) -> None:
    """The database ends the connection after the rows were written and before the commit."""
    url = database.url
    pi = device_in(url, "lab")
    packets = day([pi])
    settings = settings_for(url)
    kills = 3

    async def react_and_die(conn: AsyncConnection[Any], facts: Facts) -> list[TapAnswered]:
        nonlocal kills
        answers = await Switchboard.of(settings).commit(conn, facts)
        if kills:
            kills -= 1
            with connect_sync(url, name="killer") as killer:
                killer.execute("SELECT pg_terminate_backend(%s, 5000)", (conn.info.backend_pid,))
        return answers

    async def work() -> list[Any]:
        ingest = Ingest(settings, react_and_die)
        try:
            return [outcome for half in (packets[:40], packets[40:]) for outcome in await ingest.commit(half)]
        finally:
            await ingest.close()

    outcomes = asyncio.run(work())
    assert kills == 0
    assert receipts(outcomes)[-1].message.upto == pi.seq
    assert rows(url, "SELECT DISTINCT copies FROM message") == [(1,)]
    assert one(url, "SELECT count(*) FROM message") == pi.seq
    assert one(url, "SELECT count(*) FROM reading") == 60 * 3


def test_queue_that_fails_is_waited_for(database: Database) -> None:
    """Queueing an alert is part of the transaction: whatever goes wrong in it, the batch is kept."""
    url = database.url
    pi = device_in(url, "lab")
    start = NOW - timedelta(minutes=20)
    stuffy = [pi.telemetry(start + timedelta(minutes=n), {"co2": 1500.0, "presence": 1.0}) for n in range(20)]
    rename = "ALTER FUNCTION {} RENAME TO {}"
    ((name,),) = rows(url, "SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate_defer_jobs_v%'")

    async def work() -> list[Any]:
        async with ingest_of(url) as ingest:
            committing = asyncio.create_task(ingest.commit(stuffy))
            await asyncio.sleep(0.3)
            assert not committing.done()
            with connect_sync(url, name="test") as conn:
                conn.execute(rename.format("away", name))
            return await asyncio.wait_for(committing, 20)

    with connect_sync(url, name="test") as conn:
        conn.execute(rename.format(name, "away"))
    (receipt,) = receipts(asyncio.run(work()))
    assert (receipt.message.upto, receipt.message.rejected) == (20, ())
    assert one(url, "SELECT count(*) FROM procrastinate_jobs") == 1


def test_database_without_tables_is_waited_for(empty_database: Database) -> None:
    url = empty_database.url
    pi = Device("lab-pi")

    async def work() -> list[Any]:
        async with ingest_of(url) as ingest:
            committing = asyncio.create_task(ingest.commit([pi.telemetry(NOW, {"co2": 1.0})]))
            await asyncio.sleep(0.3)
            assert not committing.done()
            await asyncio.to_thread(migrate, url)
            await asyncio.to_thread(device_in, url, "lab")
            return await asyncio.wait_for(committing, 20)

    asyncio.run(work())
    assert one(url, "SELECT count(*) FROM rejected WHERE code <> 'unknown-device'") == 0


def test_registry_survives_a_rollback(database: Database) -> None:
    """Series and streams of a transaction that was rolled back are not taken for real."""
    url = database.url
    pi = device_in(url, "lab")
    settings = settings_for(url)
    fail = [True]

    async def react_once_badly(_conn: AsyncConnection[Any], _facts: Facts) -> list[TapAnswered]:
        if fail:
            fail.clear()
            raise psycopg.errors.SerializationFailure("try again")
        return []

    async def work() -> list[Any]:
        ingest = Ingest(settings, react_once_badly)
        try:
            return await ingest.commit([pi.telemetry(NOW, {"co2": 1.0})])
        finally:
            await ingest.close()

    (receipt,) = receipts(asyncio.run(work()))
    assert receipt.message.upto == 1
    assert one(url, "SELECT count(*) FROM reading r JOIN series s ON s.id = r.series_id") == 1


def test_moved_device_counts_for_its_new_space(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubwell.ingest.id_cache._DEVICES_FRESH_S", 0.0)
    url = database.url
    pi = device_in(url, "lab")
    device_in(url, "den", "other-pi")

    async def work() -> tuple[set[str], set[str]]:
        async with ingest_of(url) as ingest:
            (first,) = await ingest.commit([pi.tap(NOW, BADGES[0])])
            with connect_sync(url, name="test") as conn:
                put_device(conn, device_id=pi.name, space_id="den")
            (second,) = await ingest.commit([pi.tap(NOW + timedelta(minutes=1), BADGES[1])])
            return spaces_of(first), spaces_of(second)

    assert asyncio.run(work()) == ({"lab"}, {"den"})
    assert rows(url, "SELECT space_id FROM tap ORDER BY time") == [("lab",), ("den",)]


def test_device_without_a_space_is_stored(database: Database) -> None:
    pi = Device("spare-pi")
    with connect_sync(database.url, name="test") as conn:
        put_device(conn, device_id=pi.name, space_id=None)
    packets = [pi.telemetry(NOW, {"co2": 3000.0}), pi.tap(NOW, BADGES[0]), pi.fault(NOW)]
    (receipt,) = receipts(commit(database.url, packets))
    assert receipt.message.upto == 3
    assert one(database.url, "SELECT count(*) FROM person") == 0, "a tap at no space is nobody's"


def test_receipt_is_cumulative_and_names_the_holes(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab")
    packets = [pi.telemetry(NOW + timedelta(seconds=n), {"co2": 1.0}) for n in range(10)]

    def answer(*numbers: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        (receipt,) = receipts(commit(url, [packets[n - 1] for n in numbers]))
        return receipt.message.upto, receipt.message.ranges

    assert answer(4, 5) == (0, ((4, 5),))
    assert answer(1) == (1, ((4, 5),))
    assert answer(9, 7) == (1, ((4, 5), (7, 7), (9, 9)))
    assert answer(2, 3) == (5, ((7, 7), (9, 9)))
    assert answer(6, 8, 10) == (10, ())


def test_status_is_answered_with_a_receipt(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.telemetry(NOW, {"co2": 1.0})])
    (receipt,) = receipts(commit(database.url, [pi.status(boot=pi.boot, last_seq=7)]))
    assert (receipt.device, receipt.message.boot, receipt.message.upto) == (pi.name, pi.boot, 1)
    assert one(database.url, "SELECT last_seq FROM stream") == 7
    assert receipts(commit(database.url, [pi.status("offline")])) == []
    assert one(database.url, "SELECT status FROM device") == "offline"


def test_declared_gap_closes_the_hole_in_the_receipt(database: Database) -> None:
    pi = device_in(database.url, "lab")
    packets = [pi.telemetry(NOW, {"co2": 1.0})]
    pi.skip(5)
    packets.append(pi.gap(NOW, count=5, first=2, last=6))
    (receipt,) = receipts(commit(database.url, packets))
    assert (receipt.message.upto, receipt.message.ranges) == (7, ())
    assert rows(database.url, "SELECT seqs::text, cause, count FROM gap") == [("[2,7)", "outbox-full", 5)]


def test_new_boot_is_a_new_numbering(database: Database) -> None:
    pi, again = device_in(database.url, "lab"), Device("lab-pi")
    commit(database.url, [pi.telemetry(NOW, {"co2": 1.0})])
    (receipt,) = receipts(commit(database.url, [again.telemetry(NOW + timedelta(seconds=1), {"co2": 2.0})]))
    assert (receipt.message.boot, receipt.message.upto) == (again.boot, 1)
    assert one(database.url, "SELECT count(*) FROM stream") == 2


def test_same_instant_in_two_messages_keeps_the_first(lane_database: Database) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    first = pi.telemetry(NOW, {"co2": 600.0, "temp": 20.0})
    second = pi.telemetry(NOW, {"co2": 500.0, "rh": 40.0})
    third = pi.telemetry(NOW + timedelta(seconds=1), {"co2": 601.0})
    fourth = pi.telemetry(NOW, {"co2": 400.0, "light": 9.0})
    commit(url, [first, second, third], [fourth])
    found = rows(
        url,
        "SELECT s.quantity, r.value FROM reading r JOIN series s ON s.id = r.series_id ORDER BY r.time, 1",
    )
    assert found == [("co2", 600.0), ("light", 9.0), ("rh", 40.0), ("temp", 20.0), ("co2", 601.0)]
    assert one(url, "SELECT count(*) FROM message WHERE verdict = 'stored'") == 4


def test_same_instant_twice_in_one_message_keeps_the_first(database: Database) -> None:
    pi = device_in(database.url, "lab")
    twice = [{"s": "board/co2", "v": value, "u": "ppm"} for value in (2.0, 1.0)]
    commit(database.url, [pi.readings(NOW, twice)])
    assert rows(database.url, "SELECT value FROM reading") == [(2.0,)]


def test_values_and_times_are_stored_exactly(lane_database: Database) -> None:
    pi = device_in(lane_database.url, "lab")
    values = [0.1 + 0.2, -0.0, 5e-324, -9.99999999999999e14, 123456.789012345]
    start = datetime(2015, 2, 2, 14, 19, 0, 123456, tzinfo=UTC)
    readings = [{"s": "board/level", "v": v, "u": "mm", "t": -7 * n} for n, v in enumerate(values)]
    commit(lane_database.url, [pi.readings(start, readings)])
    found = rows(lane_database.url, "SELECT time, value FROM reading ORDER BY time DESC")
    assert found == [(start - timedelta(milliseconds=7 * n), v) for n, v in enumerate(values)]


def test_many_spaces_fit_into_the_announcement(database: Database) -> None:
    url = database.url
    packets = []
    with connect_sync(url, name="test") as conn, conn.transaction():
        for n in range(300):
            space = f"space-{n:03}-{'x' * 50}"
            conn.execute(
                "INSERT INTO space (id, name, kind, capacity) VALUES (%s, 'x', 'workshop', 1)", [space]
            )
            conn.execute("INSERT INTO device (id, space_id) VALUES (%s, %s)", [f"pi-{n}", space])
            packets.append(Device(f"pi-{n}").telemetry(NOW, {"temp": 20.0}))
    outcomes = commit(url, packets)
    assert len(outcomes) == 1, "the batch was taken apart"
    assert len(spaces_of(outcomes[0])) == 300


def test_spans_and_receipts_are_arithmetic() -> None:
    assert spans_of([3, 1, 2, 7, 9, 8, 8]) == [(1, 3), (7, 9)]
    boot = UUID(int=7)
    assert make_receipt("pi", boot, [(2, 3)]).message.upto == 0
    many = make_receipt("pi", boot, [(1, 1), *((2 * n, 2 * n) for n in range(2, 500))]).message
    assert (many.upto, len(many.ranges), many.covers(4), many.covers(3)) == (1, 100, True, False)


def test_device_says_which_list_of_badges_it_holds(database: Database) -> None:
    url, at = database.url, NOW - timedelta(hours=1)
    pi = device_in(url, "lab")
    commit(url, [pi.status(boot=pi.boot, last_seq=0, roster_at=at)])
    assert rows(url, "SELECT status, roster_at FROM device") == [("online", at)]
    commit(url, [pi.status("offline")])
    assert rows(url, "SELECT status, roster_at FROM device") == [("offline", at)], "it still holds it"
