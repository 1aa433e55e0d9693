"""Whatever is wrong with a message is refused with the field, the value and what to do about it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell_wire.messages import MAX_READINGS, Fault, Telemetry
from hubwell_wire.parse import MAX_DEPTH, MAX_PAYLOAD, BadMessageError, Message, parse
from wire.golden_messages import MESSAGES, fields, packed, parsed, payload, refused, topic
from wire.strategies import NAMED, QUICK

READING = {"s": "scd41/co2", "v": 812.0, "u": "ppm"}
NEVER = {"s": "scd41/co2", "u": "ppm", "every_s": 0}


def reading(**changed: Any) -> dict[str, Any]:
    return fields("telemetry", r=[{**READING, **changed}])


def data(name: str, /, **changed: Any) -> dict[str, Any]:
    return fields(name, data={**fields(name)["data"], **changed})


def value(text: bytes) -> bytes:
    return packed(reading()).replace(b"812.0", text)


def extra(text: bytes) -> bytes:
    """Give telemetry with an unknown field that holds this."""
    return payload("telemetry").replace(b'{"v":1,', b'{"v":1,"x":' + text + b",", 1)


BadFields = list[tuple[dict[str, Any] | bytes, str, str, str]]

ENVELOPE: BadFields = [
    (fields("telemetry", v="1"), "v", "'1'", "version 1"),
    (fields("telemetry", v=2), "v", "got 2", "version 1"),
    (fields("telemetry", v=True), "v", "got true", "version 1"),
    (fields("telemetry", v=1.0), "v", "got 1.0", "version 1"),
    (fields("telemetry", id="42"), "id", "'42'", "write it as 0192f0c1-"),
    (fields("telemetry", id=42), "id", "got 42", "UUID"),
    (fields("telemetry", boot=None), "boot", "got null", "UUID"),
    (fields("telemetry", boot="5c1d2e3f"), "boot", "'5c1d2e3f'", "write it as 0192f0c1-"),
    (fields("telemetry", seq="4711"), "seq", "'4711'", "without quotation marks"),
    (fields("telemetry", seq=4711.5), "seq", "got 4711.5", "valid integer"),
    (fields("telemetry", seq=True), "seq", "got true", "valid integer"),
    (fields("telemetry", seq=0), "seq", "got 0", "greater than or equal to 1"),
    (fields("telemetry", seq=-1), "seq", "got -1", "greater than or equal to 1"),
    (fields("telemetry", seq=2**63), "seq", str(2**63), "less than or equal to"),
    (fields("telemetry", ts="2026-11-22T21:04:05.123"), "ts", "'2026-11-22T21:04:05.123'", "in UTC, as"),
    (fields("telemetry", ts="2026-11-22"), "ts", "'2026-11-22'", "write it as 2026-"),
    (fields("telemetry", ts="2026-11-22T21:04Z"), "ts", "'2026-11-22T21:04Z'", "write it as 2026-"),
    (fields("telemetry", ts="yesterday"), "ts", "'yesterday'", "write it as 2026-"),
    (fields("telemetry", ts="1795381445"), "ts", "'1795381445'", "write it as 2026-"),
    (fields("telemetry", ts=1795381445), "ts", "got 1795381445", "write it as 2026-"),
    (fields("telemetry", ts=1795381445.123), "ts", "got 1795381445.123", "write it as 2026-"),
    (fields("telemetry", ts=None), "ts", "got null", "write it as 2026-"),
    (fields("telemetry", ts="2026-02-30T00:00:00Z"), "ts", "'2026-02-30T00:00:00Z'", "day value"),
    (fields("telemetry", clock="SYNCED"), "clock", "'SYNCED'", "'synced' or 'unsynced'"),
    (fields("telemetry", clock=None), "clock", "got null", "'synced' or 'unsynced'"),
    (fields("telemetry", mono_ms=-1), "mono_ms", "got -1", "greater than or equal to 0"),
    (fields("telemetry", mono_ms=10**30), "mono_ms", "got 1000000", "less than or equal to"),
    (fields("telemetry", device=7), "device", "got 7", "valid string"),
]
READINGS: BadFields = [
    (fields("telemetry", r=[]), "r", "not 0", "at least 1"),
    (fields("telemetry", r={}), "r", "", "array"),
    (fields("telemetry", r=None), "r", "got null", "array"),
    (fields("telemetry", r=[READING] * (MAX_READINGS + 1)), "r", "1001", "send more messages"),
    (fields("telemetry", r=[READING, 5]), "r.1", "got 5", "object"),
    (reading(v="812"), "r.0.v", "'812'", "without quotation marks"),
    (reading(v=None), "r.0.v", "got null", "valid number"),
    (reading(v=True), "r.0.v", "got true", "valid number"),
    (reading(v=[812]), "r.0.v", "", "valid number"),
    (value(b"NaN"), "r.0.v", "got nan", "leave a reading without a value out"),
    (value(b"Infinity"), "r.0.v", "got inf", "leave a reading without a value out"),
    (value(b"-Infinity"), "r.0.v", "got -inf", "leave a reading without a value out"),
    (value(b"1e999"), "r.0.v", "got inf", "leave a reading without a value out"),
    (value(b"-1e999"), "r.0.v", "got -inf", "leave a reading without a value out"),
    (value(b"1" + b"0" * 400), "r.0.v", "got 1000", "leave a reading without a value out"),
    (reading(q="good"), "r.0.q", "'good'", "'ok', 'suspect' or 'inferred'"),
    (reading(t=1.5), "r.0.t", "got 1.5", "valid integer"),
    (reading(t="5"), "r.0.t", "'5'", "without quotation marks"),
    (reading(t=604_800_001), "t", "604800001", "within 604800000 ms"),
    (reading(t=-604_800_001), "t", "-604800001", "within 604800000 ms"),
    (reading(t=-(2**70)), "t", str(-(2**70)), "within 604800000 ms"),
    (reading(s="co2"), "s", "'co2'", "SENSOR/QUANTITY"),
    (reading(s="SCD41/co2"), "s", "'SCD41/co2'", "SENSOR/QUANTITY"),
    (reading(s="scd41/co2\n"), "s", r"'scd41/co2\n'", "SENSOR/QUANTITY"),
    (reading(s="a/b/c/d/e"), "s", "'a/b/c/d/e'", "SENSOR/QUANTITY"),
    (reading(s=7), "r.0.s", "got 7", "valid string"),
]
UNITS: list[tuple[dict[str, Any], str, str, str]] = [
    (reading(u="furlong"), "unit", "'furlong'", "known units: ppm"),
    (reading(u="PPM"), "unit", "'PPM'", "known units: ppm"),
    (reading(u=""), "unit", "''", "known units: ppm"),
    (reading(u="Cel"), "unit", "'Cel'", "'co2' is in 'ppm'"),
    (reading(s="bme280/temp", u="ppm"), "unit", "'ppm'", "'temp' is in 'Cel'"),
]
OTHERS = [
    ("event-tap", data("event-tap", reader="Desk 1"), "data.reader", "'Desk 1'", "pattern"),
    ("event-tap", data("event-tap", reader="desk\n"), "data.reader", r"'desk\n'", "pattern"),
    ("event-tap", data("event-tap", badge="04A1B2C3"), "data.badge", "", "[0-9a-f]{32}"),
    ("event-tap", data("event-tap", epoch=-1), "data.epoch", "got -1", "greater than or equal to 0"),
    ("event-tap", fields("event-tap", data=[]), "data", "", "object"),
    ("event-tap", fields("event-tap", type="dance"), "type", "'dance'", "tap, gap, fault"),
    ("event-tap", fields("event-tap", type=None), "type", "'None'", "tap, gap, fault"),
    ("event-gap", data("event-gap", cause="bored"), "data.cause", "'bored'", "'disk-full' or 'erased'"),
    ("event-gap", data("event-gap", count=0), "data.count", "got 0", "greater than or equal to 1"),
    ("event-gap", data("event-gap", last=None), "data", "'first' and 'last'", "or neither"),
    ("event-gap", data("event-gap", first=9, last=3), "data", "(3)", "before it begins (9)"),
    ("event-fault", data("event-fault", part="SCD 41"), "data.part", "'SCD 41'", "pattern"),
    ("event-fault", data("event-fault", state="odd"), "data.state", "'odd'", "'silent', 'error' or"),
    ("event-fault", data("event-fault", detail="x" * 301), "data.detail", "'xxx", "at most 300"),
    ("event-fault", data("event-fault", detail="wire\0loose"), "data.detail", "NUL", "send it without"),
    ("event-fault", data("event-fault", detail="\x1b[2J"), "data.detail", "U+001B", "send it without"),
    ("event-fault", data("event-fault", detail="abc\u202edef"), "data.detail", "U+202E", "send it without"),
    ("status-online", fields("status-online", state="asleep"), "state", "'asleep'", "'online' or 'offline'"),
    ("status-online", fields("status-online", ts=5), "ts", "got 5", "write it as 2026-"),
    ("status-online", fields("status-online", pending=-1), "pending", "got -1", "greater than or equal to 0"),
    ("meta", fields("meta", name="Lab\0"), "name", "NUL", "send it without"),
    ("meta", fields("meta", name=None), "name", "got null", "valid string"),
    ("meta", fields("meta", software="x" * 121), "software", "'xxx", "at most 120"),
    ("meta", fields("meta", sensors=[NEVER]), "sensors.0.every_s", "got 0", "greater than 0"),
    ("meta", fields("meta", sensors=[{"s": "a/b", "u": "ppm"}] * 201), "sensors", "201", "at most 200"),
    ("ack", fields("ack", upto=-1), "upto", "got -1", "greater than or equal to 0"),
    ("ack", fields("ack", ranges=[[1, 2, 3]]), "ranges.0", "", "2 items"),
    ("ack", fields("ack", ranges=[["1", 2]]), "ranges.0.0", "'1'", "without quotation marks"),
    ("ack", fields("ack", rejected=[{"seq": 4709}]), "rejected.0.reason", "required", "add it"),
]  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_every_kind_of_message_is_read(name: str) -> None:
    found = parse(topic(name), payload(name))
    assert str(found.topic) == topic(name)
    assert found.message == parsed(name)


@pytest.mark.parametrize(("content", "field", "shown", "advice"), ENVELOPE + READINGS)
def test_bad_telemetry_names_field_value_and_what_to_do(
    content: dict[str, Any] | bytes, field: str, shown: str, advice: str
) -> None:
    error = refused("telemetry", content)
    assert error.code == "field"
    assert f"{field}: " in str(error)
    assert shown in str(error)
    assert advice in str(error)


@pytest.mark.parametrize(("content", "field", "shown", "advice"), UNITS)
def test_unit_that_does_not_fit_is_counted_as_such(
    content: dict[str, Any], field: str, shown: str, advice: str
) -> None:
    error = refused("telemetry", content)
    assert error.code == "unit"
    assert all(word in str(error) for word in (field, shown, advice, content["r"][0]["s"]))
    series = {"s": content["r"][0]["s"], "u": content["r"][0]["u"]}
    assert refused("meta", fields("meta", sensors=[series])).code == "unit"


@pytest.mark.parametrize(("name", "content", "field", "shown", "advice"), OTHERS)
def test_other_bad_message_names_field_value_and_what_to_do(
    name: str, content: dict[str, Any], field: str, shown: str, advice: str
) -> None:
    error = refused(name, content)
    assert error.code == "field"
    assert str(error).startswith(f"{field}: ")
    assert shown in str(error)
    assert advice in str(error)


def required_fields() -> list[tuple[str, str]]:
    optional = {"device", "boot", "ts", "last_seq", "pending", "clock", "roster_at"}
    optional_elsewhere = {"name", "software", "sensors", "ranges", "rejected", "readers", "text", "lang"}
    optional_elsewhere |= {"unstored", "notice"}
    return [
        (name, field)
        for name in MESSAGES
        for field in fields(name)
        if field not in optional_elsewhere and not (name.endswith("-signed") and field == "sig")
        if not (name in {"ack-signed", "cmd-answer-signed", "cmd-forget-signed"} and field == "at")
        if not (name.startswith("status") and field in optional)
        if field != "device"
    ]


@pytest.mark.parametrize(("name", "field"), required_fields())
def test_missing_field_is_named(name: str, field: str) -> None:
    content = fields(name)
    del content[field]
    error = refused(name, content)
    assert error.code in {"field", "topic-mismatch" if field == "type" else "field"}
    assert f"{field}: Field required" in str(error)


@pytest.mark.parametrize("field", ["s", "v", "u"])
def test_missing_field_of_a_reading_is_named_with_its_place(field: str) -> None:
    last = dict(READING)
    del last[field]
    assert f"r.2.{field}: Field required" in str(
        refused("telemetry", fields("telemetry", r=[READING, READING, last]))
    )


def test_only_the_first_problems_are_told() -> None:
    error = refused("telemetry", {})
    assert str(error).count("Field required") == 3
    assert str(error).endswith("and 5 more")


def test_many_bad_readings_are_refused_after_the_first() -> None:
    error = refused("telemetry", fields("telemetry", r=[{}] * 80_000))
    assert "r.0.s" in str(error)
    assert len(str(error)) < 400


NOT_JSON = [
    (b"", "EOF"),
    (b"co2=812", "co2=812"),
    (b'{"v":1,"id":', "EOF"),
    (payload("telemetry")[:-1], "EOF"),
    (payload("telemetry") + b"x", "trailing"),
    (payload("telemetry") + b"\0", "trailing"),
    (payload("telemetry") * 2, "trailing"),
    (b"\xff\xfe{}", "byte-order mark"),
    (b"\xef\xbb\xbf" + payload("telemetry"), "byte-order mark"),
    (payload("telemetry").decode().encode("utf-16"), "byte-order mark"),
    (payload("telemetry").decode().encode("utf-16-be"), "UTF-8"),
    (payload("event-fault").decode().encode("latin-1"), "unicode"),
    (value(b"nan"), "UTF-8"),
    (value(b"+5"), "UTF-8"),
    (value(b"05"), "number"),
    (value(b".5"), "UTF-8"),
    (value(b"0x10"), "UTF-8"),
    (value(b"9" * 5000), "out of range"),
    (value(b"8,5"), "UTF-8"),
    (payload("telemetry").replace(b'"', b"'"), "UTF-8"),
    (b"[" * 100_000, "recursion"),
    (extra(b"[" * 5000 + b"]" * 5000), "nested at most 200 deep"),
    (extra(b'{"a":' * 5000 + b"1" + b"}" * 5000), "nested at most 200 deep"),
    (extra(b'"\\ud800"'), "hex escape"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), NOT_JSON)
def test_what_is_not_json_is_said_with_what_to_send(content: bytes, words: str) -> None:
    error = refused("telemetry", content)
    assert error.code == "json"
    assert str(error).startswith("not JSON: ")
    assert "send" in str(error)
    assert words in str(error)


@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_of_nesting_has_the_stated_limit(begin: bytes, end: bytes) -> None:
    inside = MAX_DEPTH - 1  # the message itself is the first
    deepest = begin * inside + b"1" + end * inside
    assert parsed("telemetry", extra(deepest)) == parsed("telemetry")
    assert refused("telemetry", extra(begin + deepest + end)).code == "json"


@pytest.mark.parametrize("content", [b"null", b"812", b'"on"', b"[]", b"true"])
def test_json_that_is_no_object_is_refused(content: bytes) -> None:
    for name in ("telemetry", "event-tap", "status-online", "meta", "ack"):
        assert refused(name, content).code == "field"


def test_huge_payload_is_refused_without_being_read() -> None:
    error = refused("telemetry", b" " * 10_000_000)
    assert error.code == "too-large"
    assert all(word in str(error) for word in ("10000000", str(MAX_PAYLOAD), "fewer readings"))


def test_largest_message_fits() -> None:
    longest = "/".join(["s" * 62] * 3 + ["t" * 63])
    full = [
        {"s": longest[:100], "v": -1.7976931348623157e308, "u": "ug/m3", "q": "inferred", "t": -604_800_000}
    ]
    content = packed(fields("telemetry", r=full * MAX_READINGS))
    assert len(content) < MAX_PAYLOAD
    assert isinstance(parsed("telemetry", content), Telemetry)


def test_device_that_disagrees_with_the_topic_is_refused() -> None:
    for name in ("telemetry", "event-tap"):
        error = refused(name, fields(name, device="other-pi"))
        assert error.code == "topic-mismatch"
        assert all(word in str(error) for word in ("device", "'other-pi'", "'lab-pi'", "correct"))
    assert len(str(refused("telemetry", fields("telemetry", device="x" * 100_000)))) < 300


@pytest.mark.parametrize("device", ["lab-pi", None])
def test_device_of_the_topic_may_be_named_again(device: str | None) -> None:
    assert getattr(parsed("telemetry", fields("telemetry", device=device)), "device", "?") == device


def test_event_and_telemetry_on_each_other_s_topic_are_told_apart() -> None:
    assert "up/event" in str(refused("telemetry", payload("event-tap")))
    assert "up/telemetry" in str(refused("event-tap", payload("telemetry")))
    assert refused("telemetry", payload("event-gap")).code == "topic-mismatch"
    assert refused("event-gap", payload("telemetry")).code == "topic-mismatch"


@pytest.mark.parametrize(
    "ts",
    [
        "2026-11-22T21:04:05.123Z",
        "2026-11-22t21:04:05.123z",
        "2026-11-22 21:04:05.123Z",
        "2026-11-22T22:04:05.123+01:00",
        "2026-11-22T16:34:05.123-04:30",
        "2026-11-22T21:04:05.123000+00:00",
    ],
)
def test_one_moment_may_be_written_in_several_ways(ts: str) -> None:
    assert parsed("telemetry", fields("telemetry", ts=ts)) == parsed("telemetry")


def test_words_of_a_fault_may_hold_any_letter_and_line_breaks() -> None:
    words = "Größe\tfalsch:\r\n漢字 🌡 a\u200db"
    message = parsed("event-fault", data("event-fault", detail=words))
    assert isinstance(message, Fault)
    assert message.data.detail == words


def test_long_names_that_are_wrong_are_not_remembered() -> None:
    for number in range(50):
        error = refused("telemetry", reading(s=f"{number}{'x' * 100_000}"))
        assert len(str(error)) < 300
    assert len(str(refused("telemetry", reading(u="x" * 100_000)))) < 300


def read_or_refuse(name: str, content: bytes) -> Message | BadMessageError:
    try:
        return parsed(name, content)
    except BadMessageError as error:
        return error


@QUICK
@given(named=NAMED, data=st.data())
def test_spoilt_bytes_are_read_or_refused_and_never_crash(
    named: tuple[str, Any], data: st.DataObject
) -> None:
    name, message = named
    content = bytearray(message.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    outcome = read_or_refuse(name, bytes(content))
    if isinstance(outcome, BadMessageError):
        assert outcome.code in {"json", "field", "unit", "duplicate-key", "topic-mismatch"}
        assert 0 < len(str(outcome)) < 2000
    else:
        assert json.loads(outcome.encode())


@QUICK
@given(st.binary(max_size=200), st.sampled_from(["up/telemetry", "up/event", "status", "meta", "down/ack"]))
def test_any_bytes_are_refused_with_words(content: bytes, channel: str) -> None:
    with pytest.raises(BadMessageError) as caught:
        parse(f"hub/v1/hub/lab-pi/{channel}", content)
    assert caught.value.code in {"json", "field"}
