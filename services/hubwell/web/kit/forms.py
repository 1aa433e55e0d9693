"""Fields of forms, and refusals in the language of the reader."""

from typing import Annotated, Final

from fastapi import Form

from hubwell.doctor.typed_commands import in_text
from hubwell.errors import DomainError, error_text
from hubwell.vocabulary import LANGUAGES, Role
from hubwell.web.kit.formatting import Formatter

FormText = Annotated[str, Form()]
"""A field of a form; handlers give it the default for a form without it."""
FormRoles = Annotated[list[str], Form()]
"""The ticked roles of a form, to be read with `known_roles`."""
_ROLES: Final = frozenset(Role)


def known_roles(names: list[str]) -> list[Role]:
    """Return the roles among these words."""
    return [Role(name) for name in names if name in _ROLES]


def language_choices(words: Formatter) -> list[tuple[str, str]]:
    """Return the languages in which readers can address a person; first, the hub's."""
    _ = words.translations.gettext
    return [("", _("The hub's language")), *LANGUAGES.items()]


def mistake(error: DomainError, words: Formatter) -> dict[str, str]:
    """Return each field at fault with its sentence, as the pages show mistakes."""
    return {each.field: in_text(error_text(each, words.translations)) for each in (error, *error.also)}
