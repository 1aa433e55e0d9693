"""Decide what may be stored: pure rules on parsed messages, with the time passed in.

Each refusal is one sentence that names the value and the remedy.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import BaseModel

from hubwell_wire.messages import Envelope, Telemetry
from hubwell_wire.parse import BadMessageError

OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No measurement for Hubwell is older; a clock without a battery starts in 1970."""
FUTURE: Final = timedelta(minutes=5)
"""How far a clock may be ahead (edge-and-mqtt reference, section 11)."""
LARGEST: Final = 1e15
"""No unit of Hubwell needs more, and sums of values near the end of float8 make the database's means fail."""


def check_clock(message: Envelope, now: datetime) -> None:
    """Raise BadMessageError for a message whose time cannot be right.

    A device whose clock was never set sends ``unsynced``: its times are not guessed; the message is
    rejected whole, so that an operator can date it.
    """
    if message.clock == "unsynced":
        raise BadMessageError(
            "clock-unsynced",
            f"the device's clock was never set in this boot (it says {message.ts.isoformat()}): "
            "give the device network time; the message is kept under `hubwell rejected`",
        )
    # First the message's own time: beyond the calendar's ends an offset could not even be added to it.
    _check_time(message.ts, now)
    if isinstance(message, Telemetry):
        earliest, latest = message.offsets_ms()
        if earliest < 0:
            _check_time(message.ts + timedelta(milliseconds=earliest), now)
        if latest > 0:
            _check_time(message.ts + timedelta(milliseconds=latest), now)


def _check_time(time: datetime, now: datetime) -> None:
    if time > now + FUTURE:
        raise BadMessageError(
            "time-future",
            f"ts: {time.isoformat()} is {_words(time - now)} ahead of the server: "
            "set the device's clock (NTP)",
        )
    if time < OLDEST:
        raise BadMessageError(
            "time-past",
            f"ts: {time.isoformat()} is before {OLDEST.date()}: set the device's clock (NTP)",
        )


def check_values(message: Envelope) -> None:
    """Raise BadMessageError for a value outside what any sensor can measure."""
    if not isinstance(message, Telemetry):
        return
    values = [reading.v for reading in message.r]
    if min(values) < -LARGEST or max(values) > LARGEST:
        worst = max(message.r, key=lambda reading: abs(reading.v))
        raise BadMessageError(
            "value",
            f"{worst.s}: {worst.v} {worst.u} is beyond {LARGEST:g}, which nothing measures: check the sensor",
        )


def check_text(message: BaseModel, payload: bytes) -> None:
    """Raise BadMessageError for a text with a NUL character, which PostgreSQL cannot hold."""
    if rb"\u0000" not in payload:
        return
    for name, text in _texts(message.model_dump(mode="json"), "message"):
        if "\0" in text:
            raise BadMessageError("field", f"{name}: the text {text[:80]!r} holds a NUL: send it without")


def _texts(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield every text in JSON values with its path, for example ``data.detail``."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, key if name == "message" else f"{name}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{name}.{index}")


def _words(ahead: timedelta) -> str:
    days, seconds = ahead.days, ahead.seconds
    return f"{days} days" if days else f"{seconds // 60} minutes"
