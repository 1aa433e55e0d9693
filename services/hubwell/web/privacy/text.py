"""The privacy pages in words: whole sentences about what the hub really collects, and nothing else."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hubwell.access import codes
from hubwell.access.sessions import LONGEST_SESSION
from hubwell.people.course_sessions import MOST_KEPT_DAYS
from hubwell.privacy import erasure
from hubwell.privacy.documents.inventory import Inventory
from hubwell.privacy.retention import Term
from hubwell.web.kit.formatting import Formatter

_DAY: Final = timedelta(days=1)
_YEAR: Final = timedelta(days=365)
_HOUR: Final = timedelta(hours=1)
_SHORTEST_IN_DAYS: Final = 2 * _DAY
_LIFETIMES: Final = {
    "code": codes.LIFETIME,
    "sign-in": LONGEST_SESSION,
    "session-roll": timedelta(days=MOST_KEPT_DAYS),
    "tombstone": erasure.TOMBSTONE,
}
"""How long each thing with an expiry lasts at most."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long one class of data stays, in words. `data` is its name in the settings."""

    data: str
    what: str
    how_long: str


@dataclass(frozen=True, slots=True)
class Sees:
    """Who sees what."""

    who: str
    what: str


def collected(words: Formatter, inventory: Inventory) -> list[str]:
    """Return what is collected, one sentence or two for each thing that exists in this hub."""
    _ = words.translations.gettext
    sentences = []
    if inventory.has_readers or inventory.enrolled:
        sentences += _badges(words, inventory)
    else:
        sentences.append(_("There are no badge readers here: no visits are stored."))
    if inventory.measured:
        sentences.append(_measured(words, inventory))
    if "noise" in inventory.quantities:
        sentences.append(_("Noise sensors measure how loud it is. No sound is recorded."))
    if inventory.personal_spaces:
        sentences.append(_("For the room of a single person, presence is never shown."))
    if inventory.accounts:
        sentences.append(
            _("Who signs in has an account: sign-in name, roles, language, scrambled password, times of use.")
        )
    return sentences


def _badges(words: Formatter, inventory: Inventory) -> list[str]:
    _ = words.translations.gettext
    sentences = [
        _("When you hold a badge to a reader: which space, when, and whether you came or went."),
        _(
            "The number of your card never leaves the reader. It makes a scrambled mark of it, with a key "
            "that is changed and destroyed."
        ),
        _("Your name only if you want it stored; the language you choose; what you call your badge."),
    ]
    if inventory.settings.unknown_badges == "count":
        sentences.append(
            _("A badge that is not registered is counted without a name, so that the use of spaces is known.")
        )
    else:
        sentences.append(_("A badge that is not registered gets a message about it, and nothing is stored."))
    if inventory.muster_stations:
        sentences.append(_("So that everybody is found in an evacuation, some devices hold a sealed list."))
    return sentences


def _measured(words: Formatter, inventory: Inventory) -> str:
    _ = words.translations.gettext
    names = sorted({words.quantity(item.quantity) or item.quantity for item in inventory.measured})
    return _("Sensors in the spaces measure: {quantities}. They know no persons.").format(
        quantities=", ".join(names)
    )


def purposes(words: Formatter, inventory: Inventory) -> list[str]:
    """Return the purposes of processing."""
    _ = words.translations.gettext
    sentences = [_("To show which spaces are free, and to keep the air healthy and the noise low.")]
    if inventory.has_readers or inventory.enrolled:
        sentences.append(_("To find everybody in an evacuation."))
        sentences.append(_("For the list of a session, if its teacher wrote down what the list is for."))
    return sentences


def never(words: Formatter) -> list[str]:
    """Return what is not done under any settings."""
    _ = words.translations.gettext
    return [
        _("Nobody looks up where you are or were: not your teacher, not the administration."),
        _("Nothing is guessed about your mood, your health or your effort. There are no scores."),
        _("Absence is never reported. Coming is voluntary, and a badge is not needed for it."),
        _("Numbers of people are shown for groups of five or more only, rounded down, some minutes later."),
    ]


