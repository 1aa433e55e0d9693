"""One device cannot fill the database: series, boots and messages set aside have a quota each."""

import json
import os
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from feed.ingest_setup import commit, device_in, one, reading, receipts, rows
from feed.simulated_device import Device, Packet
from hubwell.commands.reports import print_audit
from hubwell.doctor.checks import _contents
from hubwell.ingest import id_cache, rejected
from hubwell.ingest.id_cache import MOST_BOOTS
from hubwell.vocabulary import MOST_SERIES, REJECTED_BYTES
from lanes.database_lane import Database

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def with_new_names(pi: Device, first: int, count: int) -> Packet:
    readings = [{"s": f"part-{number}/co2", "v": 600.0, "u": "ppm"} for number in range(first, first + count)]
    return pi.readings(NOW + timedelta(seconds=first), readings)


def test_series_past_the_quota_are_not_made_and_the_device_is_told(database: Database) -> None:
    url = database.url
    pi, other = device_in(url, "lab"), device_in(url, "hall")
    flood = [[with_new_names(pi, first, 900)] for first in range(0, 9000, 900)]
    outcomes = commit(url, *flood, [other.telemetry(NOW, {"co2": 700.0})])
    counts = dict(rows(url, "SELECT device_id, count(*) FROM series GROUP BY 1"))
    assert counts == {"lab-pi": MOST_SERIES, "hall-pi": 1}
    assert one(url, "SELECT count(*) FROM reading") == MOST_SERIES + 1
    assert receipts(outcomes)[-2].message.upto == len(flood)  # all are answered: the device may delete them
    reasons = {
        reason for (reason,) in rows(url, "SELECT reason FROM rejected WHERE code = 'too-many-series'")
    }
    assert any(f"'lab-pi' has {MOST_SERIES} series already" in reason for reason in reasons)


