"""What the roles are called, and why kiosks were refused codes."""

from collections.abc import Mapping

from hubwell.vocabulary import Role
from hubwell.web.kit.formatting import Formatter


def role_names(words: Formatter) -> Mapping[str, str]:
    """Return what each role is called, with what it may do."""
    _ = words.translations.gettext
    return {
        Role.LEARNER: _("Learner: sees their own visits"),
        Role.STAFF: _("Staff: enrols badges, checks people in, keeps the roll of their sessions"),
        Role.FACILITIES: _("Facilities: reads devices, air and use of spaces"),
        Role.OSH: _("Safety at work: alerts and evacuations"),
        Role.ADMIN: _("Administrator: accounts, keys, retention, audit log"),
    }


def short_role_names(words: Formatter) -> Mapping[str, str]:
    """Return what each role is called."""
    _ = words.translations.gettext
    return {
        Role.LEARNER: _("Learner"),
        Role.STAFF: _("Staff"),
        Role.FACILITIES: _("Facilities"),
        Role.OSH: _("Safety at work"),
        Role.ADMIN: _("Administrator"),
    }


def kiosk_refusals(words: Formatter) -> dict[str, str]:
    """Return why a kiosk was refused codes and what to do, by outcome (`access.kiosks`)."""
    _ = words.translations.gettext
    return {
        "no-proof": _(
            "it did not prove the badges. Update its software; if it is up to date, change its password on "
            "the broker."
        ),
        "wrong-proof": _("it did not have the badges that it named. Change its password on the broker."),
        "too-many": _(
            "it asked for too many codes. Look at the kiosk; if no queue was there, change its password on "
            "the broker."
        ),
    }
