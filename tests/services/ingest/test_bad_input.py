"""Whatever a payload holds: it is set aside with a sentence to act on, and its neighbours are stored.

The table of bad messages is wide so that one is one line.
"""
# ruff: noqa: E501 - see above

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feed.ingest_setup import commit, device_in, one, receipts, rows
from feed.simulated_device import Device, Packet
from hubwell.ingest.batch import sort_deliveries
from hubwell.ingest.validation import check_clock
from hubwell_wire.parse import MAX_PAYLOAD
from lanes.database_lane import Database

NOW = datetime.now(UTC).replace(microsecond=0)

Bad = Callable[[Device], Packet]


def changed(**fields: Any) -> Bad:
    return lambda pi: pi.telemetry(NOW, {"co2": 700.0}, **fields)


def reading(**fields: Any) -> Bad:
    return lambda pi: pi.readings(NOW, [{"s": "board/co2", "v": 700.0, "u": "ppm", **fields}])


def replaced(old: bytes, new: bytes) -> Bad:
    def make(pi: Device) -> Packet:
        packet = pi.telemetry(NOW, {"co2": 700.0})
        assert old in packet.payload
        return Packet(packet.topic, packet.payload.replace(old, new))

    return make


def without(name: str) -> Bad:
    def make(pi: Device) -> Packet:
        packet = pi.telemetry(NOW, {"co2": 700.0})
        fields = json.loads(packet.payload)
        del fields[name]
        return Packet(packet.topic, json.dumps(fields).encode())

    return make


def raw(payload: bytes, channel: str = "up/telemetry") -> Bad:
    return lambda pi: pi.raw(payload, channel)


def at(time: str, **fields: Any) -> Bad:
    return lambda pi: pi.readings(NOW, [{"s": "board/co2", "v": 1.0, "u": "ppm", **fields}], ts=time)


def big_gap(pi: Device) -> Packet:
    return pi.gap(NOW, count=2**70)


def late(days: int) -> Bad:
    return lambda pi: pi.telemetry(NOW + timedelta(days=days), {"co2": 700.0})


def on(channel: str) -> Bad:
    return lambda pi: pi.raw(pi.telemetry(NOW, {"co2": 700.0}).payload, channel)


