"""Rules for screens: codes, names, and what a screen may show. Pure functions."""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from hubwell.errors import NAME_TOO_LONG, DomainError, refusal_of, refuse_all
from hubwell.screens import errors
from hubwell.vocabulary import CODE_ALPHABET

CODE_LENGTH: Final = 6
CODE_LIFETIME: Final = timedelta(minutes=10)
UNUSED_FOR: Final = timedelta(days=180)
"""A screen that was not seen for this time is no longer paired."""
MOST_WAITING: Final = 200
"""Screens that wait to be paired at the same time, so that codes stay rare among all that are possible."""
LONGEST_NAME: Final = 60
_READER_SEPARATOR: Final = "/"


class ScreenShows(StrEnum):
    """What a paired screen shows."""

    WALL = "wall"
    """Every space, for a foyer."""
    PANEL = "panel"
    """One space, for its door."""
    KIOSK = "kiosk"
    """The answers of one badge reader, large, for the people who stand there."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a screen shows. A panel has a space, a kiosk has a device and the name of its reader."""

    shows: ScreenShows
    space_id: str | None = None
    device_id: str | None = None
    reader: str | None = None


def new_code() -> str:
    """Return a code of the alphabet without look-alikes."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def plain_code(typed: str) -> str:
    """Return a code as it is stored: blanks, hyphens and the case of letters do not matter."""
    return re.sub(r"[\s-]", "", typed[:60]).upper()


def plain_name(typed: str) -> str:
    """Return a name without blanks around it and with single ones inside. Raises DomainError."""
    name = " ".join("".join(char if char.isprintable() else " " for char in typed).split())
    if not name:
        raise DomainError(errors.SCREEN_UNNAMED)
    if len(name) > LONGEST_NAME:
        raise DomainError(NAME_TOO_LONG, most=LONGEST_NAME)
    return name


def content_of(shows: str, space: str = "", reader: str = "") -> Content:
    """Return what was chosen; of `space` and `reader` the one that it needs counts. Raises DomainError.

    A reader is written DEVICE/READER. That the space and the reader exist is checked where they are stored.
    """
    match shows:
        case ScreenShows.WALL:
            return Content(ScreenShows.WALL)
        case ScreenShows.PANEL:
            return Content(ScreenShows.PANEL, space_id=space.strip())
        case ScreenShows.KIOSK:
            device, _, name = reader.strip().partition(_READER_SEPARATOR)
            if not device or not name:
                raise DomainError(errors.SCREEN_READER_UNKNOWN)
            return Content(ScreenShows.KIOSK, device_id=device, reader=name)
        case _:
            raise DomainError(errors.SHOWS_UNKNOWN)


def settings_of(name: str, shows: str, space: str, reader: str) -> tuple[str, Content]:
    """Return name and content as they are stored. Raises DomainError with all that is wrong."""
    refuse_all((refusal_of(lambda: plain_name(name)), refusal_of(lambda: content_of(shows, space, reader))))
    return plain_name(name), content_of(shows, space, reader)
