"""Look people up, change what is stored of them, join two entries of one; in the caller's transaction."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import NAME_TOO_LONG, PERSON_GONE, DomainError
from hubwell.events import AllowlistChanged, Facts
from hubwell.people import errors
from hubwell.storage.queries import Queries
from hubwell.vocabulary import LANGUAGES

_SQL: Final = Queries("hubwell.people")
ShownAs = Literal["", "mentor", "ambassador"]
SHORTEST_SEARCH: Final = 2
"""Letters that a search needs: the register is to be asked, not to be read."""
MOST_FOUND: Final = 20
_LONGEST_NAME: Final = 120
_LONGEST_TYPED: Final = 1000
"""Characters before they are composed; composing takes a time that grows with the square of their number."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the register knows of a person, and nothing of where they were."""

    id: UUID
    name: str
    language: str | None
    shown_on_site: bool
    shown_as: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A person that a search found."""

    id: UUID
    name: str
    language: str | None
    credentials: int


@dataclass(frozen=True, slots=True)
class OnSite:
    """Somebody who chose to be shown, and is in. `shown_as` is mentor or ambassador."""

    name: str
    shown_as: str


def clean_name(name: str) -> str:
    """Return a name as it is stored: composed letters, single spaces. Raises DomainError."""
    if len(name) > _LONGEST_TYPED:
        raise DomainError(NAME_TOO_LONG, most=_LONGEST_NAME)
    cleaned = " ".join(unicodedata.normalize("NFC", name).split())
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} for letter in cleaned):
        raise DomainError(errors.NAME_NOT_PRINTABLE)
    if len(cleaned) > _LONGEST_NAME:
        raise DomainError(NAME_TOO_LONG, most=_LONGEST_NAME)
    return cleaned


def known_language(language: str | None) -> str | None:
    """Return a language's code, or None for an empty choice. Raises DomainError."""
    if not language:
        return None
    if language not in LANGUAGES:
        raise DomainError(errors.LANGUAGE_UNKNOWN)
    return language


async def person(conn: AsyncConnection[Any], person_id: UUID) -> Person:
    """Return an enrolled person. Raises DomainError."""
    async with conn.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(_SQL["person"], {"person": person_id})
        found = await cursor.fetchone()
    if found is None:
        raise DomainError(PERSON_GONE)
    return found


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
    """Rename a person and set their language; without a name they are not shown as on site.

    Raises DomainError.
    """
    values = {"person": person_id, "name": clean_name(name), "language": known_language(language)}
    if await (await conn.execute(_SQL["change_person"], values)).fetchone() is None:
        raise DomainError(PERSON_GONE)
    return [AllowlistChanged()]


async def set_language(conn: AsyncConnection[Any], person_id: UUID, language: str) -> Facts:
    """Set the language in which readers and pages address a person; an unknown one is none."""
    values = {"person": person_id, "language": language if language in LANGUAGES else None}
    await conn.execute(_SQL["set_language"], values)
    return [AllowlistChanged()]


async def set_shown(conn: AsyncConnection[Any], person_id: UUID, *, shown: bool) -> None:
    """Show a mentor or ambassador as on site while they are in, or no longer."""
    await conn.execute(_SQL["set_shown"], {"person": person_id, "shown": shown})


async def set_shown_as(conn: AsyncConnection[Any], person_id: UUID, shown_as: ShownAs) -> None:
    """Set as what a person may choose to be shown; empty: as nothing, and then they are not shown."""
    await conn.execute(_SQL["set_shown_as"], {"person": person_id, "shown_as": shown_as})


async def absorb(conn: AsyncConnection[Any], *, keep: UUID, drop: UUID) -> None:
    """Lock two entries of one person; give `keep` the badges of `drop`, and its name where it has none.

    What other capabilities hold of `drop` is moved before `delete_absorbed`. Raises DomainError.
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
    """Delete the entry whose badges and visits another one has by now."""
    await conn.execute(_SQL["delete_person"], {"drop": drop})
    return [AllowlistChanged()]


@dataclass(frozen=True, slots=True)
class Held:
    """What a person who is to be erased is recognised by. `signing`: one of the cards hides its number."""

    badges: list[bytes]
    credentials: list[int]
    signing: bool


async def lock_to_erase(conn: AsyncConnection[Any], person_id: UUID) -> Held:
    """Lock a person, enrolled or counted, and return what they hold. Raises DomainError.

    A tap or visit of theirs that is being stored waits until the transaction ends, and then finds nobody.
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
    """Enter somebody who has no badge yet; without a name they stay a pseudonym. Raises DomainError."""
    values = {"name": clean_name(name), "language": known_language(language), "now": now}
    row = await (await conn.execute(_SQL["add_person"], values)).fetchone()
    return UUID(str(row[0] if row else None))


async def space_of(conn: AsyncConnection[Any], person_id: UUID) -> str | None:
    """Return the space that somebody is checked in to, to check them out of it."""
    row = await (await conn.execute(_SQL["open_space"], {"person": person_id})).fetchone()
    return str(row[0]) if row else None


async def on_site(conn: AsyncConnection[Any], now: datetime) -> list[OnSite]:
    """Return the mentors and ambassadors who chose to be shown and are in, without where."""
    async with conn.cursor(row_factory=class_row(OnSite)) as cursor:
        await cursor.execute(_SQL["on_site"], {"now": now})
        return await cursor.fetchall()
