"""Fields of forms, and refusals in the language of the reader."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Form

from hubwell.people.errors import PeopleError, Why
from hubwell.vocabulary import LANGUAGES
from hubwell.web.kit.formatting import Formatter

FormText = Annotated[str, Form()]
"""A field of a form; handlers give it the default for a form without it."""

FIELDS: Final[Mapping[Why, str]] = {
    "name-missing": "name",
    "name-too-long": "name",
    "name-odd": "name",
    "label-too-long": "label",
    "language-unknown": "language",
    "title-missing": "title",
    "title-too-long": "title",
    "purpose-missing": "purpose",
    "purpose-too-long": "purpose",
    "space-unknown": "space",
    "ends-before-it-begins": "end",
    "too-long": "end",
    "long-ago": "day",
    "overlaps": "start",
    "roll-too-short": "days",
    "roll-too-long": "days",
}
"""The field of a form that a refusal is about."""


def language_choices(words: Formatter) -> list[tuple[str, str]]:
    """Return the languages in which readers can address a person; first, the hub's."""
    _ = words.translations.gettext
    return [("", _("The hub's language")), *LANGUAGES.items()]


def mistake(error: PeopleError, words: Formatter) -> dict[str, str]:
    """Return the field at fault and the sentence, as the pages show mistakes."""
    return {FIELDS.get(error.why, ""): sentence(error, words)}


def sentence(error: PeopleError, words: Formatter) -> str:
    """Say why something was refused and what to do."""
    said = {**_of_badges(words), **_of_sessions(words)}
    return said[error.why].format(detail=error.detail)


def _of_badges(words: Formatter) -> dict[Why, str]:
    _ = words.translations.gettext
    return {
        "already-enrolled": _(
            "This badge is enrolled already. Open its person's page; to give it to somebody else, "
            "take it off there first."
        ),
        "badge-gone": _("This tap is more than two minutes old. Hold the badge to the desk reader again."),
        "person-gone": _("There is no such person. They may have been erased or merged meanwhile."),
        "credential-gone": _("There is no such badge. It may have been erased meanwhile."),
        "already-revoked": _("This badge is revoked already."),
        "not-revoked": _("This badge is in use. There is nothing to restore."),
        "revoked-why-unknown": _("Choose why: lost, replaced, or they left."),
        "too-late": _("An enrolment can be taken back for ten minutes. After that, revoke the badge."),
        "same-person": _("This is the same entry twice. Choose another one."),
        "own-entry": _("One of the two is your own entry. Ask a colleague to merge them."),
        "name-missing": _("Type a name, or choose “Without a name”."),
        "name-too-long": _("A name has at most 120 letters."),
        "name-odd": _("This name holds signs that cannot be shown. Type it anew."),
        "label-too-long": _("A note has at most 60 letters."),
        "language-unknown": _("Choose one of the languages."),
        "reader-unknown": _("There is no such reader."),
        "reader-purpose": _("A reader is for a space, the desk or a kiosk."),
    }


def _of_sessions(words: Formatter) -> dict[Why, str]:
    _ = words.translations.gettext
    return {
        "title-missing": _("Give the session a title."),
        "title-too-long": _("A title has at most 120 letters."),
        "purpose-missing": _("Say what the list of who came is for."),
        "purpose-too-long": _("A purpose has at most 300 letters."),
        "space-unknown": _("Choose one of the spaces."),
        "ends-before-it-begins": _("A session ends after it begins."),
        "too-long": _("A session lasts at most 8 hours."),
        "long-ago": _(
            "A session is entered before it begins, or at most an hour after: "
            "its list is no way to look up the past."
        ),
        "overlaps": _("You have another session at that time: {detail}."),
        "roll-too-short": _("The list is kept for at least one day."),
        "roll-too-long": _("The list is kept for at most 30 days."),
    }
