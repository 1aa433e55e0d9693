"""Languages: their gettext catalogues, and the choice of a language for a browser.

Source text is English; a catalogue is a `.po` file in `locale/`, compiled in memory at its first use.
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
"""Locale for dates and numbers of a language, where its code alone would mean another one."""


def catalogue(language: str) -> bytes | None:
    """Return the content of a language's catalogue; None for the source language or a missing file."""
    file = files("hubwell").joinpath("locale", language, "LC_MESSAGES", "hubwell.po")
    return file.read_bytes() if language != SOURCE_LANGUAGE and file.is_file() else None


def supported_or_default(language: str | None) -> str:
    """Return the language if it is supported, else the source language."""
    return language if language in LANGUAGES else SOURCE_LANGUAGE


@cache
def translations_for(language: str | None) -> NullTranslations:
    """Return the translations of a language; without a catalogue, they return the source text."""
    text = catalogue(supported_or_default(language))
    if text is None:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(text), locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def conventions(language: str) -> str:
    """Return the CLDR locale for dates and numbers of a language."""
    return _CONVENTIONS.get(language, language)


class _Wish(NamedTuple):
    weight: float
    place: int
    language: str


def negotiate_language(header: str) -> str | None:
    """Return the supported language that an Accept-Language header (RFC 9110) prefers, or None."""
    wishes = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and (share := _share(weight)) > 0:
            wishes.append(_Wish(-share, place, language))
    return min(wishes).language if wishes else None


def _share(weight: str) -> float:
    """Return the weight of ``q=0.7``; 1 without a weight, 0 for an unreadable one."""
    name, _, value = weight.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