def audience(words: Formatter, inventory: Inventory) -> list[Sees]:
    """Return which role sees what."""
    _ = words.translations.gettext
    sentences = [
        Sees(
            _("Everybody"),
            _("Whether a space is free, its air and its noise, and rounded numbers of groups."),
        )
    ]
    if inventory.has_readers or inventory.enrolled:
        sentences += [
            Sees(
                _("Everybody who opens On site now"),
                _("Names of mentors and ambassadors who chose to be shown, while they are in; not where."),
            ),
            Sees(_("You"), _("Your own visits, badges and choices, on the page My visits.")),
            Sees(
                _("Staff at the desk"),
                _("Names and badges when they register or help a person; the lists of their own sessions."),
            ),
            Sees(
                _("The safety officer"),
                _("Who is probably inside, in an alarm or in a drill if two people agree; this is recorded."),
            ),
        ]
    sentences += [
        Sees(
            _("Staff, facilities and administration"),
            _("Which space is booked when and by whom, and what for unless that is hidden."),
        ),
        Sees(_("Facilities"), _("Finer readings of sensors, and devices. No names of visitors.")),
        Sees(
            _("Administration"),
            _("Accounts, settings and the audit log, which has no names. No visits."),
        ),
    ]
    return sentences


def retention_rows(words: Formatter, inventory: Inventory) -> list[Kept]:
    """Return how long each class of data stays; classes that this hub does not have are left out."""
    with_people = inventory.has_readers or inventory.enrolled > 0
    named = _named(words)
    people = {
        "tap",
        "visit",
        "counted-person",
        "suspicion",
        "desk-tap",
        "class-list",
        "signed-message",
        "kiosk-request",
        "code",
        "session-roll",
    }
    people |= {"muster-list", "muster-report", "tombstone"}
    return [
        Kept(term.data, named[term.data], how_long(words, term))
        for term in inventory.terms
        if with_people or term.data not in people
    ]


def _named(words: Formatter) -> dict[str, str]:
    _ = words.translations.gettext
    return {
        "tap": _("Each tap of a badge"),
        "visit": _("Visits: space, begin and end"),
        "counted-person": _("The mark of a badge that was only counted"),
        "suspicion": _("Questions, as when a badge is at two places at once"),
        "desk-tap": _("A tap at the desk that waits to be registered"),
        "class-list": _("Names of a class that wait at the desk for their badges; from their last use"),
        "signed-message": _("When a card that signs its taps was used; of each card the last time stays"),
        "kiosk-request": _("When a kiosk was asked for a code, without the person"),
        "code": _("Codes from the kiosk"),
        "sign-in": _("Sign-ins"),
        "screen": _("Screens that are paired, without a person"),
        "screen-code": _("Codes of screens that wait to be paired"),
        "defect": _("What was reported as broken, without who reported it"),
        "session-roll": _("Lists of sessions"),
        "muster-list": _("Names on the list of an evacuation"),
        "muster-report": _("Reports of evacuations and drills, without names"),
        "tombstone": _("Scrambled marks of badges that were erased"),
        "rejected-payload": _("Content of messages that could not be stored"),
        "delivery": _("Which alert was sent when"),
        "booking": _("Bookings of spaces: when, by whom and what for; from their end"),
        "reading": _("Readings of sensors"),
        "audit-log": _("The audit log, without names"),
        "proof": _("Proofs that something was deleted"),
    }


def how_long(words: Formatter, term: Term) -> str:
    """Return how long a class of data stays, and from when."""
    _ = words.translations.gettext
    if term.keep is None:
        return _("As long as the hub decides")
    if term.data in _LIFETIMES:
        return _("At most {span}").format(span=duration(words, _LIFETIMES[term.data]))
    if term.keep == timedelta(0):
        return _("Until the evacuation is closed")
    span = duration(words, term.keep)
    if term.since == "event":
        return span
    return {
        "end": _("{span} after the end"),
        "last-visit": _("{span} after the last visit is deleted"),
        "closing": _("{span} after the evacuation"),
        "done": _("{span} after it was done"),
    }[term.since].format(span=span)


def duration(words: Formatter, span: timedelta) -> str:
    """Return a length of time: 2 minutes, 3 days, 2 years."""
    ngettext = words.translations.ngettext
    if span % _YEAR == timedelta(0):
        years = span // _YEAR
        return ngettext("{n} year", "{n} years", years).format(n=years)
    if span >= _SHORTEST_IN_DAYS or span == _DAY:
        days = span // _DAY
        return ngettext("{n} day", "{n} days", days).format(n=days)
    if span % _HOUR == timedelta(0):
        hours = span // _HOUR
        return ngettext("{n} hour", "{n} hours", hours).format(n=hours)
    minutes = span // timedelta(minutes=1)
    return ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
