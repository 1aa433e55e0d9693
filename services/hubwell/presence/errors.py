"""What changing a visit refuses, each with a code that pages put into words of the reader's language."""

from gettext import NullTranslations
from typing import Literal

Why = Literal[
    "visit-gone",
    "person-gone",
    "space-unknown",
    "ends-before-it-begins",
    "in-the-future",
    "too-long",
    "next-visit-began",
]


def sentence(why: Why, translations: NullTranslations) -> str:
    """Return why something was refused, in words."""
    _ = translations.gettext
    sentences: dict[Why, str] = {
        "visit-gone": _("There is no such visit of yours; it may have been removed meanwhile."),
        "person-gone": _("There is no such person; they may have been erased or merged meanwhile."),
        "space-unknown": _("There is no such space."),
        "ends-before-it-begins": _("A visit ends after it begins: choose a later time."),
        "in-the-future": _("This time has not come yet: choose an earlier one."),
        "too-long": _("A visit lasts at most 12 hours: choose an earlier end."),
        "next-visit-began": _("Your next visit had begun by then: choose an earlier end."),
    }
    return sentences[why]


class VisitError(ValueError):
    """A change was refused. `why` is its code; the text says it in English."""

    def __init__(self, why: Why) -> None:
        super().__init__(sentence(why, NullTranslations()))
        self.why = why
