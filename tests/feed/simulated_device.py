"""A device of a test: it numbers its messages as the agent does and hands them over as a broker would."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hubwell_wire.messages import new_message_id

SITE = "hub"
UNITS = {
    "co2": "ppm",
    "temp": "Cel",
    "rh": "%RH",
    "presence": "/",
    "noise": "dB",
    "light": "lx",
    "level": "mm",
}


@dataclass(frozen=True, slots=True)
class Packet:
    topic: str
    payload: bytes
    retain: bool = False


class Device:
    def __init__(self, name: str, *, site: str = SITE) -> None:
        self.name = name
        self.boot = uuid.uuid4()
        self.seq = 0
        self._root = f"hub/v1/{site}/{name}"

    def telemetry(self, at: datetime, values: Mapping[str, float], **changes: Any) -> Packet:
        """Give one message with one reading of each quantity; `changes` replace fields of the envelope."""
        return self.readings(
            at,
            [{"s": f"board/{name}", "v": value, "u": UNITS[name]} for name, value in values.items()],
            **changes,
        )

    def readings(self, at: datetime, readings: list[dict[str, Any]], **changes: Any) -> Packet:
        return self._packet("up/telemetry", {**self._envelope(at), "r": readings, **changes})

    def tap(self, at: datetime, badge: bytes, **changes: Any) -> Packet:
        data = {"reader": "door", "badge": badge.hex(), "epoch": 1}
        return self.event(at, "tap", data, **changes)

    def gap(self, at: datetime, **data: Any) -> Packet:
        return self.event(at, "gap", {"cause": "outbox-full", **data})

    def fault(self, at: datetime, part: str = "scd41", state: str = "silent", detail: str = "") -> Packet:
        return self.event(at, "fault", {"part": part, "state": state, "detail": detail})

    def event(self, at: datetime, kind: str, data: dict[str, Any], **changes: Any) -> Packet:
        return self._packet("up/event", {**self._envelope(at), "type": kind, "data": data, **changes})

    def status(self, state: str = "online", **fields: Any) -> Packet:
        return self._packet("status", {"v": 1, "state": state, **fields})

    def meta(self, **fields: Any) -> Packet:
        return self._packet("meta", {"v": 1, **fields})

    def raw(self, payload: bytes, channel: str = "up/telemetry") -> Packet:
        return Packet(f"{self._root}/{channel}", payload)

    def skip(self, count: int = 1) -> None:
        """Give out numbers whose messages never arrive."""
        self.seq += count

    def _envelope(self, at: datetime) -> dict[str, Any]:
        self.seq += 1
        return {
            "v": 1,
            "id": str(new_message_id()),
            "boot": str(self.boot),
            "seq": self.seq,
            "ts": at.isoformat(),
            "clock": "synced",
            "mono_ms": 0,
        }

    def _packet(self, channel: str, fields: dict[str, Any]) -> Packet:
        return Packet(f"{self._root}/{channel}", json.dumps(fields, default=_plain).encode())


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{value!r} is not for JSON")
