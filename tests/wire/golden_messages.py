"""Messages to start from: the golden files, whole or as dictionaries that a test may spoil."""

import json
from pathlib import Path
from typing import Any

import pytest

from hubwell_wire.parse import BadMessageError, Message, parse

GOLDEN = Path(__file__).parent / "golden"
MESSAGES = sorted(path.stem for path in GOLDEN.glob("*.json") if not path.stem.startswith("schemas"))
FUTURE = sorted(path.stem for path in (GOLDEN / "future").glob("*.json"))
BOOT = "5c1d2e3f-4a5b-4c6d-8e7f-901a2b3c4d5e"
SEQ = 4711
_CHANNELS = {
    "telemetry": "up/telemetry",
    "event": "up/event",
    "ack": "down/ack",
    "cmd": "down/cmd",
    "config": "down/config",
}


def topic(name: str) -> str:
    """Give the topic of a golden message, whose kind its file's name begins with."""
    kind = name.partition("-")[0]
    return f"hub/v1/hub/lab-pi/{_CHANNELS.get(kind, kind)}"


def payload(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().rstrip(b"\n")


def fields(name: str, /, **changed: Any) -> dict[str, Any]:
    return {**json.loads(payload(name)), **changed}


def packed(value: Any) -> bytes:
    """Give JSON as devices send it, without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


def parsed(name: str, content: bytes | dict[str, Any] | None = None) -> Message:
    """Parse a golden message, or other content on its topic."""
    if content is None:
        content = payload(name)
    return parse(topic(name), content if isinstance(content, bytes) else packed(content)).message


def refused(name: str, content: bytes | dict[str, Any]) -> BadMessageError:
    with pytest.raises(BadMessageError) as caught:
        parsed(name, content)
    assert caught.value.device == "lab-pi"
    return caught.value
