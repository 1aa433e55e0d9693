"""Boot and number of a message that is otherwise wrong: the device is told, so that it stops sending it."""

import json
from typing import Any
from uuid import UUID

import pytest

from hubwell_wire.parse import MAX_DEPTH, MAX_PAYLOAD, BadMessageError
from wire.golden_messages import BOOT, SEQ, fields, packed, payload, refused

READING = fields("telemetry")["r"][0]


def identity(error: BadMessageError) -> tuple[UUID | None, int | None]:
    return error.boot, error.seq


KNOWN = (UUID(BOOT), SEQ)
UNKNOWN = (None, None)


@pytest.mark.parametrize(
    "content",
    [
        packed(fields("telemetry", ts="yesterday")),
        packed(fields("telemetry", r=[])),
        packed(fields("telemetry", r=[{**READING, "u": "furlong"}])),
        packed(fields("telemetry", v=2)),
        packed(fields("telemetry", device="other-pi")),
        payload("event-tap"),
        payload("telemetry").replace(b'"v":812.0', b'"v":812.0,"v":1'),
        payload("telemetry").replace(b"812.0", b"NaN"),
        json.dumps(fields("telemetry", r=0), indent=4).encode(),
        b"\xef\xbb\xbf" + payload("telemetry"),
        payload("telemetry").decode().encode("utf-16"),
    ],
)
def test_identity_is_read_from_json(content: bytes) -> None:
    assert identity(refused("telemetry", content)) == KNOWN


@pytest.mark.parametrize(
    "content",
    [
        payload("telemetry")[:-2],
        payload("telemetry").replace(b"812.0", b"nan"),
        payload("telemetry").replace(b"812.0", b"9" * 5000),
        payload("telemetry").replace(b"812.0", b"[" * 5000),
        payload("telemetry") + b"\0",
        payload("telemetry").replace(b"ppm", b"\xb5g"),
        packed(fields("telemetry")).replace(b":", b" : ").replace(b",", b" ,\n") + b"}",
    ],
)
def test_identity_is_read_from_the_beginning_of_what_is_not_json(content: bytes) -> None:
    error = refused("telemetry", content)
    assert error.code == "json"
    assert identity(error) == KNOWN


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 500, 5000])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_identity_behind_what_is_nested_too_deep_is_not_read(begin: bytes, end: bytes, depth: int) -> None:
    """How deep Python itself can read differs between its versions; what a device is told must not."""
    nested = begin * depth + b"1" + end * depth
    error = refused("telemetry", payload("telemetry").replace(b'"v":1,', b'"v":1,"x":' + nested + b",", 1))
    assert error.code == "json"
    assert identity(error) == UNKNOWN


def test_identity_of_a_payload_that_is_too_large_is_read() -> None:
    content = packed(fields("telemetry", r=[READING] * 20_000))
    assert len(content) > MAX_PAYLOAD
    error = refused("telemetry", content)
    assert error.code == "too-large"
    assert identity(error) == KNOWN


@pytest.mark.parametrize(
    "changed",
    [
        {"boot": None},
        {"boot": "5c1d2e3f"},
        {"boot": 5},
        {"boot": ["5c1d2e3f"]},
        {"seq": None},
        {"seq": "4711"},
        {"seq": 4711.0},
        {"seq": True},
        {"seq": 0},
        {"seq": 2**63},
        {"seq": {"seq": 4711}},
    ],
)
def test_identity_that_is_itself_wrong_is_not_used(changed: dict[str, Any]) -> None:
    assert identity(refused("telemetry", fields("telemetry", **changed))) == UNKNOWN
    broken = packed(fields("telemetry", **changed))[:-1]
    assert identity(refused("telemetry", broken)) == UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"boot"',
        b"co2=812",
        b'[{"boot":"%b","seq":4711}]' % BOOT.encode(),
        b'{"x":{"boot":"%b","seq":4711}}' % BOOT.encode(),
        b'{"x":{"boot":"%b","seq":4711}' % BOOT.encode(),
        b'{"x":[],"boot":"%b","seq":4711' % BOOT.encode(),
        b'{"x":"\\",\\"boot\\":\\"%b\\",\\"seq\\":4711,\\"y\\":\\""' % BOOT.encode(),
        b'"{\\"boot\\":\\"%b\\",\\"seq\\":4711}' % BOOT.encode(),
    ],
)
def test_number_of_something_inside_is_not_taken_for_the_message_s(content: bytes) -> None:
    assert identity(refused("telemetry", content)) == UNKNOWN


def test_message_without_numbers_has_no_identity() -> None:
    assert identity(refused("meta", fields("meta", v=2))) == UNKNOWN
