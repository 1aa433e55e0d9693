"""Rules for what is entered of a space: text, typed or from a table, becomes settings or refusals."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Final, TypeVar

from hubwell.errors import NAME_TOO_LONG, DomainError, ErrorKind
from hubwell.spaces import errors
from hubwell.vocabulary import LANGUAGES, LARGEST_CAPACITY, SpaceFeature, SpaceKind
from hubwell_wire.topics import ID_PATTERN

LONGEST_NAME: Final = 100
LONGEST_ZONE: Final = 60
MOST_EQUIPMENT: Final = 30
LONGEST_EQUIPMENT: Final = 80
HUB: Final = "hub"
"""In place of a closing time: the hub's own; an empty text means the same."""
_ID: Final = re.compile(ID_PATTERN.removesuffix("$"))
_LONGEST_ID: Final = 63
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(:00)?")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}")
_LONGEST_SHOWN: Final = 60
_SEPARATORS: Final = re.compile(r"[;\r\n]")
Value = TypeVar("Value")


class WhenFull(StrEnum):
    """What the door of a full space does with another person."""

    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceInput:
    """What was entered of a space, as text."""

    name: str = ""
    kind: str = ""
    capacity: str = ""
    zone: str = ""
    opens_at: str = ""
    closes_at: str = ""
    when_full: str = WhenFull.WARN
    personal: bool = False
    features: Sequence[str] = ()
    equipment: str = ""
    """One thing a line; a semicolon ends one too."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names by code of the language; an empty one is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSettings:
    """What the register holds of a space, beside its id and its place in the order."""

    name: str
    kind: SpaceKind
    capacity: int
    zone: str
    opens_at: time | None
    closes_at: time | None
    when_full: WhenFull
    personal: bool
    features: tuple[SpaceFeature, ...]
    equipment: tuple[str, ...]
    names: Mapping[str, str]

    def as_input(self) -> SpaceInput:
        """Return the same as text; reading it gives these settings again."""
        return SpaceInput(
            name=self.name,
            kind=self.kind,
            capacity=str(self.capacity),
            zone=self.zone,
            opens_at=clock(self.opens_at),
            closes_at=clock(self.closes_at),
            when_full=self.when_full,
            personal=self.personal,
            features=self.features,
            equipment="\n".join(self.equipment),
            names=dict(self.names),
        )


def read(given: SpaceInput) -> tuple[SpaceSettings | None, list[DomainError]]:
    """Return the settings that were entered; None with every refusal if something is wrong."""
    refused: list[DomainError] = []

    def of(value: Callable[[], Value]) -> Value | None:
        try:
            return value()
        except DomainError as error:
            refused.append(error)
            return None

    name = of(lambda: _name(given.name))
    kind = of(lambda: _kind(given.kind))
    capacity = of(lambda: _capacity(given.capacity))
    zone = of(lambda: _short(given.zone, LONGEST_ZONE, errors.ZONE_TOO_LONG))
    when_full = of(lambda: _when_full(given.when_full))
    opens_at = of(lambda: _clock(given.opens_at, errors.OPENING_TIME_UNREADABLE))
    closes_at = of(lambda: _closing(given.closes_at))
    of(lambda: _check_hours(opens_at, closes_at))
    features = of(lambda: _features(given.features))
    equipment = of(lambda: _equipment(given.equipment))
    names = of(lambda: _names(given.names))
    if refused or name is None or kind is None or capacity is None or zone is None or when_full is None:
        return None, refused
    settings = SpaceSettings(
        name=name,
        kind=kind,
        capacity=capacity,
        zone=zone,
        opens_at=opens_at,
        closes_at=closes_at,
        when_full=when_full,
        personal=given.personal,
        features=features or (),
        equipment=equipment or (),
        names=names or {},
    )
    return settings, []


def id_refusal(space_id: str) -> DomainError | None:
    """Return why this cannot be the id of a space; None if it can."""
    return None if _ID.fullmatch(space_id) else DomainError(errors.ID_NOT_PLAIN, value=space_id)


def id_for(name: str, taken: Collection[str]) -> str:
    """Return an id that is made from a name and not taken: "Öökull 2" becomes `ookull-2`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: _LONGEST_ID - 5].strip("-") or "space"
    number, candidate = 1, stem
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def same_name(name: str) -> str:
    """Return what two names have in common that people cannot tell apart: blanks and case do not count."""
    return tidy(name).casefold()


