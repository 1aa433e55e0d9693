"""What everybody learns of an open evacuation or drill: what to do and where to gather, without names."""

from dataclasses import dataclass
from datetime import datetime
from gettext import NullTranslations
from typing import Any, Final, Literal

from psycopg import AsyncConnection

from hubwell.i18n import translations_for
from hubwell.storage.queries import Queries
from hubwell.vocabulary import LANGUAGES
from hubwell_wire.enumerations import Language

_SQL: Final = Queries("hubwell.evacuation")
Kind = Literal["drill", "alarm"]


@dataclass(frozen=True, slots=True)
class Announcement:
    """The open evacuation or drill, without anything about people."""

    kind: Kind
    since: datetime


async def current(conn: AsyncConnection[Any]) -> Announcement | None:
    """Return the evacuation or drill that is open; None without one."""
    row = await (await conn.execute(_SQL["announcement"])).fetchone()
    return None if row is None else Announcement(*row)


def instruction(kind: Kind, translations: NullTranslations) -> str:
    """Return what people have to do now."""
    _ = translations.gettext
    if kind == "alarm":
        return _("Evacuation: leave the building now.")
    return _("Evacuation drill: leave the building now, as in an emergency.")


def destination(assembly_point: str, translations: NullTranslations) -> str:
    """Return where people gather; `assembly_point` is the setting, empty where the hub has not named one."""
    _ = translations.gettext
    place = " ".join(assembly_point.split()).removesuffix(".")
    return _("Gather here: {place}.").format(place=place) if place else _("Go to the assembly point.")


def sentence(kind: Kind, assembly_point: str, language: str) -> str:
    """Return both in one text, for the display of a reader."""
    translations = translations_for(language)
    return f"{instruction(kind, translations)} {destination(assembly_point, translations)}"


def sentences(kind: Kind, assembly_point: str) -> dict[Language, str]:
    """Return that text in every language, for the readers' lists."""
    return {language: sentence(kind, assembly_point, language) for language in LANGUAGES}
