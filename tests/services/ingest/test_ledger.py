"""Every message once: copies, order, spaces and values."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from feed.ingest_setup import commit, device_in, ingest_of, one, receipts, rows, spaces_of
from feed.simulated_device import Device
from hubwell.spaces.initial import put_device
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database
from services.ingest.hour_of_messages import BADGES, NOW, day, left_behind


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
                "INSERT INTO space (id, name, kind, capacity) VALUES (%s, %s, 'workshop', 1)", [space, space]
            )
            conn.execute("INSERT INTO device (id, space_id) VALUES (%s, %s)", [f"pi-{n}", space])
            packets.append(Device(f"pi-{n}").telemetry(NOW, {"temp": 20.0}))
    outcomes = commit(url, packets)
    assert len(outcomes) == 1, "the batch was taken apart"
    assert len(spaces_of(outcomes[0])) == 300
