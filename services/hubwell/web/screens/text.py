"""Screens in words: what each shows, and when it was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hubwell.screens.actions import ReaderChoice, ScreenEntry
from hubwell.screens.rules import ScreenShows
from hubwell.web.kit.formatting import Formatter

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_JUST_NOW: Final = 2 * _MINUTE
"""The time of the last request is written every half minute."""


@dataclass(frozen=True, slots=True)
class Line:
    """One screen in the list."""

    id: UUID
    name: str
    shows: str
    seen: str
    is_away: bool


def lines(screens: Sequence[ScreenEntry], words: Formatter) -> list[Line]:
    """Return every screen in words; one that was not seen for some minutes is away."""
    return [
        Line(
            screen.id,
            screen.name,
            shown(screen, words),
            seen(screen.last_seen_at, words),
            words.now - screen.last_seen_at >= _JUST_NOW,
        )
        for screen in screens
    ]


def shown(screen: ScreenEntry, words: Formatter) -> str:
    """Return what a screen shows."""
    _ = words.translations.gettext
    if screen.shows == ScreenShows.PANEL:
        if screen.archived:
            return _("Panel of {space}, which is archived").format(space=screen.space_name)
        return _("Panel of {space}").format(space=screen.space_name)
    if screen.shows == ScreenShows.KIOSK:
        return _("Kiosk at {device}, reader {reader}").format(device=screen.device_name, reader=screen.reader)
    return _("Wall")


def seen(moment: datetime, words: Formatter) -> str:
    """Return when a screen was seen last."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    age = words.now - moment
    if age < _JUST_NOW:
        return _("Seen just now")
    if age < _HOUR:
        minutes = age // _MINUTE
        return ngettext("Last seen {n} minute ago", "Last seen {n} minutes ago", minutes).format(n=minutes)
    return _("Last seen {time}").format(time=words.clock(moment))


def content_choices(words: Formatter) -> list[tuple[str, str]]:
    """Return what a screen can show."""
    _ = words.translations.gettext
    return [
        (ScreenShows.WALL, _("The wall: every space, for a foyer")),
        (ScreenShows.PANEL, _("The panel of one space, for its door")),
        (ScreenShows.KIOSK, _("A kiosk: the answers of one badge reader, large")),
    ]


def reader_choices(readers: Sequence[ReaderChoice], words: Formatter) -> list[tuple[str, str]]:
    """Return the readers to choose from, with what each is for."""
    _ = words.translations.gettext
    names = {"kiosk": _("{device}, reader {reader} (kiosk)"), "space": _("{device}, reader {reader} (door)")}
    return [
        (choice.key, names[choice.purpose].format(device=choice.device_name, reader=choice.reader))
        for choice in readers
    ]
