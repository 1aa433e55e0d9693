"""Find, change and merge people in the register, and lock one for erasure; in the caller's transaction."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import NAME_TOO_LONG, PERSON_GONE, DomainError, refusal_of, refuse_all
from hubwell.events import AllowlistChanged, Facts
from hubwell.people import errors
from hubwell.storage.queries import Queries
from hubwell.vocabulary import LANGUAGES

_SQL: Final = Queries("hubwell.people")
ShownAs = Literal["", "mentor", "ambassador"]
SHORTEST_SEARCH: Final = 2
"""Letters that a search needs, so that the register cannot be listed."""
MOST_FOUND: Final = 20
LONGEST_NAME: Final = 120
_LONGEST_TYPED: Final = 1000
"""Characters before Unicode composition, whose time grows with the square of their number."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person's entry in the register, without visits."""

    id: UUID
    name: str
    language: str | None
    shown_on_site: bool
    shown_as: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A search result; `credentials` is the number of valid ones."""

    id: UUID
    name: str
    language: str | None
    credentials: int


@dataclass(frozen=True, slots=True)
class OnSite:
    """A person who chose to be shown and is checked in. `shown_as` is mentor or ambassador."""

    name: str
    shown_as: str


def clean_name(name: str) -> str:
    """Return a name as it is stored: composed letters, single spaces. Raises DomainError."""
    if len(name) > _LONGEST_TYPED:
        raise DomainError(NAME_TOO_LONG, most=LONGEST_NAME)
    cleaned = " ".join(unicodedata.normalize("NFC", name).split())
    if not printable(cleaned):
        raise DomainError(errors.NAME_NOT_PRINTABLE)
    if len(cleaned) > LONGEST_NAME:
        raise DomainError(NAME_TOO_LONG, most=LONGEST_NAME)
    return cleaned


def printable(text: str) -> bool:
    """Return whether a text has no control or formatting characters, surrogates or private letters."""
    return not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} for letter in text)


def known_language(language: str | None) -> str | None:
    """Return a language's code, or None for an empty choice. Raises DomainError."""
    if not language:
        return None
    if language not in LANGUAGES:
        raise DomainError(errors.LANGUAGE_UNKNOWN)
    return language


def check(name: str, language: str | None) -> None:
    """Raise DomainError for a name and a language that cannot be stored, with all that is wrong with them."""
    refuse_all((refusal_of(lambda: clean_name(name)), refusal_of(lambda: known_language(language))))


async def person(conn: AsyncConnection[Any], person_id: UUID) -> Person:
    """Return an enrolled person. Raises DomainError."""
    async with conn.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(_SQL["person"], {"person": person_id})
        row = await cursor.fetchone()
    if row is None:
        raise DomainError(PERSON_GONE)
    return row


async def find(conn: AsyncConnection[Any], text: str) -> list[Found]:
    """Return at most 20 people whose name holds this text; none for fewer than two letters."""
    if len(text) > _LONGEST_TYPED:
        return []
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if len(text) < SHORTEST_SEARCH or "\x00" in text:
        return []
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    async with conn.cursor(row_factory=class_row(Found)) as cursor:
        values = {"part": f"%{plain}%", "start": f"{plain}%", "most": MOST_FOUND}
        await cursor.execute(_SQL["find_persons"], values)
        return await cursor.fetchall()


async def change(conn: AsyncConnection[Any], person_id: UUID, *, name: str, language: str | None) -> Facts:
    """Rename a person and set their language; a person without a name is not shown as on site.

    Raises DomainError.
    """
    check(name, language)
    values = {"person": person_id, "name": clean_name(name), "language": known_language(language)}
    if await (await conn.execute(_SQL["change_person"], values)).fetchone() is None:
        raise DomainError(PERSON_GONE)
    return [AllowlistChanged()]


async def set_language(conn: AsyncConnection[Any], person_id: UUID, language: str) -> Facts:
    """Set the language of a person's texts at readers and on pages; an unknown code sets none."""
    values = {"person": person_id, "language": language if language in LANGUAGES else None}
    await conn.execute(_SQL["set_language"], values)
    return [AllowlistChanged()]


