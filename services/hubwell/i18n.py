"""The languages of people: which there are, the catalogue of each, and which one a browser would like.

Source text is English; a catalogue is a gettext file in `locale/`, read as it stands, never compiled ahead.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final, NamedTuple

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from hubwell.vocabulary import LANGUAGES, SOURCE_LANGUAGE

_CONVENTIONS: Final = {"en": "en_GB"}
"""Whose way of writing dates and numbers a language follows, where its code alone would mean another's."""


def catalogue(language: str) -> bytes | None:
    """Return the text of a language's catalogue; None where the source text is its own."""
    file = files("hubwell").joinpath("locale", language, "LC_MESSAGES", "hubwell.po")
    return file.read_bytes() if language != SOURCE_LANGUAGE and file.is_file() else None


def supported_or_default(language: str | None) -> str:
    """Return a language that there is: this one, or the source's."""
    return language if language in LANGUAGES else SOURCE_LANGUAGE


@cache
def translations_for(language: str | None) -> NullTranslations:
    """Return the catalogue of a language; the source text where there is none."""
    text = catalogue(supported_or_default(language))
    if text is None:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(text), locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def conventions(language: str) -> str:
    """Return the locale (CLDR) whose way of writing dates and numbers a language follows."""
    return _CONVENTIONS.get(language, language)


class _Wish(NamedTuple):
    weight: float
    place: int
    language: str


def negotiate_language(header: str) -> str | None:
    """Return what a header Accept-Language (RFC 9110) likes best of our languages, None if it names none."""
    wishes = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and (share := _share(weight)) > 0:
            wishes.append(_Wish(-share, place, language))
    return min(wishes).language if wishes else None


def _share(weight: str) -> float:
    """Return the weight of ``q=0.7``; 1 where none is said, 0 where it cannot be read."""
    name, _, value = weight.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
