"""Pair screens, change what they show, revoke them, and look up the screen of a token.

Functions of a connection that never commit. A token has 256 random bits; only its SHA-256 is stored.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.screens import errors
from hubwell.screens.rules import (
    CODE_LIFETIME,
    MOST_WAITING,
    UNUSED_FOR,
    Content,
    ScreenShows,
    new_code,
    plain_code,
)
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.screens")
_SEEN_EVERY: Final = timedelta(seconds=30)
"""The time of the last request is written at most once in this time."""
_CODE_TRIES: Final = 5
"""Two screens draw the same code about once in five million pairs of screens."""

Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The code that a screen shows until it is paired."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PairedScreen:
    """The screen of a token."""

    id: UUID
    name: str
    content: Content
    seal_key: bytes | None

    @property
    def version(self) -> str:
        """What the screen shows, as a text that changes with it."""
        content = self.content
        parts = (content.shows, content.space_id or content.device_id or "", content.reader or "")
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class ScreenEntry:
    """A screen as the people see it who look after screens."""

    id: UUID
    name: str
    shows: ScreenShows
    space_id: str | None
    space_name: str | None
    archived: bool
    device_id: str | None
    reader: str | None
    device_name: str | None
    paired_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class ReaderChoice:
    """A reader beside which a kiosk can stand; one of the purpose `kiosk` shows one-time codes."""

    device_id: str
    reader: str
    device_name: str
    purpose: str

    @property
    def key(self) -> str:
        """The reader as forms and the API name it."""
        return f"{self.device_id}/{self.reader}"


@dataclass(frozen=True, slots=True)
class DoorReader:
    """A badge reader at the door of a space."""

    device_name: str
    """Empty where its device has none."""
    reader: str
    is_away: bool
    """Whether its device is known to be out of reach."""


def new_token() -> str:
    """Return a random token, which the browser alone keeps."""
    return secrets.token_urlsafe(32)


async def waiting(conn: Conn, token: str, now: datetime) -> Waiting | None:
    """Return the code that the screen with this token shows; None if it has none, or an expired one."""
    values = {"secret": _hash(token), "now": now}
    row = await (await conn.execute(_SQL["waiting"], values)).fetchone()
    return None if row is None else Waiting(*row)


async def wait(conn: Conn, token: str, now: datetime) -> Waiting:
    """Give the screen with this token a new code. Raises DomainError where too many screens wait."""
    row = await (await conn.execute(_SQL["count_waiting"], {"now": now})).fetchone()
    if row is None or row[0] >= MOST_WAITING:
        raise DomainError(errors.SCREENS_WAITING)
    until = now + CODE_LIFETIME
    for _ in range(_CODE_TRIES):
        code = new_code()
        try:
            async with conn.transaction():
                await conn.execute(_SQL["wait"], {"secret": _hash(token), "code": code, "until": until})
        except psycopg.errors.UniqueViolation:
            continue
        return Waiting(code, until)
    raise DomainError(errors.SCREENS_WAITING)


async def pair(conn: Conn, code: str, name: str, content: Content, now: datetime) -> UUID:
    """Pair the screen that shows this code; return its id. Raises DomainError."""
    row = await (await conn.execute(_SQL["use_code"], {"code": plain_code(code), "now": now})).fetchone()
    if row is None:
        raise DomainError(errors.SCREEN_CODE_UNKNOWN)
    await _check(conn, content)
    values = _columns(name, content) | {"token": row[0], "now": now, "until": now + UNUSED_FOR}
    added = await _write(conn, "add", values)
    assert added is not None  # noqa: S101 (INSERT … RETURNING gives a row)
    screen_id: UUID = added[0]
    return screen_id


async def change(conn: Conn, screen_id: UUID, name: str, content: Content) -> list[str]:
    """Rename a screen or let it show something else; return what changed. Raises DomainError."""
    old_name, old_content = await _locked(conn, screen_id)
    changed = ["name"] if old_name != name else []
    if old_content != content:
        await _check(conn, content)
        changed.append("shows")
    if changed:
        await _write(conn, "change", _columns(name, content) | {"screen": screen_id})
    return changed


async def revoke(conn: Conn, screen_id: UUID) -> str:
    """Unpair a screen; return the name that it had. Raises DomainError."""
    row = await (await conn.execute(_SQL["revoke"], {"screen": screen_id})).fetchone()
    if row is None:
        raise DomainError(errors.SCREEN_UNKNOWN)
    return str(row[0])


async def screen_with(conn: Conn, token: str, now: datetime) -> PairedScreen | None:
    """Return the screen of a token and note that it was seen; None if it is not paired."""
    cursor = conn.cursor(row_factory=dict_row)
    row = await (await cursor.execute(_SQL["with_token"], {"token": _hash(token), "now": now})).fetchone()
    if row is None:
        return None
    if now - row["last_seen_at"] >= _SEEN_EVERY:
        await conn.execute(_SQL["seen"], {"screen": row["id"], "now": now, "until": now + UNUSED_FOR})
    content = Content(ScreenShows(row["shows"]), row["space_id"], row["device_id"], row["reader"])
    return PairedScreen(row["id"], row["name"], content, row["seal_key"])


async def set_seal_key(conn: Conn, screen: PairedScreen, key: bytes) -> None:
    """Have answers at the screen's reader sealed to this key from now on."""
    if screen.seal_key != key:
        await conn.execute(_SQL["set_seal_key"], {"screen": screen.id, "key": key})