async def set_link_untold(conn: AsyncConnection[Any], person_id: UUID, *, untold: bool) -> None:
    """Set whether a reader has to say at the person's next tap that an account was tied to them."""
    await conn.execute(_SQL["set_link_untold"], {"person": person_id, "untold": untold})


async def set_shown(conn: AsyncConnection[Any], person_id: UUID, *, shown: bool) -> None:
    """Set whether a mentor or ambassador with a name is shown as on site while checked in."""
    await conn.execute(_SQL["set_shown"], {"person": person_id, "shown": shown})


async def set_shown_as(conn: AsyncConnection[Any], person_id: UUID, shown_as: ShownAs) -> None:
    """Set the role as which a person may choose to be shown; without a role they are not shown."""
    await conn.execute(_SQL["set_shown_as"], {"person": person_id, "shown_as": shown_as})


async def absorb(conn: AsyncConnection[Any], *, keep: UUID, drop: UUID) -> None:
    """Lock two entries of one person; move the badges of `drop` to `keep`, and name and language if missing.

    The caller moves the rows of other capabilities before `delete_absorbed`. Raises DomainError.
    """
    if keep == drop:
        raise DomainError(errors.SAME_PERSON)
    locked = await (await conn.execute(_SQL["lock_persons"], {"persons": [keep, drop]})).fetchall()
    if len(locked) != len({keep, drop}):
        raise DomainError(PERSON_GONE)
    values = {"keep": keep, "drop": drop}
    await conn.execute(_SQL["move_credentials"], values)
    await conn.execute(_SQL["complete_kept"], values)


async def delete_absorbed(conn: AsyncConnection[Any], drop: UUID) -> Facts:
    """Delete an entry whose badges and visits were moved to another."""
    await conn.execute(_SQL["delete_person"], {"drop": drop})
    return [AllowlistChanged()]


@dataclass(frozen=True, slots=True)
class Held:
    """Pseudonyms and credentials of a person to erase. `signing`: one is a card without a fixed number."""

    badges: list[bytes]
    credentials: list[int]
    signing: bool


async def lock_to_erase(conn: AsyncConnection[Any], person_id: UUID) -> Held:
    """Lock a person, enrolled or counted, and return their credentials. Raises DomainError.

    A concurrent transaction that stores a tap or visit of the person waits for this one to end, and then the
    person no longer exists.
    """
    values = {"person": person_id}
    if await (await conn.execute(_SQL["lock_to_erase"], values)).fetchone() is None:
        raise DomainError(PERSON_GONE)
    credentials = await (await conn.execute(_SQL["held"], values)).fetchall()
    return Held(
        badges=[bytes(badge) for _, _, badges in credentials for badge in badges],
        credentials=[key for key, _, _ in credentials],
        signing=any(kind == "sun" for _, kind, _ in credentials),
    )


async def add(conn: AsyncConnection[Any], name: str, language: str | None, now: datetime) -> UUID:
    """Create a person without a badge and return the id; the name may be empty. Raises DomainError."""
    check(name, language)
    values = {"name": clean_name(name), "language": known_language(language), "now": now}
    row = await (await conn.execute(_SQL["add_person"], values)).fetchone()
    return UUID(str(row[0] if row else None))


async def space_of(conn: AsyncConnection[Any], person_id: UUID) -> str | None:
    """Return the id of the space that a person is checked in to, or None."""
    row = await (await conn.execute(_SQL["open_space"], {"person": person_id})).fetchone()
    return str(row[0]) if row else None


async def on_site(conn: AsyncConnection[Any], now: datetime) -> list[OnSite]:
    """Return the mentors and ambassadors who chose to be shown and are checked in, without their space."""
    async with conn.cursor(row_factory=class_row(OnSite)) as cursor:
        await cursor.execute(_SQL["on_site"], {"now": now})
        return await cursor.fetchall()
