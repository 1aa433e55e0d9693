"""Fields of forms, and refusals in the language of the reader."""

from typing import Annotated

from fastapi import Form

from hubwell.errors import DomainError, error_text
from hubwell.vocabulary import LANGUAGES
from hubwell.web.kit.formatting import Formatter

FormText = Annotated[str, Form()]
"""A field of a form; handlers give it the default for a form without it."""


def language_choices(words: Formatter) -> list[tuple[str, str]]:
    """Return the languages in which readers can address a person; first, the hub's."""
    _ = words.translations.gettext
    return [("", _("The hub's language")), *LANGUAGES.items()]


def mistake(error: DomainError, words: Formatter) -> dict[str, str]:
    """Return the field at fault and the sentence, as the pages show mistakes."""
    return {error.field: error_text(error, words.translations)}
