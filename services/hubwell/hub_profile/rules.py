"""Which settings administrators may choose in the browser, and what may be chosen for each."""

import re
from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from hubwell.errors import DomainError, refusal_of, refuse_all
from hubwell.hub_profile import errors
from hubwell.hub_profile.colours import nearest_legible
from hubwell.settings import Settings, zone_like
from hubwell.vocabulary import LANGUAGES

FIELDS: Final = ("hub_name", "zone", "language", "colour", "assembly_point", "privacy_contact")
"""The settings that have a column in `hub_profile`."""
LONGEST: Final[Mapping[str, int]] = {"hub_name": 60, "assembly_point": 150, "privacy_contact": 300}
"""Characters."""
_QUOTED: Final = 60
"""Characters of a wrong value that a refusal repeats."""
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


def is_zone(text: str) -> bool:
    """Return whether this machine knows a time zone; what it knows is read once."""
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        return False
    return True


def is_colour(text: str) -> bool:
    """Return whether a text is a colour as it is stored."""
    return _COLOUR.fullmatch(text) is not None


def environment_variable(field: str) -> str:
    """Return the variable by which the installation sets a field."""
    return f"HUBWELL_{field.upper()}"


def set_by_installation(installation: Settings) -> frozenset[str]:
    """Return the fields that the installation sets, which the browser therefore cannot."""
    return frozenset(FIELDS) & installation.model_fields_set


def checked(values: Mapping[str, str], installation: Settings) -> dict[str, str | None]:
    """Return the fields as they are stored; None for an empty one, which is the default again.

    Raises DomainError with all that is wrong, also where the installation sets a field otherwise.
    """
    plain = {field: _CONTROL.sub(" ", text).strip() for field, text in values.items()}
    plain = {field: text.lower() if field == "colour" else text for field, text in plain.items()}
    fixed = set_by_installation(installation)
    foreign = sorted(field for field in fixed & plain.keys() if plain[field] != getattr(installation, field))
    variables = ", ".join(environment_variable(field) for field in foreign)
    refuse_all(
        [
            DomainError(errors.SET_BY_INSTALLATION, variables=variables) if foreign else None,
            *(refusal_of(_check(field, text)) for field, text in plain.items() if field not in fixed),
        ]
    )
    return {field: text or None for field, text in plain.items() if field not in fixed}


def _check(field: str, text: str) -> Callable[[], None]:
    return lambda: _CHECKS[field](text)


def _check_name(text: str) -> None:
    if not text:
        raise DomainError(errors.HUB_NAME_MISSING)
    if len(text) > LONGEST["hub_name"]:
        raise DomainError(errors.HUB_NAME_LONG, most=LONGEST["hub_name"])


def _check_zone(text: str) -> None:
    if not text:
        return
    if not is_zone(text):
        short = text[:_QUOTED]
        if near := zone_like(short):
            raise DomainError(errors.ZONE_LIKE, zone=short, near=near)
        raise DomainError(errors.ZONE_UNKNOWN, zone=short)


def _check_language(text: str) -> None:
    if text and text not in LANGUAGES:
        raise DomainError(errors.HUB_LANGUAGE_UNKNOWN, languages=", ".join(LANGUAGES))


def _check_colour(text: str) -> None:
    if not text:
        return
    if not is_colour(text):
        raise DomainError(errors.COLOUR_UNREADABLE)
    if (near := nearest_legible(text)) != text:
        raise DomainError(errors.COLOUR_PALE, colour=text, near=near)


def _check_assembly_point(text: str) -> None:
    if len(text) > LONGEST["assembly_point"]:
        raise DomainError(errors.ASSEMBLY_POINT_LONG, most=LONGEST["assembly_point"])


def _check_contact(text: str) -> None:
    if len(text) > LONGEST["privacy_contact"]:
        raise DomainError(errors.PRIVACY_CONTACT_LONG, most=LONGEST["privacy_contact"])


_CHECKS: Final[Mapping[str, Callable[[str], None]]] = {
    "hub_name": _check_name,
    "zone": _check_zone,
    "language": _check_language,
    "colour": _check_colour,
    "assembly_point": _check_assembly_point,
    "privacy_contact": _check_contact,
}
