"""The account of every message, from the ledger alone."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from feed.ingest_setup import commit, device_in, reading, rows
from feed.simulated_device import Device, Packet
from hubwell.commands.reports import print_audit, print_rejected
from hubwell.ingest.audit import Day, audit
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database

NOON = (datetime.now(UTC) - timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)


def account(url: str, *, zone: str = "UTC", device: str | None = None) -> list[Day]:
    with connect_sync(url, name="test") as conn:
        return audit(conn, since=NOON - timedelta(days=5), zone=zone, device=device)


def some(pi: Device, count: int, begin: datetime = NOON) -> list[Packet]:
    return [pi.telemetry(begin + timedelta(seconds=n), {"co2": 1.0, "temp": 2.0}) for n in range(count)]


def holes(day: Day) -> list[tuple[int, int, bool]]:
    return [(hole.first, hole.last, hole.explained) for hole in day.holes]


def printed(url: str, capsys: pytest.CaptureFixture[str], *, as_json: bool = False) -> tuple[int, str]:
    status = print_audit(url, zone="UTC", device=None, days=7, as_json=as_json)
    return status, capsys.readouterr().out


def test_everything_there_is_clean(lane_database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    packets = some(pi, 10)
    commit(url, packets, packets[:3])
    (day,) = account(url)
    assert (day.device, day.day) == ("lab-pi", NOON.date())
    assert (day.sent, day.stored, day.duplicated, day.readings) == (10, 10, 3, 20)
    assert (day.rejected, day.dropped, day.missing, day.holes) == (0, 0, 0, [])
    status, text = printed(url, capsys)
    assert status == 0
    assert "Nothing is missing." in text


def test_every_kind_of_loss_is_told_apart(lane_database: Database) -> None:
    url = lane_database.url
    pi = device_in(url, "lab")
    packets = some(pi, 5)
    pi.skip(4)  # 6 to 9: dropped, and declared so
    packets.append(pi.gap(NOON + timedelta(minutes=1), count=4, first=6, last=9))
    pi.skip(2)  # 11 and 12: nobody knows
    packets += some(pi, 1, NOON + timedelta(minutes=2))
    packets.append(pi.telemetry(NOON + timedelta(minutes=3), {"co2": 1.0}, clock="unsynced"))
    packets.append(pi.status(boot=pi.boot, last_seq=pi.seq + 3))  # 15 to 17: still on the device
    commit(url, packets)
    fresh = {day.day: day for day in account(url)}[NOON.date()].holes[1]
    assert "not arrived yet" in fresh.cause  # a device repeats later than it sends new ones
    with connect_sync(url, name="test") as conn:
        conn.execute("UPDATE message SET received_at = received_at - interval '1 minute'")
    by_day = {day.day: day for day in account(url)}
    day, today = by_day[NOON.date()], by_day[datetime.now(UTC).date()]
    assert (day.stored, day.dropped, day.missing) == (7, 4, 2)
    assert holes(day) == [(6, 9, True), (11, 12, False)]
    assert [hole.cause for hole in day.holes] == ["dropped by the device: outbox-full", "unknown"]
    assert (today.rejected, today.missing) == (1, 3)
    assert holes(today) == [(15, 17, False)]
    assert "not arrived yet" in today.holes[0].cause
    assert day.sent + today.sent == 17


def test_hole_that_is_declared_in_part_is_counted_in_parts(lane_database: Database) -> None:
    pi = device_in(lane_database.url, "lab")
    packets = some(pi, 1)
    pi.skip(8)  # 2 to 9, of which 4 to 6 are declared
    packets.append(pi.gap(NOON + timedelta(minutes=1), count=3, first=4, last=6))
    commit(lane_database.url, packets)
    (day,) = account(lane_database.url)
    assert (day.sent, day.stored, day.dropped, day.missing) == (10, 2, 3, 5)
    assert holes(day) == [(2, 3, False), (4, 6, True), (7, 9, False)]


def test_declared_numbers_that_came_after_all_are_stored(database: Database) -> None:
    pi = device_in(database.url, "lab")
    packets = some(pi, 3)
    packets.append(pi.gap(NOON, count=3, first=1, last=3))
    commit(database.url, packets)
    (day,) = account(database.url)
    assert (day.sent, day.stored, day.dropped, day.missing) == (4, 4, 0, 0)


def test_tail_that_is_declared_is_dropped(database: Database) -> None:
    pi = device_in(database.url, "lab")
    gap = pi.gap(NOON, count=2, first=2, last=3)
    commit(database.url, [gap, pi.status(boot=pi.boot, last_seq=3)])
    found = account(database.url)
    assert (sum(day.dropped for day in found), sum(day.missing for day in found)) == (2, 0)


def test_gap_is_believed_whatever_the_clock_says(database: Database) -> None:
    pi = device_in(database.url, "lab")
    pi.skip(4)
    nineteen_seventy = datetime(1970, 1, 2, tzinfo=UTC)
    data = {"cause": "outbox-full", "count": 4, "first": 1, "last": 4}
    commit(database.url, [pi.event(nineteen_seventy, "gap", data, clock="unsynced")])
    (day,) = account(database.url)
    assert (day.stored, day.rejected, day.dropped, day.missing) == (1, 0, 4, 0)


def test_nothing_of_a_boot_has_arrived(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.status(boot=pi.boot, last_seq=12)])
    (day,) = account(database.url)
    assert (day.sent, day.missing, holes(day)) == (12, 12, [(1, 12, False)])


@pytest.mark.parametrize("seq", [1, 4, 6])
def test_ledger_row_deleted_by_hand_is_missed(
    database: Database, capsys: pytest.CaptureFixture[str], seq: int
) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, some(pi, 6))
    with reading(database.url) as conn:
        conn.execute("DELETE FROM message WHERE seq = %s", [seq])
    found = [hole for day in account(database.url) for hole in day.holes]
    assert [(hole.first, hole.last) for hole in found] == [(seq, seq)]
    status, text = printed(database.url, capsys)
    assert status == 1
    assert "1 messages are missing." in text
    assert f"numbers {seq} to {seq} of boot {str(pi.boot)[:8]}" in text


def test_whole_ledger_of_a_stream_deleted_by_hand_is_missed(database: Database) -> None:
    commit(database.url, some(device_in(database.url, "lab"), 6))
    with reading(database.url) as conn:
        conn.execute("DELETE FROM message")
    assert sum(day.missing for day in account(database.url)) == 6


def test_rejected_without_a_number_counts_on_its_day_of_arrival(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.raw(b"{"), pi.raw(b"["), pi.raw(b"{")])
    (day,) = account(database.url)
    assert (day.day, day.sent, day.rejected) == (datetime.now(UTC).date(), 3, 3)


def test_stranger_is_counted_until_it_is_registered(database: Database) -> None:
    """Its messages wait on the device: stored once they are welcome, they are not rejected as well."""
    url = database.url
    pi = Device("attic-pi")
    packets = some(pi, 3)
    commit(url, packets, packets)
    (day,) = account(url)
    assert (day.device, day.rejected, day.duplicated) == ("attic-pi", 3, 3)
    device_in(url, "attic", "attic-pi")
    commit(url, packets)
    (day,) = account(url)
    assert (day.sent, day.stored, day.rejected, day.missing) == (3, 3, 0, 0)


def test_disk_full_is_told_though_it_has_no_numbers(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.gap(NOON, cause="disk-full", count=40)])
    (day,) = account(database.url)
    assert (day.unnumbered, day.sent, day.missing) == (40, 1, 0)
    assert "40 observations lost, disk full" in printed(database.url, capsys)[1]


def test_days_are_days_of_the_hub_newest_first(database: Database) -> None:
    pi = device_in(database.url, "lab")
    late = NOON.replace(hour=23, minute=30)
    commit(database.url, [*some(pi, 1, late), *some(pi, 1, late - timedelta(days=1))])
    assert [day.day for day in account(database.url)] == [late.date(), late.date() - timedelta(days=1)]
    helsinki = [day.day for day in account(database.url, zone="Europe/Helsinki")]
    assert helsinki == [late.date() + timedelta(days=1), late.date()]


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("clash", "1 readings clash with another value of the same instant"),
        ("hole", "1 messages are missing."),
        ("disk", "40 observations lost, disk full"),
    ],
)
def test_recording_of_long_ago_is_shown_when_it_was_replayed_lately(
    database: Database, capsys: pytest.CaptureFixture[str], lost: str, words: str
) -> None:
    """A replay of last year's file, today: the account of the last days says what became of it."""
    url, begin = database.url, NOON - timedelta(days=400)
    pi = device_in(url, "lab")
    packets = some(pi, 3, begin)
    if lost == "clash":
        packets.append(pi.telemetry(begin, {"co2": 1.5}))
    elif lost == "hole":
        pi.skip()
        packets += some(pi, 1, begin + timedelta(minutes=1))
    else:
        packets.append(pi.gap(begin, cause="disk-full", count=40))
    commit(url, packets)
    status, text = printed(url, capsys)
    assert (words in text, str(begin.date()) in text) == (True, True), text
    assert status == (0 if lost == "disk" else 1)  # the device has said what it dropped


