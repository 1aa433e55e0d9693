"""Addresses of calendars: made, listed, revoked, and looked up by the token that is in them.

Functions of a connection that never commit. A token has 256 random bits; only its SHA-256 is stored.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.booking.calendar import errors
from hubwell.booking.read_model import Reader
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.calendar")
MOST_ADDRESSES: Final = 50
"""Of one account or program."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
Conn = AsyncConnection[Any]


class CalendarShows(StrEnum):
    """What a calendar shows."""

    OWN = "own"
    """The bookings of who made the address, with what they are for."""
    SPACE = "space"
    """The bookings of a space, with what they are for where the door shows it."""
    BUSY = "busy"
    """When a space is booked, and nothing else."""


@dataclass(frozen=True, slots=True)
class CalendarAddress:
    """An address without its token. The name of the space is empty for one's own bookings."""

    id: UUID
    shows: CalendarShows
    space_id: str | None
    space: str
    owner: str
    owner_name: str
    created_at: datetime
    last_read_on: date | None

    def may_revoke(self, reader: Reader) -> bool:
        """Return whether a reader may revoke the address."""
        return self.owner == reader.actor or (reader.manages and self.shows != CalendarShows.OWN)


async def add(
    conn: Conn, shows: CalendarShows, space_id: str | None, owner: str, now: datetime
) -> tuple[UUID, str]:
    """Store an address; return its id and the token, which cannot be read again. Raises DomainError."""
    row = await (await conn.execute(_SQL["count_addresses"], {"owner": owner})).fetchone()
    if row is None or row[0] >= MOST_ADDRESSES:
        raise DomainError(errors.TOO_MANY_ADDRESSES, most=MOST_ADDRESSES)
    token = secrets.token_urlsafe(32)
    values = {"hash": _hash(token), "shows": shows, "space": space_id, "owner": owner, "now": now}
    try:
        async with conn.transaction():
            added = await (await conn.execute(_SQL["add_address"], values)).fetchone()
    except psycopg.errors.ForeignKeyViolation as error:
        raise DomainError(SPACE_UNKNOWN) from error
    assert added is not None  # noqa: S101 (INSERT … RETURNING gives a row)
    address_id: UUID = added[0]
    return address_id, token


async def list_addresses(conn: Conn, reader: Reader) -> list[CalendarAddress]:
    """Return a reader's addresses; to those who look after bookings, also all others of spaces."""
    return await _addresses(conn, "addresses", {"owner": reader.actor, "manages": reader.manages})


async def get(conn: Conn, address_id: UUID) -> CalendarAddress:
    """Return an address. Raises DomainError."""
    for address in await _addresses(conn, "address", {"address": address_id}):
        return address
    raise DomainError(errors.ADDRESS_GONE)


async def revoke(conn: Conn, address_id: UUID) -> None:
    """Delete an address: whoever asks for it learns that there is none."""
    await conn.execute(_SQL["revoke_address"], {"address": address_id})


async def with_token(conn: Conn, token: str) -> CalendarAddress | None:
    """Return the address of a token; None for an unknown one, and while the owner's account is closed."""
    if not is_token(token):
        return None
    found = await _addresses(conn, "address_with_token", {"hash": _hash(token)})
    return found[0] if found else None


async def note_reading(conn: Conn, address: CalendarAddress, today: date) -> None:
    """Keep the day on which an address was read last; written once a day."""
    if address.last_read_on != today:
        await conn.execute(_SQL["note_reading"], {"address": address.id, "today": today})


async def forget_owner(conn: Conn, account_id: UUID) -> None:
    """Delete the addresses of an account that is erased."""
    await conn.execute(_SQL["forget_owner"], {"owner": f"account:{account_id}"})


def is_token(text: str) -> bool:
    """Return whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


async def _addresses(conn: Conn, query: str, values: dict[str, Any]) -> list[CalendarAddress]:
    cursor = conn.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(_SQL[query], values)).fetchall()
    return [CalendarAddress(**row | {"shows": CalendarShows(row["shows"])}) for row in rows]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
