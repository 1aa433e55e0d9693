"""Readings that are not stored though the rest of their message is: clashes, and impossible values."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed.ingest_setup import commit, device_in, one, receipts, rows
from feed.simulated_device import Device
from hubwell.commands.reports import print_audit
from hubwell.spaces.initial import put_device
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def stored(url: str) -> list[tuple[str, float]]:
    return rows(
        url, "SELECT s.name, r.value FROM reading r JOIN series s ON s.id = r.series_id ORDER BY 1, 2"
    )


def audit(url: str, capsys: pytest.CaptureFixture[str], *, as_json: bool = False) -> tuple[int, str]:
    status = print_audit(url, zone="UTC", device=None, days=7, as_json=as_json)
    return status, capsys.readouterr().out


def unstored(outcomes: Any) -> list[tuple[int, tuple[int, ...]]]:
    return [(u.seq, u.readings) for receipt in receipts(outcomes) for u in receipt.message.unstored]


def test_two_values_of_one_instant_clash_in_ledger_receipt_and_audit(
    lane_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    first = pi.telemetry(NOW, {"co2": 600.0, "temp": 20.0})
    second = pi.telemetry(NOW, {"rh": 40.0, "co2": 500.0})
    outcomes = commit(url, [first], [second])
    assert stored(url) == [("board/co2", 600.0), ("board/rh", 40.0), ("board/temp", 20.0)]
    assert rows(url, "SELECT seq, verdict, readings FROM message ORDER BY 1") == [
        (1, "stored", 2),
        (2, "stored", 1),
    ]
    assert rows(url, "SELECT seq, clashing, refused FROM unstored") == [(2, 1, 0)]
    assert unstored(outcomes) == [(2, (1,))]
    assert receipts(outcomes)[-1].message.upto == 2
    ((code, reason),) = rows(url, "SELECT code, reason FROM rejected")
    assert code == "clash"
    assert all(word in reason for word in ("board/co2", "600.0", "500.0", NOW.isoformat()))
    status, text = audit(url, capsys)
    assert status == 1
    assert "1 readings clash with another value of the same instant" in text
    told = json.loads(audit(url, capsys, as_json=True)[1])
    assert (told["clashing"], told["missing"], told["clean"]) == (1, 0, False)
    assert told["days"][0]["readings"] == 3


def test_clash_inside_one_message_keeps_the_first(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    pi = device_in(database.url, "lab")
    twice = [{"s": "board/co2", "v": value, "u": "ppm"} for value in (2.0, 1.0, 2.0)]
    assert unstored(commit(database.url, [pi.readings(NOW, twice)])) == [(1, (1,))]
    assert stored(database.url) == [("board/co2", 2.0)]
    assert audit(database.url, capsys)[0] == 1


def test_same_value_again_is_no_clash(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    url = database.url
    pi = device_in(url, "lab")
    commit(url, [pi.telemetry(NOW, {"co2": 600.0, "temp": 20.0})])
    pi.boot = Device("other").boot  # the same recording, sent again with another numbering
    pi.seq = 0
    outcomes = commit(url, [pi.telemetry(NOW, {"co2": 600.0, "temp": 20.0})])
    assert unstored(outcomes) == []
    assert audit(url, capsys)[0] == 0
    assert one(url, "SELECT count(*) FROM rejected") == 0


def test_two_devices_of_one_space_do_not_clash(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database.url
    pi, other = device_in(url, "lab"), Device("lab-two")
    with connect_sync(url, name="test") as conn:
        put_device(conn, device_id=other.name, space_id="lab")
    commit(url, [pi.telemetry(NOW, {"co2": 600.0}), other.telemetry(NOW, {"co2": 500.0})])
    assert stored(url) == [("board/co2", 500.0), ("board/co2", 600.0)]
    assert audit(url, capsys)[0] == 0


def test_clash_is_told_again_when_the_message_comes_again(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab")
    first, second = (pi.telemetry(NOW, {"temp": 20.0, "co2": value}) for value in (600.0, 500.0))
    commit(url, [first, second])
    assert unstored(commit(url, [second])) == [(2, (1,))]
    assert rows(url, "SELECT clashing, refused FROM unstored") == [(1, 0)]
    assert one(url, "SELECT sum(copies) FROM message") == 3


@pytest.mark.parametrize(
    ("odd", "code", "word"),
    [
        ({"v": 1e16}, "value", "beyond 1e+15"),
        ({"v": -1e16}, "value", "beyond 1e+15"),
        ({"t": 48 * 3600 * 1000}, "time-future", "ahead of the server"),
        ({"u": "/", "s": "board/mode"}, "unit", "another name"),
    ],
)
def test_one_odd_reading_does_not_take_its_message_along(
    database: Database, capsys: pytest.CaptureFixture[str], odd: dict[str, Any], code: str, word: str
) -> None:
    url = database.url
    pi = device_in(url, "lab")
    usual = {"s": "board/mode", "v": 1.0, "u": "count"}
    commit(url, [pi.readings(NOW - timedelta(minutes=1), [usual])])
    message = [
        {"s": "board/co2", "v": 600.0, "u": "ppm"},
        usual | odd,
        {"s": "board/temp", "v": 20.0, "u": "Cel"},
    ]
    outcomes = commit(url, [pi.readings(NOW, message)])
    assert stored(url) == [("board/co2", 600.0), ("board/mode", 1.0), ("board/temp", 20.0)]
    assert unstored(outcomes) == [(2, (1,))]
    assert receipts(outcomes)[0].message.rejected == ()
    ((found, reason),) = rows(url, "SELECT code, reason FROM rejected")
    assert found == code
    assert word in reason
    assert rows(url, "SELECT verdict, readings FROM message WHERE seq = 2") == [("stored", 2)]
    assert rows(url, "SELECT seq, clashing, refused FROM unstored") == [(2, 0, 1)]
    status, text = audit(url, capsys)
    assert status == 0
    assert "1 readings cannot be right and were refused" in text


def test_message_of_odd_readings_only_is_rejected_whole(database: Database) -> None:
    pi = device_in(database.url, "lab")
    odd = [{"s": f"board/{name}", "v": 1e16, "u": "mm"} for name in ("level", "depth")]
    (receipt,) = receipts(commit(database.url, [pi.readings(NOW, odd)]))
    assert [refusal.seq for refusal in receipt.message.rejected] == [1]
    assert rows(database.url, "SELECT verdict, readings FROM message") == [("rejected", 0)]


@pytest.mark.parametrize("what", ["telemetry", "status"])
def test_stranger_gets_a_notice_that_confirms_nothing(database: Database, what: str) -> None:
    device_in(database.url, "lab")
    stranger = Device("attic-pi")
    packet = (
        stranger.telemetry(NOW, {"co2": 600.0})
        if what == "telemetry"
        else stranger.status(boot=stranger.boot, last_seq=0)
    )
    (receipt,) = receipts(commit(database.url, [packet]))
    assert (receipt.device, receipt.message.boot, receipt.message.upto) == ("attic-pi", stranger.boot, 0)
    assert "hubwell device add attic-pi --space SPACE" in receipt.message.notice