def test_one_device_can_be_asked_for(database: Database) -> None:
    for space in ("lab", "den"):
        pi = device_in(database.url, space)
        pi.skip()
        commit(database.url, [*some(pi, 1), pi.raw(b"{"), pi.gap(NOON, count=1)])
    assert {day.device for day in account(database.url)} == {"lab-pi", "den-pi"}
    assert {day.device for day in account(database.url, device="den-pi")} == {"den-pi"}


def test_json_is_one_object(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    pi = device_in(database.url, "lab")
    packets = some(pi, 2)
    pi.skip()
    commit(database.url, [*packets, *some(pi, 1, NOON + timedelta(hours=1))])
    status, text = printed(database.url, capsys, as_json=True)
    told: dict[str, Any] = json.loads(text)
    assert (status, told["missing"], told["clean"]) == (1, 1, False)
    (day,) = told["days"]
    assert date.fromisoformat(day.pop("day")) == NOON.date()
    hole = day.pop("holes")
    cause = "not arrived yet: the device may still hold them"
    assert hole == [{"boot": str(pi.boot), "first": 3, "last": 3, "cause": cause, "explained": False}]
    assert day == {
        "device": "lab-pi", "sent": 4, "stored": 3, "duplicated": 0, "rejected": 0, "dropped": 0,
        "missing": 1, "readings": 6, "unnumbered": 0, "clashing": 0, "readings_refused": 0,
    }  # fmt: skip


def test_empty_database_is_clean(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(database.url, capsys) == (0, "No messages.\nNothing is missing.\n")


def test_rejected_messages_are_listed_newest_first(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    pi = device_in(database.url, "lab")
    commit(database.url, [pi.raw(b"{")], [pi.telemetry(NOON, {"co2": 1.0}, clock="unsynced")])
    print_rejected(database.url, most=10, as_json=True)
    found = json.loads(capsys.readouterr().out)["rejected messages"]
    assert [row["code"] for row in found] == ["clock-unsynced", "json"]
    print_rejected(database.url, most=1, as_json=False)
    text = capsys.readouterr().out
    assert "clock-unsynced" in text
    assert "not JSON" not in text
    assert len(rows(database.url, "SELECT 1 FROM rejected")) == 2