def test_known_series_go_on_when_the_quota_is_reached(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab")
    full = [with_new_names(pi, first, 100) for first in range(0, MOST_SERIES + 100, 100)]
    commit(url, full)
    mixed = pi.readings(
        NOW + timedelta(minutes=5),
        [{"s": "part-0/co2", "v": 601.0, "u": "ppm"}, {"s": "new/co2", "v": 1.0, "u": "ppm"}],
    )
    outcome = commit(url, [mixed])[-1]
    assert (
        one(url, "SELECT value FROM reading r JOIN series s ON s.id = series_id ORDER BY time DESC LIMIT 1")
        == 601
    )
    assert [unstored.readings for unstored in outcome.receipts[-1].message.unstored] == [(1,)]


def nonsense(device: Device, number: int) -> Packet:
    return device.raw(json.dumps({"v": 1, "number": number}).encode() + os.urandom(30_000).hex().encode())


def kept(url: str) -> int:
    size: int = one(url, "SELECT coalesce(sum(octet_length(payload)), 0)::bigint FROM rejected")
    return size


@pytest.mark.parametrize("is_registered", [True, False])
def test_bytes_set_aside_have_a_quota_and_every_message_is_counted(
    database: Database, *, is_registered: bool
) -> None:
    url = database.url
    devices = [device_in(url, "lab")] if is_registered else [Device(f"stranger-{n}") for n in range(10)]
    packets = [nonsense(devices[number % len(devices)], number) for number in range(100)]
    assert sum(len(packet.payload) for packet in packets) > REJECTED_BYTES
    commit(url, packets[:50], packets[50:])
    assert REJECTED_BYTES - 65_536 <= kept(url) <= REJECTED_BYTES
    assert one(url, "SELECT sum(copies)::bigint FROM rejected") == 100
    assert one(url, "SELECT count(*) FROM rejected WHERE reason LIKE '%its content is not kept%'") > 20

    careful = device_in(url, "hall")
    commit(url, [nonsense(careful, 1)])
    assert one(url, "SELECT octet_length(payload) FROM rejected WHERE device_id = 'hall-pi'") > 60_000


def test_rows_set_aside_have_a_quota_and_the_audit_counts_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rejected, "REJECTED_ROWS", 20)
    url = database.url
    pi = device_in(url, "lab")
    odd = [pi.telemetry(NOW - timedelta(days=30_000) + timedelta(seconds=n), {"co2": 1.0}) for n in range(30)]
    unreadable = [pi.raw(b"{" + str(number).encode()) for number in range(30)]
    commit(url, odd, unreadable, unreadable[:5])
    assert (
        one(url, "SELECT count(*) FROM rejected") == 22
    )  # twenty, and one for all further ones of each kind
    assert one(url, "SELECT count(*) FROM message WHERE verdict = 'rejected'") == 30
    print_audit(url, zone="UTC", device=None, days=7, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert sum(day["rejected"] for day in told["days"]) == 30 + 35


def restarted(device: Device) -> Device:
    """Return the device after a restart of its kernel: it numbers its messages in a boot of its own."""
    return Device(device.name)


def accounted(url: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, int, int]:
    """Return how many messages the audit knows as stored, as rejected and as missing."""
    print_audit(url, zone="UTC", device=None, days=7, as_json=True)
    days = json.loads(capsys.readouterr().out)["days"]
    stored, refused, missing = (sum(day[key] for day in days) for key in ("stored", "rejected", "missing"))
    return stored, refused, missing


def test_a_device_that_restarts_all_day_loses_nothing(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database.url
    pi = device_in(url, "lab")
    boots = [restarted(pi) for _ in range(MOST_BOOTS)]
    first = [boot.telemetry(NOW + timedelta(seconds=n), {"co2": 700.0}) for n, boot in enumerate(boots)]
    outcomes = commit(url, first, first[:50])
    assert [receipt.message.upto for receipt in receipts(outcomes)] == [1] * (MOST_BOOTS + 50)
    assert accounted(url, capsys) == (MOST_BOOTS, 0, 0)
    commit(url, [boots[0].telemetry(NOW - timedelta(seconds=5), {"co2": 701.0})])  # a known boot goes on
    assert accounted(url, capsys) == (MOST_BOOTS + 1, 0, 0)


def test_boots_past_the_quota_wait_on_their_device(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(id_cache, "MOST_BOOTS", 20)
    url = database.url
    pi, other = device_in(url, "lab"), device_in(url, "hall")
    boots = [restarted(pi) for _ in range(30)]
    flood = [boot.telemetry(NOW + timedelta(seconds=n), {"co2": 700.0}) for n, boot in enumerate(boots)]
    unreadable = restarted(pi).telemetry(NOW, {"co2": 700.0}, ts="1970-01-01T00:00:00Z")
    states = [pi.status(boot=str(restarted(pi).boot), last_seq=0) for _ in range(10)]
    outcomes = commit(url, [*states, *flood, other.telemetry(NOW, {"co2": 700.0})], [*flood, unreadable])
    counts = dict(rows(url, "SELECT device_id, count(*) FROM stream GROUP BY 1"))
    assert counts == {"lab-pi": 20, "hall-pi": 1}
    assert accounted(url, capsys) == (21, 10 + 1, 0)
    waiting = [receipt.message for receipt in receipts(outcomes) if receipt.message.notice]
    assert {message.boot for message in waiting} > {boot.boot for boot in boots[20:]}
    assert {(message.upto, message.ranges) for message in waiting} == {(0, ())}  # nothing may be deleted
    with reading(url) as conn:
        texts = [finding.found for finding in _contents(conn)]
    assert any("(too-many-boots)" in text and "'lab-pi' has started" in text for text in texts)

    with psycopg.connect(url) as conn:
        conn.execute("UPDATE stream SET first_received_at = now() - interval '25 hours'")
    outcomes = commit(url, flood)
    assert [receipt.message.upto for receipt in receipts(outcomes)] == [1] * 30
    assert one(url, "SELECT count(*) FROM message WHERE verdict = 'stored'") == 31
    assert accounted(url, capsys) == (31, 1, 0)  # the unreadable one did not come again
    assert one(url, "SELECT count(*) FROM stream WHERE device_id = 'lab-pi'") == 30
