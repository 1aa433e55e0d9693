"""The audit log in words: what happened as a whole sentence, who did it, and the areas to choose from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hubwell.audit.log import Entry, Value
from hubwell.web.accounts.text import short_role_names
from hubwell.web.defects.text import kind_names
from hubwell.web.kit.formatting import Formatter
from hubwell.web.register.text import field_names

AREAS: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts": ("account", "token"),
    "people": ("person", "badge", "class", "code", "desk", "question", "visit"),
    "sessions": ("session", "roll"),
    "evacuations": ("muster",),
    "spaces": ("space", "plan", "device", "reader", "kiosk", "keys", "demo", "screen", "defect"),
    "hub": ("hub",),
    "log": ("audit-log",),
}
"""First words of the actions of each area."""
_SHORT_ID: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in words. `about` is what it was done to, `detail` the rest, in phrases."""

    entry: Entry
    who: str
    what: str
    about: str
    detail: str


def line(entry: Entry, logins: Mapping[str, str], words: Formatter) -> Line:
    """Put an entry into words; `logins` are those of accounts that still exist, by id."""
    what = _sentences(words).get(entry.action, entry.action)
    who, about = _named(entry.actor, logins, words), _named(entry.subject, logins, words)
    return Line(entry, who, what, about, _detail(entry, logins, words))


def area_names(words: Formatter) -> list[tuple[str, str]]:
    """Return the areas to choose from, with all of them first."""
    _ = words.translations.gettext
    names = {
        "accounts": _("Accounts and tokens"),
        "people": _("People, badges and visits"),
        "sessions": _("Sessions"),
        "evacuations": _("Evacuations"),
        "spaces": _("Spaces, devices and keys"),
        "hub": _("The hub itself"),
        "log": _("The audit log itself"),
    }
    return [("", _("Everything")), *((area, names[area]) for area in AREAS)]


def actor_name(actor: str, logins: Mapping[str, str], words: Formatter) -> str:
    """Return what an actor is called in the list of those to choose from."""
    return _named(actor, logins, words)


def _named(who: str, logins: Mapping[str, str], words: Formatter) -> str:
    _ = words.translations.gettext
    kind, _colon, key = who.partition(":")
    if kind == "account" and key in logins:
        return logins[key]
    known = {
        "cli": _("The command line"),
        "worker": _("The timetable"),
        "ingest": _("The service that stores messages"),
    }.get(kind)
    if known:
        return known
    sentence = {
        "account": _("Account {id}"),
        "person": _("Person {id}"),
        "token": _("Program {id}"),
        "plan": _("Floor plan {id}"),
        "screen": _("Screen {id}"),
        "defect": _("Defect {id}"),
    }.get(kind)
    if sentence is None:
        return "" if kind == "muster" else key or kind
    return sentence.format(id=key[:_SHORT_ID])


def _detail(entry: Entry, logins: Mapping[str, str], words: Formatter) -> str:
    phrases = [_phrase(key, value, logins, words) for key, value in entry.detail.items()]
    return "; ".join(phrase for phrase in phrases if phrase)


def _phrase(key: str, value: Value, logins: Mapping[str, str], words: Formatter) -> str:
    """Put one detail into words; empty for those that only link entries with each other or with deletions."""
    if isinstance(value, list):
        names = _lists(words).get(key) or short_role_names(words)
        return ", ".join(names.get(name, name) for name in value)
    if key in {"entry", "other"}:
        return _named(f"person:{value}", logins, words)
    if isinstance(value, int) and not isinstance(value, bool):
        return _numbers(value, words).get(key, "")
    if not value:
        return ""
    stored = str(value)
    return _labels(words).get(key, "").format(value=_values(words).get(stored, stored))


def _fields(words: Formatter) -> Mapping[str, str]:
    _ = words.translations.gettext
    return {
        "hub_name": _("name"),
        "zone": _("time zone"),
        "language": _("language"),
        "colour": _("colour"),
        "assembly_point": _("where people gather"),
        "privacy_contact": _("who answers questions about privacy"),
    }


def _lists(words: Formatter) -> Mapping[str, Mapping[str, str]]:
    """Return the names of what lists hold, by key; the others hold roles."""
    return {"fields": _fields(words), "settings": field_names(words)}


