"""The steps of Getting started in words, and what an administrator may do beside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hubwell.vocabulary import Role
from hubwell.web.kit.formatting import Formatter
from hubwell.workflows.hub import Progress

OWN_ROLES: Final = (Role.STAFF, Role.FACILITIES, Role.OSH)
"""What an administrator may do beside."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its page, what it is, why it is worth doing, and what is known of it."""

    address: str
    name: str
    why: str
    done: bool
    known: str


def steps(progress: Progress, words: Formatter) -> list[Step]:
    """Return the steps in the order in which they are best done."""
    addresses, names, reasons, known = (
        _addresses(progress),
        _names(words),
        _reasons(words),
        _known(progress, words),
    )
    return [
        Step(addresses[key], names[key], reasons[key], done, known.get(key, ""))
        for key, done in progress.steps().items()
    ]


def own_roles(words: Formatter) -> Mapping[str, str]:
    """Return what an administrator may do beside, as the answers to "what will you do yourself?"."""
    _ = words.translations.gettext
    return {
        Role.STAFF: _("Work at the desk: give people badges and check them in"),
        Role.FACILITIES: _("Look after spaces and devices: air, use, what is silent"),
        Role.OSH: _("Keep people safe: alerts, drills and evacuations"),
    }


def _addresses(progress: Progress) -> Mapping[str, str]:
    return {
        "spaces": "/spaces",
        "device": "/devices" if progress.device else "/start/device",
        "reader": "/devices" if progress.reader else "/start/reader",
        "second_admin": "/accounts",
        "privacy_contact": "/hub#privacy_contact",
        "restore": "/start/restore",
        "grafana": "/start/grafana",
    }


def _names(words: Formatter) -> Mapping[str, str]:
    _ = words.translations.gettext
    return {
        "spaces": _("Enter your spaces"),
        "device": _("Hear the first device"),
        "reader": _("Connect the first badge reader"),
        "second_admin": _("Add a second administrator"),
        "privacy_contact": _("Name who answers questions about privacy"),
        "restore": _("Prove that a backup can be restored"),
        "grafana": _("Connect Grafana, or do without"),
    }


def _reasons(words: Formatter) -> Mapping[str, str]:
    _ = words.translations.gettext
    return {
        "spaces": _("Rooms and corners that people use, each with its name and for how many people it is."),
        "device": _("A Raspberry Pi or a sensor that tells how the air is and whether somebody is there."),
        "reader": _("With a reader at the door, people check in by holding a card to it."),
        "second_admin": _("So that the hub can be looked after when you are away or forget your password."),
        "privacy_contact": _("People have a right to ask what is stored about them. Their page names whom."),
        "restore": _("A backup is proven only when it has been restored once."),
        "grafana": _("Dashboards of weeks and months, for those who want them. The hub works without them."),
    }


def _known(progress: Progress, words: Formatter) -> Mapping[str, str]:
    _ = words.translations.gettext
    then = progress.milestones
    known = {}
    if then.restore_proven_at:
        known["restore"] = _("Restored on {day}.").format(day=words.date(then.restore_proven_at))
    if progress.grafana_connected or then.grafana_seen_at:
        known["grafana"] = _("Grafana reads this hub.")
    elif then.no_grafana_since:
        known["grafana"] = _("This hub does without Grafana since {day}.").format(
            day=words.date(then.no_grafana_since)
        )
    return known