# what is wrong, how it is made, its code, words of the sentence, whether its number can be read
ANSWER = (
    b'{"v": 1, "type": "answer", "boot": "019abcde-0000-7000-8000-000000000000", "seq": 1, "verdict": "in"}'
)
BAD: list[tuple[str, Bad, str, tuple[str, ...], bool]] = [
    ("not JSON", raw(b"co2=812"), "json", ("not JSON",), False),
    ("half of it", raw(b'{"v":1,"id":'), "json", ("not JSON", "EOF"), False),
    ("not UTF-8", raw(b'{"v":\xff\xfe}'), "json", ("not JSON",), False),
    ("zeros", raw(b"\0" * 100), "json", ("not JSON",), False),
    ("a list", raw(b"[]"), "field", ("message",), False),
    ("a number", raw(b"812"), "field", ("message",), False),
    ("nothing in it", raw(b"{}"), "field", ("Field required",), False),
    ("deep nesting", raw(b"[" * 100_000), "json", ("not JSON", "recursion"), False),
    ("deep nesting in an unknown field", replaced(b'"v": 1,', b'"v": 1,"x":' + b"[" * 5000 + b"]" * 5000 + b","), "json", ("recursion",), False),
    ("10 MB", raw(b" " * 10_000_000), "too-large", ("10000000", str(MAX_PAYLOAD), "fewer readings"), False),
    ("value is text", reading(v="700"), "field", ("r.0.v", "number", "'700'"), True),
    ("value is null", reading(v=None), "field", ("r.0.v", "number"), True),
    ("value is true", reading(v=True), "field", ("r.0.v", "number"), True),
    ("number is text", changed(seq="5"), "field", ("seq", "integer", "'5'"), False),
    ("number is zero", changed(seq=0), "field", ("seq", "greater than or equal to 1"), False),
    ("number is negative", changed(seq=-4), "field", ("seq", "-4"), False),
    ("number is huge", changed(seq=2**63), "field", ("seq", str(2**63)), False),
    ("number has 5000 digits", replaced(b'"seq": 1', b'"seq": ' + b"9" * 5000), "json", ("not JSON",), False),
    ("number is missing", without("seq"), "field", ("seq", "required"), False),
    ("boot is missing", without("boot"), "field", ("boot", "required"), False),
    ("id is no UUID", changed(id="42"), "field", ("id", "UUID", "'42'"), True),
    ("version of tomorrow", changed(v=2), "field", ("v", "2"), True),
    ("time without zone", changed(ts="2026-11-22T21:04:05"), "field", ("ts", "timezone"), True),
    ("time is text", changed(ts="yesterday"), "field", ("ts", "'yesterday'"), True),
    ("clock state unknown", changed(clock="maybe"), "field", ("clock", "'synced' or 'unsynced'"), True),
    ("no readings", changed(r=[]), "field", ("r:",), True),
    ("readings are no list", changed(r={"co2": 1}), "field", ("r:",), True),
    ("too many readings", changed(r=[{"s": "board/co2", "v": 1.0, "u": "ppm"}] * 1001), "field", ("r:", "1000"), True),
    ("series without sensor", reading(s="co2"), "field", ("'co2'",), True),
    ("quality unknown", reading(q="fine"), "field", ("r.0.q", "'fine'"), True),
    ("offset beyond a week", reading(t=-8 * 24 * 3600 * 1000), "field", ("-691200000",), True),
    ("NaN", replaced(b"700.0", b"NaN"), "field", ("r.0.v", "finite"), True),
    ("infinity", replaced(b"700.0", b"Infinity"), "field", ("r.0.v", "finite"), True),
    ("minus infinity", replaced(b"700.0", b"-Infinity"), "field", ("r.0.v", "finite"), True),
    ("float overflow", replaced(b"700.0", b"1e999"), "field", ("r.0.v", "finite"), True),
    ("value that nothing measures", reading(v=-1.7e308), "value", ("board/co2", "-1.7e+308", "check the sensor"), True),
    ("unit unknown", reading(u="furlong"), "unit", ("'furlong'", "'board/co2'", "ppm"), True),
    ("unit of another quantity", reading(u="Cel"), "unit", ("'board/co2'", "'Cel'", "'ppm'"), True),
    ("duplicate key", replaced(b'"v": 700.0', b'"v": 700.0, "v": 701.0'), "duplicate-key", ("'v'", "twice"), True),
    ("duplicate number", replaced(b'"seq": 1', b'"seq": 9, "seq": 1'), "duplicate-key", ("'seq'", "twice"), True),
    ("1970", at("1970-01-01T00:00:12Z"), "time-past", ("1970-01-01", "NTP"), True),
    ("year 1 and before it", at("0001-01-01T00:00:00Z", t=-5000), "time-past", ("0001-01-01", "NTP"), True),
    ("year 1 east of Greenwich", at("0001-01-01T00:00:00+14:00"), "time-past", ("0001-01-01", "NTP"), True),
    ("reading before 2000", at("2000-01-01T00:00:01Z", t=-5000), "time-past", ("2000-01-01", "NTP"), True),
    ("next year", late(365), "time-future", ("ahead of the server", "NTP"), True),
    ("year 9999 and after it", at("9999-12-31T23:59:59Z", t=5000), "time-future", ("9999", "NTP"), True),
    ("a reading of tomorrow", reading(t=24 * 3600 * 1000), "time-future", ("ahead of the server", "NTP"), True),
    ("clock never set", changed(clock="unsynced"), "clock-unsynced", ("never set", "network time"), True),
    ("device disagrees with topic", changed(device="other-pi"), "topic-mismatch", ("'other-pi'", "'lab-pi'"), True),
    ("event on the telemetry topic", lambda pi: pi.raw(pi.tap(NOW, b"b" * 16).payload), "topic-mismatch", ("event",), True),
    ("telemetry on the event topic", on("up/event"), "topic-mismatch", ("telemetry",), True),
    ("event of a kind nobody knows", lambda pi: pi.event(NOW, "dance", {}), "field", ("dance",), True),
    ("badge is a card's number", lambda pi: pi.event(NOW, "tap", {"reader": "a", "badge": "04A1B2", "epoch": 1}), "field", ("badge",), True),
    ("gap that ends before it begins", lambda pi: pi.gap(NOW, count=1, first=9, last=3), "field", ("9", "3"), True),
    ("NUL in a text", lambda pi: pi.fault(NOW, detail="wire\0loose"), "field", ("data.detail", "NUL"), True),
    ("receipt from a device", raw(ANSWER, "down/cmd"), "topic", ("down/cmd",), False),
    ("status that is no JSON", raw(b"on", "status"), "json", ("not JSON",), False),
    ("status with an unknown state", lambda pi: pi.status("asleep"), "field", ("state", "'asleep'"), False),
    ("status with a huge number", lambda pi: pi.status(boot=pi.boot, last_seq=2**70), "database", ("out of range",), False),
    ("meta with NUL", lambda pi: pi.meta(name="Lab\0"), "field", ("name", "NUL"), False),
]  # fmt: skip


