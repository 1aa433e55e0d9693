"""The navigation of every page: five areas at most, and the pages of the area that is open.

A new page adds one line here, with the roles it is for; without roles it is for all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hubwell.access.principal import Principal
from hubwell.http.guard import SEE_DEFECTS
from hubwell.vocabulary import Role
from hubwell.web.kit.formatting import Formatter

Current = Literal["", "page", "true"]
"""Value of `aria-current`: this is the page, or the page is a part of this."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation; it passes its `key` as `page`, and so do the pages below it."""

    key: str
    address: str
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """Pages that belong together. Its link leads to the first one that the principal may open."""

    key: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the navigation, with its name in the reader's language."""

    address: str
    name: str
    current: Current


@dataclass(frozen=True, slots=True)
class Navigation:
    """The links of one page."""

    areas: list[Link]
    area: str
    """Name of the area that is open."""
    pages: list[Link]
    """The pages of that area, if there are several."""


AREAS: Final = (
    Area(
        "board",
        (
            Entry("board", "/"),
            Entry("bookings", "/bookings", (Role.STAFF, Role.FACILITIES, Role.ADMIN)),
        ),
    ),
    Area(
        "people",
        (
            Entry("desk", "/desk", (Role.STAFF,)),
            Entry("on-site", "/on-site"),
            Entry("sessions", "/sessions", (Role.STAFF,)),
        ),
    ),
    Area("safety", (Entry("alerts", "/alerts"), Entry("muster", "/muster", (Role.OSH,)))),
    Area(
        "spaces-and-devices",
        (
            Entry("devices", "/devices"),
            Entry("defects", "/defects", SEE_DEFECTS),
            Entry("spaces", "/spaces", (Role.FACILITIES, Role.ADMIN)),
            Entry("use", "/use", (Role.FACILITIES, Role.ADMIN)),
            Entry("screens", "/screens", (Role.FACILITIES, Role.ADMIN)),
        ),
    ),
    Area(
        "administration",
        (
            Entry("accounts", "/accounts", (Role.ADMIN,)),
            Entry("tokens", "/tokens", (Role.ADMIN,)),
            Entry("muster-names", "/muster/names", (Role.ADMIN,)),
            Entry("audit-log", "/audit-log", (Role.ADMIN,)),
            Entry("hub", "/hub", (Role.ADMIN,)),
            Entry("start", "/start", (Role.ADMIN,)),
        ),
    ),
)


def navigation(
    principal: Principal, words: Formatter, page: str, here: str, waiting: Mapping[str, int] | None = None
) -> Navigation:
    """Return what this principal may open, seen from the page with this key at the address `here`.

    `waiting` is how many things wait on a page, by its key: its name shows the number.
    """
    names = _names(words)
    for key, count in (waiting or {}).items():
        if count:
            names[key] = f"{names[key]} ({count})"
    entry_open = _entry_of(principal, page)
    areas, open_area, pages = [], "", []
    for area in AREAS:
        entries = [entry for entry in area.entries if not entry.roles or principal.may(*entry.roles)]
        if not entries:
            continue
        name = names[area.key] if len(entries) > 1 else names[entries[0].key]
        is_open = any(entry.key == entry_open for entry in entries)
        areas.append(Link(entries[0].address, name, _current(entries[0].address, here, part=is_open)))
        if is_open:
            open_area, pages = name, list(_pages(entries, names, entry_open, here))
    return Navigation(areas, open_area, pages if len(pages) > 1 else [])


def _pages(entries: list[Entry], names: dict[str, str], entry_open: str, here: str) -> Iterable[Link]:
    for entry in entries:
        current = _current(entry.address, here, part=entry.key == entry_open)
        yield Link(entry.address, names[entry.key], current)


def _current(address: str, here: str, *, part: bool) -> Current:
    if not part:
        return ""
    return "page" if here.partition("?")[0] == address else "true"


def _entry_of(principal: Principal, page: str) -> str:
    """Return the key of the entry that leads to a page."""
    if page == "muster-names" and not principal.may(Role.ADMIN):
        return "muster"
    return {"privacy": "audit-log", "space": "board", "device": "devices"}.get(page, page)


def _names(words: Formatter) -> dict[str, str]:
    """Return the names of areas and pages, by their keys."""
    _ = words.translations.gettext
    return {
        "board": _("Board"),
        "bookings": _("Bookings"),
        "people": _("People and visits"),
        "desk": _("Desk"),
        "on-site": _("On site now"),
        "sessions": _("Sessions"),
        "safety": _("Safety"),
        "alerts": _("Alerts"),
        "muster": _("Evacuations"),
        "spaces-and-devices": _("Spaces and devices"),
        "devices": _("Devices"),
        "defects": _("Defects"),
        "spaces": _("Spaces"),
        "use": _("Use"),
        "screens": _("Screens"),
        "administration": _("Administration"),
        "accounts": _("Accounts"),
        "tokens": _("Tokens"),
        "muster-names": _("Names in a drill"),
        "audit-log": _("Audit log"),
        "hub": _("The hub"),
        "start": _("Getting started"),
    }