async def list_screens(conn: Conn, now: datetime) -> list[ScreenEntry]:
    """Return every paired screen, by name."""
    return await _entries(conn, now, None)


async def get_screen(conn: Conn, screen_id: UUID, now: datetime) -> ScreenEntry:
    """Return one screen. Raises DomainError."""
    found = await _entries(conn, now, screen_id)
    if not found:
        raise DomainError(errors.SCREEN_UNKNOWN)
    return found[0]


async def readers(conn: Conn) -> list[ReaderChoice]:
    """Return the readers beside which a kiosk can stand, those that show one-time codes first."""
    cursor = conn.cursor(row_factory=class_row(ReaderChoice))
    return await (await cursor.execute(_SQL["readers"])).fetchall()


async def door_readers(conn: Conn, space_id: str) -> list[DoorReader]:
    """Return the readers that check people in at a space."""
    cursor = conn.cursor(row_factory=class_row(DoorReader))
    return await (await cursor.execute(_SQL["door_readers"], {"space": space_id})).fetchall()


async def is_reader_away(conn: Conn, content: Content) -> bool:
    """Return whether the reader of a kiosk is known to be out of reach."""
    row = await (await conn.execute(_SQL["is_reader_away"], {"device": content.device_id})).fetchone()
    return row is None or bool(row[0])


async def _entries(conn: Conn, now: datetime, screen_id: UUID | None) -> list[ScreenEntry]:
    cursor = conn.cursor(row_factory=dict_row)
    values = {"now": now, "screen": screen_id}
    rows = await (await cursor.execute(_SQL["screens"], values)).fetchall()
    return [ScreenEntry(**row | {"shows": ScreenShows(row["shows"])}) for row in rows]


async def _locked(conn: Conn, screen_id: UUID) -> tuple[str, Content]:
    row = await (await conn.execute(_SQL["lock"], {"screen": screen_id})).fetchone()
    if row is None:
        raise DomainError(errors.SCREEN_UNKNOWN)
    name, shows, *where = row
    return name, Content(ScreenShows(shows), *where)


async def _check(conn: Conn, content: Content) -> None:
    """Raise DomainError where the space or the reader does not exist."""
    if content.shows == ScreenShows.PANEL:
        row = await (await conn.execute(_SQL["is_space"], {"space": content.space_id})).fetchone()
        if row is None:
            raise DomainError(SPACE_UNKNOWN)
    if content.shows == ScreenShows.KIOSK:
        wanted = f"{content.device_id}/{content.reader}"
        if wanted not in {choice.key for choice in await readers(conn)}:
            raise DomainError(errors.SCREEN_READER_UNKNOWN)


def _columns(name: str, content: Content) -> dict[str, Any]:
    return {
        "name": name,
        "shows": content.shows,
        "space": content.space_id,
        "device": content.device_id,
        "reader": content.reader,
    }


async def _write(conn: Conn, query: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    try:
        async with conn.transaction():
            cursor = await conn.execute(_SQL[query], values)
            return await cursor.fetchone() if cursor.description else None
    except psycopg.errors.UniqueViolation as error:
        raise DomainError(errors.SCREEN_NAME_TAKEN) from error


def _hash(token: str) -> bytes:
    """Return the SHA-256 of a token; a random one needs no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()
