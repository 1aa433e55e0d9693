"""Refusals of the domain: each kind has a stable code, one English text and the field at fault.

A capability keeps its kinds as constants in its `errors.py` and raises `DomainError`. The command line and
programs get the English text, pages the text in the reader's language (`error_text`), the API all of it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from gettext import NullTranslations
from typing import Any, Final


def N_(text: str) -> str:  # noqa: N802 - gettext's name for it, which extracts the text into the catalogues
    """Mark a text for the catalogues where it is written; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A kind of refusal.

    `code` is lower-case words with hyphens and never changes. `text` is a whole English sentence with
    the remedy, written as ``N_("…")``, with ``{parameters}``. `field` is the input at fault, empty where no
    single one is. `status` is the HTTP status of the answer.
    """

    code: str
    text: str
    field: str = ""
    status: int = 422


PERSON_GONE: Final = ErrorKind(
    "person-gone",
    N_("There is no such person. They may have been erased or merged meanwhile."),
    status=404,
)
SPACE_UNKNOWN: Final = ErrorKind(
    "space-unknown", N_("There is no such space. Choose one of the spaces."), "space"
)
NAME_TOO_LONG: Final = ErrorKind("name-too-long", N_("A name has at most {most} characters."), "name")
# Those three are refusals of several capabilities, which do not import each other.


class DomainError(Exception):
    """An action was refused and changed nothing; its transaction is to be rolled back.

    `params` are the values of the text's parameters: any type with a readable `str`, never a secret.
    """

    def __init__(self, kind: ErrorKind, /, **params: object) -> None:
        super().__init__(kind.text.format(**params))
        self.kind = kind
        self.params = params
        self.also: tuple[DomainError, ...] = ()
        """Further refusals of the same input, each of another field."""

    @property
    def code(self) -> str:
        """The kind's code."""
        return self.kind.code

    @property
    def field(self) -> str:
        """The input at fault; empty where no single one is."""
        return self.kind.field

    @property
    def members(self) -> Mapping[str, Any]:
        """Further members of the API's problem, as JSON has them: what a program needs to go on."""
        return {}


def refusal_of(check: Callable[[], object]) -> "DomainError | None":
    """Return how a check refuses; None if it does not."""
    try:
        check()
    except DomainError as error:
        return error
    return None


def refuse_all(refusals: Iterable["DomainError | None"]) -> None:
    """Raise the first of these refusals with the others in its `also`; nothing happens without any."""
    all_refusals = [each for refusal in refusals if refusal is not None for each in (refusal, *refusal.also)]
    if all_refusals:
        all_refusals[0].also = tuple(all_refusals[1:])
        raise all_refusals[0]


def error_text(error: DomainError, translations: NullTranslations) -> str:
    """Return the refusal's sentence in the language of a catalogue."""
    return translations.gettext(error.kind.text).format(**error.params)


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text, or its type's name where it has none: for logs."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