@pytest.fixture(scope="module")
def everything(lanes: Any) -> Any:
    """All of the bad messages in one batch, a good one around each, delivered twice."""
    lane = lanes("plain")
    database = lane.create("migrated")
    url = database.url
    good = device_in(url, "lab", "good-pi")
    batch, bad = [good.telemetry(NOW, {"co2": 500.0})], {}
    for index, (name, make, *_) in enumerate(BAD, start=1):
        pi = device_in(url, "lab", "lab-pi")  # each numbers from 1
        bad[name] = (pi, make(pi))
        batch += [bad[name][1], good.telemetry(NOW + timedelta(seconds=index), {"co2": 500.0 + index})]
    answers = [receipts(commit(url, batch)) for _ in range(2)]
    yield url, bad, good, answers
    lane.drop(database)


@pytest.mark.parametrize(("name", "code", "words"), [(name, code, words) for name, _, code, words, _ in BAD])
def test_bad_message_is_kept_with_code_and_sentence(
    everything: Any, name: str, code: str, words: tuple[str, ...]
) -> None:
    url, bad, _, _ = everything
    _, packet = bad[name]
    found = rows(
        url,
        "SELECT code, reason, copies, size, device_id FROM rejected WHERE digest = %s",
        sha256(packet.topic.encode() + b"\0" + packet.payload).digest(),
    )
    assert len(found) == 1
    ((stored_code, reason, copies, size, device),) = found
    assert (stored_code, copies, size, device) == (code, 2, len(packet.payload), "lab-pi")
    assert all(word in reason for word in words), reason


@pytest.mark.parametrize(("name", "numbered"), [(name, numbered) for name, *_, numbered in BAD])
def test_device_is_told_about_a_refused_number(everything: Any, name: str, *, numbered: bool) -> None:
    _, bad, _, answers = everything
    pi, _ = bad[name]
    for answer in answers:
        told = [r.message for r in answer if r.message.boot == pi.boot and r.message.rejected]
        assert len(told) == numbered
        if numbered:
            assert told[0].upto == 1
            assert [refusal.seq for refusal in told[0].rejected] == [1]
            assert told[0].rejected[0].reason


def test_good_messages_around_are_stored_once(everything: Any) -> None:
    url, _, good, answers = everything
    values = rows(url, "SELECT value FROM reading ORDER BY time")
    assert [value for (value,) in values] == [500.0 + index for index in range(len(BAD) + 1)]
    for answer in answers:
        assert max(r.message.upto for r in answer if r.device == "good-pi") == good.seq


def test_refused_numbers_stand_in_the_ledger_once(everything: Any) -> None:
    url, bad, _, _ = everything
    numbered = [bad[name][0].boot for name, *_, readable in BAD if readable]
    found = rows(
        url,
        "SELECT s.boot, m.seq, m.verdict, m.copies FROM message m JOIN stream s ON s.id = m.stream_id "
        "WHERE s.device_id = 'lab-pi'",
    )
    assert sorted(found) == sorted((boot, 1, "rejected", 2) for boot in numbered)


def test_only_the_beginning_of_a_large_payload_is_kept(everything: Any) -> None:
    url, _, _, _ = everything
    assert one(url, "SELECT length(payload) FROM rejected WHERE code = 'too-large'") == 64 * 1024


def test_stranger_gets_nothing_confirmed_and_is_stored_once_it_is_registered(database: Database) -> None:
    url = database.url
    device_in(url, "lab")
    stranger = Device("attic-pi")
    packets = [stranger.telemetry(NOW, {"co2": 700.0}), stranger.status(boot=stranger.boot, last_seq=1)]
    confirmed = [(r.message.upto, r.message.rejected) for r in receipts(commit(url, packets, packets))]
    assert confirmed == [(0, ())] * 2
    ((code, reason, copies),) = rows(url, "SELECT code, reason, copies FROM rejected")
    assert (code, copies) == ("unknown-device", 2)
    assert "hubwell device add attic-pi --space" in reason
    device_in(url, "attic", "attic-pi")
    (receipt,) = receipts(commit(url, packets))
    assert (receipt.device, receipt.message.upto, receipt.message.rejected) == ("attic-pi", 1, ())
    assert one(url, "SELECT count(*) FROM reading") == 1


def test_series_that_changes_its_unit_is_refused_alone(database: Database) -> None:
    pi = device_in(database.url, "lab")
    level = {"s": "tank/level", "v": 1.0}
    packets = [pi.readings(NOW, [{**level, "u": "mm"}]), pi.readings(NOW, [{**level, "u": "V", "t": 1000}])]
    packets.append(pi.telemetry(NOW, {"co2": 600.0}))
    (receipt,) = receipts(commit(database.url, packets))
    assert receipt.message.upto == 3
    ((code, reason),) = rows(database.url, "SELECT code, reason FROM rejected")
    assert code == "unit"
    assert all(word in reason for word in ("'tank/level'", "'mm'", "'V'", "another name"))
    assert one(database.url, "SELECT count(*) FROM reading") == 2


