"""Decide what may be stored: pure rules on parsed messages, with the time passed in.

What a message may not be is said in one sentence that names the value and what to do about it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from hubwell_wire.messages import Envelope, Telemetry
from hubwell_wire.parse import BadMessageError

OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing measured for Hubwell is older; 1970 is what a clock without a battery says."""
FUTURE: Final = timedelta(minutes=5)
"""How far a clock may be ahead (edge-and-mqtt reference, section 11)."""


def check_clock(message: Envelope, now: datetime) -> None:
    """Raise BadMessageError for a message whose time cannot be right.

    A device whose clock was never set sends ``unsynced``: its times are not guessed, the message is set
    aside whole so that a person can place it.
    """
    if message.clock == "unsynced":
        raise BadMessageError(
            "clock-unsynced",
            f"the device's clock was never set in this boot (it says {message.ts.isoformat()}): "
            "give the device network time; the message is kept under `hubwell rejected`",
        )
    newest = latest_time(message)
    if newest > now + FUTURE:
        raise BadMessageError(
            "time-future",
            f"ts: {newest.isoformat()} is {_words(newest - now)} ahead of the server: "
            "set the device's clock (NTP)",
        )
    if earliest_time(message) < OLDEST:
        raise BadMessageError(
            "time-past",
            f"ts: {message.ts.isoformat()} is before {OLDEST.date()}: set the device's clock (NTP)",
        )


def latest_time(message: Envelope) -> datetime:
    """Return the newest time in a message: its own, or that of its newest reading."""
    if isinstance(message, Telemetry):
        return message.ts + timedelta(milliseconds=max(0, *(reading.t for reading in message.r), 0))
    return message.ts


def earliest_time(message: Envelope) -> datetime:
    """Return the oldest time in a message."""
    if isinstance(message, Telemetry):
        return message.ts + timedelta(milliseconds=min(0, *(reading.t for reading in message.r), 0))
    return message.ts


def _words(ahead: timedelta) -> str:
    days, seconds = ahead.days, ahead.seconds
    return f"{days} days" if days else f"{seconds // 60} minutes"
