"""Receipts: cumulative for each boot, with the holes that are left."""

from datetime import timedelta
from uuid import UUID

from feed.ingest_setup import commit, device_in, one, receipts, rows
from feed.simulated_device import Device
from hubwell.ingest.receipts import make_receipt, spans_of
from lanes.database_lane import Database
from services.ingest.hour_of_messages import NOW


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
