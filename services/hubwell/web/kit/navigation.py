"""Pages that every page links to, by the roles of the principal.

A new area adds one line here, with the roles its page is for; without roles it is for all.
"""

from dataclasses import dataclass
from typing import Final

from hubwell.access.principal import Principal
from hubwell.vocabulary import Role
from hubwell.web.kit.formatting import Formatter


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation; the page passes its `key` as `page`."""

    key: str
    address: str
    roles: tuple[Role, ...] = ()


_ENTRIES: Final = (
    Entry("board", "/"),
    Entry("devices", "/devices"),
    Entry("alerts", "/alerts"),
    Entry("on-site", "/on-site"),
    Entry("me", "/me"),
    Entry("desk", "/desk", (Role.STAFF,)),
    Entry("sessions", "/sessions", (Role.STAFF,)),
    Entry("muster", "/muster", (Role.OSH,)),
    Entry("accounts", "/accounts", (Role.ADMIN,)),
    Entry("audit-log", "/audit-log", (Role.ADMIN,)),
)


def entries(principal: Principal, words: Formatter) -> list[tuple[str, str, str]]:
    """Return key, address and name of each page that this principal may open."""
    _ = words.translations.gettext
    names = {
        "board": _("Board"),
        "devices": _("Devices"),
        "alerts": _("Alerts"),
        "on-site": _("On site now"),
        "me": _("My visits"),
        "desk": _("Desk"),
        "sessions": _("Sessions"),
        "muster": _("Evacuations"),
        "accounts": _("Accounts"),
        "audit-log": _("Audit log"),
    }
    return [
        (entry.key, entry.address, names[entry.key])
        for entry in _ENTRIES
        if not entry.roles or principal.may(*entry.roles)
    ]