def clock(moment: time | None) -> str:
    """Return a time of day as ``HH:MM``; empty for none."""
    return "" if moment is None else f"{moment:%H:%M}"


def tidy(text: str) -> str:
    """Return a text in Unicode form NFC on one line, without control characters and repeated blanks."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(c if unicodedata.category(c) != "Cc" else " " for c in composed).split())


def _shown(text: str) -> str:
    """Return an input as a refusal quotes it: on one line, and not longer than anybody reads."""
    plain = tidy(text)
    return plain if len(plain) <= _LONGEST_SHOWN else plain[:_LONGEST_SHOWN] + "…"


def _name(text: str) -> str:
    name = _short(text, LONGEST_NAME, NAME_TOO_LONG)
    if not name:
        raise DomainError(errors.SPACE_UNNAMED)
    return name


def _short(text: str, most: int, kind: ErrorKind) -> str:
    plain = tidy(text)
    if len(plain) > most:
        raise DomainError(kind, most=most)
    return plain


def _kind(text: str) -> SpaceKind:
    word = text.strip().lower()
    if word not in set(SpaceKind):
        raise DomainError(errors.SPACE_KIND_UNKNOWN, value=_shown(text), kinds=", ".join(SpaceKind))
    return SpaceKind(word)


def _capacity(text: str) -> int:
    digits = text.strip()
    if not _NUMBER.fullmatch(digits) or int(digits) > LARGEST_CAPACITY:
        raise DomainError(errors.CAPACITY_UNREADABLE, value=_shown(text), most=LARGEST_CAPACITY)
    if int(digits) < 1:
        raise DomainError(errors.CAPACITY_TOO_SMALL, value=digits)
    return int(digits)


def _when_full(text: str) -> WhenFull:
    word = text.strip().lower() or WhenFull.WARN
    if word not in set(WhenFull):
        raise DomainError(errors.WHEN_FULL_UNKNOWN, value=_shown(text))
    return WhenFull(word)


def _clock(text: str, unreadable: ErrorKind) -> time | None:
    plain = text.strip()
    if not plain:
        return None
    match = _CLOCK.fullmatch(plain)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:  # noqa: PLR2004 - as on every clock
        raise DomainError(unreadable, value=_shown(text))
    return time(int(match[1]), int(match[2]))


def _closing(text: str) -> time | None:
    return None if text.strip() == HUB else _clock(text, errors.CLOSING_TIME_UNREADABLE)


def is_open(opens_at: time | None, closes_at: time | None, now: time) -> bool:
    """Return whether a space is open at a time of the hub's day; hours that pass midnight are understood.

    Without an opening time a space is open from midnight, without a closing time until midnight.
    """
    opens, closes = opens_at or time.min, closes_at or time.max
    if opens <= closes:
        return opens <= now < closes
    return now >= opens or now < closes


def _check_hours(opens_at: time | None, closes_at: time | None) -> None:
    """Refuse the same time twice; a space may close after midnight. Raises DomainError."""
    if opens_at is not None and opens_at == closes_at:
        raise DomainError(errors.NO_HOURS, value=clock(opens_at))


def _features(words: Sequence[str]) -> tuple[SpaceFeature, ...]:
    features = set(SpaceFeature)
    for word in words:
        if word not in features:
            raise DomainError(errors.FEATURE_UNKNOWN, value=_shown(word), features=", ".join(SpaceFeature))
    return tuple(feature for feature in SpaceFeature if feature in words)


def _equipment(text: str) -> tuple[str, ...]:
    items = [item for item in map(tidy, _SEPARATORS.split(text)) if item]
    if len(items) > MOST_EQUIPMENT or any(len(item) > LONGEST_EQUIPMENT for item in items):
        raise DomainError(errors.EQUIPMENT_TOO_LONG, most=MOST_EQUIPMENT, longest=LONGEST_EQUIPMENT)
    return tuple(dict.fromkeys(items))


def _names(given: Mapping[str, str]) -> dict[str, str]:
    plain = {language: tidy(name) for language, name in given.items()}
    for language, name in plain.items():
        if language not in LANGUAGES:
            raise DomainError(
                errors.NAME_LANGUAGE_UNKNOWN, value=_shown(language), languages=", ".join(LANGUAGES)
            )
        if len(name) > LONGEST_NAME:
            raise DomainError(errors.NAMES_TOO_LONG, most=LONGEST_NAME)
    return {language: plain[language] for language in LANGUAGES if plain.get(language)}
