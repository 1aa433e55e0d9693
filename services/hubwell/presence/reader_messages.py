"""Sentences that readers show: one whole sentence per verdict and language."""

from gettext import NullTranslations
from typing import Final, Literal, get_args

from hubwell.i18n import translations_for
from hubwell_wire.enumerations import Language, Verdict

MessageVariant = Literal["", "crowded", "two-places", "door-first", "no-code", "panel"]
"""A variant of the sentence: `crowded` (in, though the space is full), `two-places` (`rules.APART`), at a
kiosk `door-first` (nothing to compare the card with yet) and `no-code`, and `panel` (which has the answer).
"""
_VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
_LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


def message_for(verdict: Verdict, language: Language, shade: MessageVariant = "", *, code: str = "") -> str:
    """Return the sentence for a verdict; `code` is the one-time code of the verdict `code`."""
    translations = translations_for(language)
    if code:
        return translations.gettext("Your code: {code}").format(code=code)
    return _shaded(translations, shade) or _sentences(translations)[verdict]


def linked_notice(language: Language) -> str:
    """Return the sentence that a reader adds once after an account was tied to the person."""
    return translations_for(language).gettext(
        "An account was linked to your visits. If this was not you, please tell the staff."
    )


def texts_for_roster() -> dict[Language, dict[Verdict, str]]:
    """Return the sentences that devices show without the server: every verdict in every language."""
    return {language: _sentences(translations_for(language)) for language in _LANGUAGES}


def crowded_for_roster() -> dict[Language, str]:
    """Return the sentence for an admission to a full space, in every language."""
    return {language: _shaded(translations_for(language), "crowded") for language in _LANGUAGES}


def _sentences(translations: NullTranslations) -> dict[Verdict, str]:
    _ = translations.gettext
    sentences: dict[Verdict, str] = {
        "in": _("Welcome. You are checked in."),
        "out": _("Goodbye. You are checked out."),
        "moved": _("Welcome. You have moved here."),
        "again": _("You have just tapped. Nothing has changed."),
        "unknown": _("This badge is not known here. The staff will gladly help you."),
        "full": _("There is no room left here. Please choose another space."),
        "revoked": _("This badge no longer works. Please ask the staff."),
        "refused": _("This tap did not count. Please hold your badge to the reader once more."),
        "noted": _("Noted. It counts as soon as the connection is back."),
        "code": _("A code cannot be shown right now. Please try again later."),
        "desk": _("Thank you. The staff will go on from here."),
        "phone": _("A phone cannot be recognised here. Please use a badge or your QR code."),
    }
    return {verdict: sentences[verdict] for verdict in _VERDICTS}


def _shaded(translations: NullTranslations, shade: MessageVariant) -> str:
    _ = translations.gettext
    match shade:
        case "crowded":
            return _("Welcome. You are checked in, but this space is full.")
        case "two-places":
            return _("This badge was at another reader a moment ago. Please wait ten seconds and tap again.")
        case "door-first":
            return _("Please hold your badge to the reader of a space first, then ask for a code here again.")
        case "no-code":
            return _("A code cannot be shown here. Please ask the staff.")
        case "panel":
            return _("Thank you. The panel at the door has the answer.")
        case "":
            return ""
