"""Builds and parses the topics of the contract: ``hub/v1/{site}/{device}/...``.

Devices publish only below their own device level, and the server only below ``down/``; every client
subscribes to exact filters, so no client receives its own messages.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

ROOT: Final = "hub/v1"
ID_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
_ID: Final = re.compile(ID_PATTERN)


class Channel(StrEnum):
    """What a topic carries: the levels after the device."""

    TELEMETRY = "up/telemetry"
    EVENT = "up/event"
    STATUS = "status"
    META = "meta"
    ACK = "down/ack"
    CMD = "down/cmd"
    CONFIG = "down/config"


class BadTopicError(ValueError):
    """The topic is not part of the contract; the message names the wrong level."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One concrete topic. Raises BadTopicError for a site or device that is not a valid id."""

    site: str
    device: str
    channel: Channel

    def __post_init__(self) -> None:
        _check_id("site", self.site)
        _check_id("device", self.device)

    def __str__(self) -> str:
        return f"{ROOT}/{self.site}/{self.device}/{self.channel}"


def _check_id(level: str, value: str) -> None:
    if not _ID.fullmatch(value):
        raise BadTopicError(
            f"{level} {value[:80]!r} is not an id: 1 to 63 lower-case letters, digits and '-', "
            "not beginning with '-'"
        )


_CHANNELS: Final = {channel.value: channel for channel in Channel}
_LEVELS_BEFORE_CHANNEL: Final = 4


# A call that raises is not cached: only valid topics are, and those are short.
@lru_cache(maxsize=4096)
def parse_topic(text: str) -> Topic:
    """Parse a topic. Raises BadTopicError with a sentence that names the wrong level."""
    levels = text.split("/", _LEVELS_BEFORE_CHANNEL)
    if len(levels) <= _LEVELS_BEFORE_CHANNEL or "/".join(levels[:2]) != ROOT:
        raise BadTopicError(f"topic {text[:200]!r} is not '{ROOT}/SITE/DEVICE/...'")
    channel = _CHANNELS.get(levels[4])
    if channel is None:
        raise BadTopicError(f"topic {text[:200]!r} ends in {levels[4][:60]!r}; known: {', '.join(_CHANNELS)}")
    return Topic(levels[2], levels[3], channel)


def site_filter(site: str, channel: Channel) -> str:
    """Return the subscription filter for one channel of every device of a site.

    Raises BadTopicError for a site that is not a valid id.
    """
    _check_id("site", site)
    return f"{ROOT}/{site}/+/{channel}"


def up_filter(site: str) -> str:
    """Return the subscription filter for all telemetry and events of a site's devices."""
    return f"{ROOT}/{site}/+/up/+"
