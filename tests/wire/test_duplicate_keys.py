"""A key that occurs twice in one object is refused: parsers differ in which of the two they use."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell_wire import parse as parsing
from wire.golden_messages import MESSAGES, fields, packed, parsed, payload, refused
from wire.strategies import NAMED, QUICK

BLANKS = st.text(" \t\r\n", max_size=2)


@pytest.mark.parametrize(
    ("name", "old", "new", "key"),
    [
        ("telemetry", b'"seq":4711', b'"seq":4711,"seq":4712', "seq"),
        ("telemetry", b'"seq":4711', b'"seq" :4711,"seq":4712', "seq"),
        ("telemetry", b'"seq":4711', b'"seq"\t:4711,"seq":4712', "seq"),
        ("telemetry", b'"seq":4711', b'"seq":4711,"seq"\n:4712', "seq"),
        ("telemetry", b'"seq":4711', b'"seq":4711,"seq"  \r:4712', "seq"),
        ("telemetry", b'"seq":4711', b'"seq":4711,"\\u0073eq":4712', "seq"),
        ("telemetry", b'21:04:05.123Z","clock"', b'21\\u003a04\\u003a05.123Z","seq":1,"clock"', "seq"),
        ("telemetry", b'21:04:05.123Z","clock"', b'21:04:05.123+00:00","seq" :1,"clock"', "seq"),
        ("telemetry", b'"v":812.0', b'"v":812.0,"v":812.0', "v"),
        ("telemetry", b'"v":812.0', b'"v" :812.0,"v":812.0', "v"),
        ("telemetry", b'"v":1,', b'"new":{"a":1,"a":1},"v":1,', "a"),
        ("telemetry", b'"v":1,', b'"new":[{"a" :1,"a":1}],"v" :1,', "a"),
        ("telemetry", b'"v":1,', b'"":1,"":2,"v":1,', ""),
        ("event-tap", b'"epoch":3', b'"epoch":3,"epoch":4', "epoch"),
        ("event-tap", b'"type":"tap"', b'"type":"tap","type":"tap"', "type"),
        ("event-gap", b'"last":4199', b'"last" :4199,"last":4200', "last"),
        ("event-fault", b'"state":"error"', b'"state":"error","state":"silent"', "state"),
        ("status-online", b'"state":"online"', b'"state":"online","state":"offline"', "state"),
        ("meta", b'"u":"ppm"', b'"u":"ppm","u":"ppm"', "u"),
        ("meta", b'"u":"ppm"', b'"u" :"ppm","u":"ppm"', "u"),
        ("meta", b'"name":', b'"name":"","name":', "name"),
        ("ack", b'"upto":4700', b'"upto":4700,"upto":9999', "upto"),
        ("ack", b'"seq":4709', b'"seq":4709,"seq":4710', "seq"),
        ("event-tap-sun", b'"picc":', b'"picc":"00","picc":', "picc"),
        ("meta-readers", b'"driver":', b'"driver":"a","driver":', "driver"),
        ("status-roster", b'"roster_at":', b'"roster_at":null,"roster_at":', "roster_at"),
        ("cmd-answer", b'"verdict":"in"', b'"verdict":"in","verdict":"out"', "verdict"),
        ("config", b'"v":1', b'"v":1,"v":1', "v"),
    ],
)
def test_duplicate_key_is_refused_by_name(name: str, old: bytes, new: bytes, key: str) -> None:
    content = payload(name)
    assert content.count(old) == 1
    error = refused(name, content.replace(old, new))
    assert error.code == "duplicate-key"
    assert f"{key!r} occurs twice" in str(error)


def spaced(draw: st.DrawFn, value: Any, pairs: dict[int, list[tuple[str, Any]]]) -> str:
    """Write JSON with blanks anywhere; an object whose id is in `pairs` gets those pairs instead."""
    if isinstance(value, dict):
        inner = [
            f"{draw(BLANKS)}{json.dumps(key)}{draw(BLANKS)}:{draw(BLANKS)}{spaced(draw, item, pairs)}"
            for key, item in pairs.get(id(value), list(value.items()))
        ]
        return "{" + ",".join(inner) + draw(BLANKS) + "}"
    if isinstance(value, list):
        return "[" + ",".join(f"{draw(BLANKS)}{spaced(draw, item, pairs)}" for item in value) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


def objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in objects(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(found for item in value.values() for found in objects(item))]


@QUICK
@given(named=NAMED, data=st.data())
def test_blanks_change_nothing(named: tuple[str, Any], data: st.DataObject) -> None:
    name, message = named
    text = spaced(data.draw, json.loads(message.encode()), {})  # type: ignore[arg-type]  # what `DataObject` draws with
    assert parsed(name, text.encode()) == message


@QUICK
@given(named=NAMED, data=st.data())
def test_duplicate_key_anywhere_is_refused_however_it_is_written(
    named: tuple[str, Any], data: st.DataObject
) -> None:
    name, message = named
    content = json.loads(message.encode())
    spoilt = data.draw(st.sampled_from(objects(content)))
    pairs = list(spoilt.items())
    twice = data.draw(st.sampled_from(pairs))
    pairs.insert(data.draw(st.integers(0, len(pairs))), twice)
    text = spaced(data.draw, content, {id(spoilt): pairs})  # type: ignore[arg-type]  # as above
    error = refused(name, text.encode())
    assert error.code == "duplicate-key"
    assert repr(twice[0]) in str(error)


@pytest.mark.parametrize(
    "detail", ['say ":', '":":":', 'a" :b', '{"v":1}', "\\u0022:", 'ends in a quotation mark"', ":"]
)
def test_text_that_looks_like_a_key_is_just_text(detail: str) -> None:
    content = fields("event-fault", data={"part": "scd41", "state": "error", "detail": detail})
    for written in (packed(content), json.dumps(content, indent=1).encode()):
        assert parsed("event-fault", written).data.detail == detail  # type: ignore[union-attr]  # a Fault


def test_same_key_in_different_objects_is_fine() -> None:
    nested = {"v": {"v": [{"v": 1}, {"v": 2}]}}
    assert parsed("telemetry", fields("telemetry", new=nested)) == parsed("telemetry")


@pytest.mark.parametrize("name", [name for name in MESSAGES if not name.startswith(("cmd", "config"))])
def test_message_as_devices_write_it_is_read_only_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The second reading finds duplicates, and costs more than all the rest: plain messages must not need it.
    seen: list[bytes] = []
    monkeypatch.setattr(parsing, "_refuse_duplicate_keys", seen.append)
    parsed(name, parsed(name).encode())
    parsed(name, json.dumps(fields(name)).encode())
    parsed(name, payload(name).replace(b'Z"', b'+00:00"'))
    assert seen == []