def _numbers(n: int, words: Formatter) -> dict[str, str]:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    sentences = {
        "found": ngettext("{n} person found", "{n} people found", n),
        "people": ngettext("{n} person on the list", "{n} people on the list", n),
        "marked": ngettext("{n} person", "{n} people", n),
        "names": ngettext("{n} name", "{n} names", n),
        "sessions": ngettext("{n} session", "{n} sessions", n),
        "added": ngettext("{n} space added", "{n} spaces added", n),
        "changed": ngettext("{n} space changed", "{n} spaces changed", n),
        "spaces": ngettext("{n} space", "{n} spaces", n),
        "devices": ngettext("{n} device", "{n} devices", n),
        "rows": ngettext("{n} row deleted", "{n} rows deleted", n),
        "left_over": ngettext("{n} row left over", "{n} rows left over", n),
        "credential": _("badge {n}"),
        "proof": _("proof of deletion {n}"),
        "upto": _("up to entry {n}"),
    }
    return {key: sentence.format(n=n) for key, sentence in sentences.items()}


def _labels(words: Formatter) -> dict[str, str]:
    _ = words.translations.gettext
    return {
        "kind": "{value}",
        "why": "{value}",
        "state": "{value}",
        "shown_as": "{value}",
        "new": _("a new person"),
        "account": _("with the account"),
        "purpose": _("purpose: {value}"),
        "space": _("space: {value}"),
        "by": _("by {value}"),
        "shows": _("shows: {value}"),
    }


def _values(words: Formatter) -> dict[str, str]:
    """Return stored values in words; kinds of badges are names of the field in every language."""
    _ = words.translations.gettext
    return {
        "alarm": _("Evacuation"),
        "drill": _("Drill"),
        "lost": _("Lost"),
        "replaced": _("Replaced"),
        "left": _("They left"),
        "mentor": _("Mentor"),
        "ambassador": _("Ambassador"),
        "safe": _("Safe"),
        "missing": _("Missing"),
        "expected": _("Not accounted for"),
        "no-proof": _("without proof of the badge"),
        "wrong-proof": _("with a wrong proof of the badge"),
        "too-many": _("too many codes"),
        **{str(kind): name for kind, name in kind_names(words).items()},
    }