def test_empty_payload_is_no_message(database: Database) -> None:
    pi = device_in(database.url, "lab")
    assert receipts(commit(database.url, [pi.raw(b"", "status"), pi.raw(b"")])) == []
    assert one(database.url, "SELECT count(*) FROM rejected") == 0


def test_message_the_database_refuses_stands_aside_alone(database: Database) -> None:
    pi = device_in(database.url, "lab")
    start = NOW - timedelta(hours=1)
    packets = [pi.telemetry(start + timedelta(seconds=n), {"co2": 500.0 + n}) for n in range(499)]
    packets.insert(311, big_gap(pi))
    outcome = commit(database.url, packets)
    final = max(receipts(outcome), key=lambda receipt: receipt.message.upto)
    assert final.message.upto == 500
    assert rows(database.url, "SELECT seq, code FROM rejected") == [(500, "database")]
    assert one(database.url, "SELECT count(*) FROM reading") == 499
    assert rows(database.url, "SELECT verdict, count(*) FROM message GROUP BY 1 ORDER BY 1") == [
        ("rejected", 1),
        ("stored", 499),
    ]
    assert receipts(commit(database.url, packets))[-1].message.upto == 500
    assert rows(database.url, "SELECT DISTINCT copies FROM message") == [(2,)]
    assert one(database.url, "SELECT count(*) FROM rejected") == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["v", "id", "boot", "seq", "ts", "clock", "mono_ms", "r", "device", "type", "data"]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A message in which a field holds something else, or bytes were changed."""
    fields = json.loads(Device("lab-pi").telemetry(NOW, {"co2": 700.0}).payload)
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=3)):
        fields[name] = draw(JSON)
    payload = bytearray(json.dumps(fields).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 3))):
        payload[draw(st.integers(0, len(payload) - 1))] = draw(st.integers(0, 255))
    return bytes(payload)


PAYLOADS = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()) | spoilt()
CHANNELS = st.sampled_from(["up/telemetry", "up/event", "status", "meta", "down/ack", "nowhere"])


@settings(max_examples=300, deadline=None)
@given(payload=PAYLOADS, channel=CHANNELS)
def test_sorting_never_raises(payload: bytes, channel: str) -> None:
    batch = sort_deliveries([Device("lab-pi").raw(payload, channel)], NOW)
    assert all(item.code and item.reason for item in batch.refused)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.lists(st.tuples(PAYLOADS, CHANNELS), min_size=1, max_size=12))
def test_any_bytes_leave_the_neighbours_alone(database: Database, bad: list[tuple[bytes, str]]) -> None:
    url = database.url
    lab, good = device_in(url, "lab", "lab-pi"), device_in(url, "lab", "good-pi")
    batch = []
    for payload, channel in bad:
        batch += [good.telemetry(NOW, {"co2": 1.0, "temp": 2.0}), lab.raw(payload, channel)]
    answers = [r.message for r in receipts(commit(url, batch)) if r.message.boot == good.boot]
    assert max(answer.upto for answer in answers) == len(bad)
    stored = "SELECT count(*) FROM message m JOIN stream s ON s.id = m.stream_id WHERE s.boot = %s"
    assert one(url, f"{stored} AND verdict = 'stored'", good.boot) == len(bad)


@given(
    ts=st.datetimes(timezones=st.just(UTC)), offset=st.integers(-7 * 24 * 3600 * 1000, 7 * 24 * 3600 * 1000)
)
def test_any_time_is_judged(ts: datetime, offset: int) -> None:
    batch = sort_deliveries([at(ts.isoformat(), t=offset)(Device("lab-pi"))], NOW)
    for arrival in batch.arrivals:
        check_clock(arrival.message, NOW)
    assert {refused.code for refused in batch.refused} <= {"time-past", "time-future"}
    assert len(batch.arrivals) + len(batch.refused) == 1


def test_a_card_number_in_place_of_a_pseudonym_is_kept_nowhere(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader that sends the card's own number is wrong; telling so must not spread the number."""
    card = "04de5f1eacc040"
    pi = device_in(database.url, "lab")
    data = {"reader": "door", "badge": card, "epoch": 1}
    commit(database.url, [pi.event(NOW, "tap", data)])
    ((reason, payload),) = rows(database.url, "SELECT reason, payload FROM rejected")
    assert "badge" in reason
    assert card not in reason
    assert card.encode() not in payload
    assert card not in caplog.text
