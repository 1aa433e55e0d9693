"""What the roles are called."""

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