def _sentences(words: Formatter) -> dict[str, str]:
    _ = words.translations.gettext
    return {
        "account.added": _("An account was added."),
        "account.disabled": _("An account was closed."),
        "account.enabled": _("An account was opened again."),
        "account.erased": _("An account was erased."),
        "account.linked": _("An account was linked to a person."),
        "account.unlinked": _("The link of an account to a person was ended."),
        "account.passkey-added": _("A passkey was added to an account by its owner."),
        "account.passkey-removed": _("A passkey was removed from an account by its owner."),
        "account.passkeys-ended": _("The passkeys of an account ended, because its password was reset."),
        "account.password-changed": _("A password was changed by its owner."),
        "account.password-reset": _("The password of an account was reset."),
        "account.roles-changed": _("The roles of an account were changed."),
        "token.added": _("A token of a program was made."),
        "token.revoked": _("A token of a program was revoked."),
        "person.searched": _("People were searched by name."),
        "person.entered": _("A person was entered."),
        "person.changed": _("Name or language of a person was changed."),
        "person.merged": _("Two entries of a person were merged."),
        "person.erased": _("A person was erased."),
        "person.shown-as": _("It was set whether a person is mentor or ambassador."),
        "badge.enrolled": _("A badge was enrolled."),
        "badge.revoked": _("A badge was revoked."),
        "badge.restored": _("A badge was restored."),
        "badge.taken-back": _("An enrolment was undone."),
        "badge.note-changed": _("The note on a badge was changed."),
        "class.begun": _("A list of names was pasted at the desk."),
        "class.ended": _("A list of names at the desk was deleted."),
        "code.issued": _("A QR code was issued."),
        "question.settled": _("A question about a badge was settled."),
        "desk.checked-in": _("A person was checked in at the desk."),
        "desk.checked-out": _("A person was checked out at the desk."),
        "visit.corrected": _("The end of a visit was corrected."),
        "visit.removed": _("A visit was removed."),
        "session.entered": _("A session was entered."),
        "session.deleted": _("A session was deleted with its list."),
        "session.series-entered": _("Sessions of each week were entered."),
        "session.series-deleted": _("Sessions of a series were deleted with their lists."),
        "booking.made": _("A space was booked."),
        "booking.changed": _("A booking was changed."),
        "booking.ended": _("A booking was ended early."),
        "booking.cancelled": _("A booking was cancelled."),
        "booking.taken-at-door": _("A space was taken at its door with a badge."),
        "booking.extended-at-door": _("A booking was extended at the door with a badge."),
        "booking.ended-at-door": _("A booking was ended at the door with a badge."),
        "booking.released": _("A booking was released, because nobody came."),
        "booking.taken-back": _("It was taken back that a booking was released."),
        "booking.restored": _("It was undone that a booking was cancelled."),
        "booking.set-up": _("Parts of a space or the minutes between its bookings were changed."),
        "series.made": _("A space was booked for a series of dates."),
        "series.changed": _("The dates of a series of bookings were changed."),
        "series.cancelled": _("Dates of a series of bookings were cancelled."),
        "series.restored": _("It was undone that dates of a series of bookings were cancelled."),
        "series.date-booked": _("A date that a series of bookings had left out was booked."),
        "calendar-address.made": _("An address for calendar programs was made."),
        "calendar-address.revoked": _("An address for calendar programs was revoked."),
        "roll.viewed": _("The list of who came to a session was viewed."),
        "roll.exported": _("The list of who came to a session was downloaded."),
        "muster.opened": _("An evacuation or a drill was started."),
        "muster.became-alarm": _("A drill became an evacuation."),
        "muster.ticked": _("A person on the list of an evacuation was ticked off."),
        "muster.space-safe": _("Everybody in a space was marked safe."),
        "muster.space-undone": _("It was taken back that everybody in a space is safe."),
        "muster.visitor-added": _("A visitor was entered on the list of an evacuation."),
        "muster.visitor-removed": _("A visitor was removed from the list of an evacuation."),
        "muster.closed": _("An evacuation or a drill was closed, and its list deleted."),
        "muster.names-asked": _("The names in a drill were asked for."),
        "muster.names-given": _("The names in a drill were agreed to."),
        "muster.names-seen": _("The names on the list of an evacuation were viewed."),
        "space.added": _("A space was added."),
        "space.changed": _("A space was changed."),
        "space.imported": _("Spaces were imported from a table."),
        "space.ordered": _("The order of spaces was changed."),
        "space.archived": _("A space was archived."),
        "space.restored": _("A space was restored."),
        "space.placed": _("A space was placed on a floor plan."),
        "space.taken-off": _("A space was taken off a floor plan."),
        "plan.added": _("A floor plan was added."),
        "plan.changed": _("Name or picture of a floor plan was changed."),
        "plan.ordered": _("The order of floor plans was changed."),
        "plan.removed": _("A floor plan was removed."),
        "device.added": _("A device was registered."),
        "device.moved": _("A device was moved to another space."),
        "device.renamed": _("A device got another name."),
        "device.replaced": _("A device was replaced by another one."),
        "device.ignored": _("A device that is not registered is ignored from now on."),
        "device.listed": _("A device that was ignored is listed again."),
        "device.settings-given": _(
            "The settings of a device were shown, with its password where it has none of its own."
        ),
        "device.archived": _("A device was archived."),
        "device.restored": _("A device was restored."),
        "screen.paired": _("A screen was paired."),
        "screen.changed": _("Name or content of a screen was changed."),
        "screen.revoked": _("A screen was unpaired."),
        "defect.reported": _("Something was reported as broken."),
        "defect.taken-back": _("A report of a defect was taken back."),
        "defect.closed": _("A defect was marked as done."),
        "defect.reopened": _("A defect was opened again."),
        "hub.changed": _("What the hub says of itself was changed."),
        "hub.restore-proven": _("It was noted that a backup was restored."),
        "hub.grafana-unused": _("It was noted that the hub does without Grafana."),
        "hub.grafana-open": _("It was taken back that the hub does without Grafana."),
        "demo.removed": _("The simulated hub was removed."),
        "kiosk.refused": _("A kiosk was refused codes of people."),
        "reader.changed": _("The purpose of a reader was changed."),
        "keys.rotated": _("A new epoch of keys began."),
        "keys.destroyed": _("The key of an epoch was destroyed."),
        "keys.sun-set": _("The key of signing cards was set."),
        "audit-log.trimmed": _("The oldest entries were deleted at the end of their term."),
    }
