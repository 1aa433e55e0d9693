"""The desk's reader, and what staff are asked to look at: in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import DomainError
from hubwell.people import errors
from hubwell.people.credentials import Badge, CredentialKind
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.people")
WAITS: Final = timedelta(minutes=2)
"""How long a tap at a desk's reader waits to be enrolled."""


@dataclass(frozen=True, slots=True)
class DeskTap:
    """A badge that was held to a desk's reader, and whose it is where that is known."""

    id: int
    device: str
    device_name: str
    reader: str
    badge: bytes
    epoch: int
    kind: CredentialKind
    tapped_at: datetime
    credential_id: int | None
    revoked_why: str | None
    person_id: UUID | None
    name: str | None

    @property
    def known(self) -> bool:
        """Whether the badge is enrolled."""
        return self.credential_id is not None

    def as_badge(self, label: str = "") -> Badge:
        """Return what an enrolment needs."""
        return Badge(self.badge, self.epoch, self.kind, label)


async def taps(conn: AsyncConnection[Any], now: datetime) -> list[DeskTap]:
    """Return the badges that were held to a desk's reader in the last two minutes, the newest first."""
    return await _taps(conn, now, None)


async def tap(conn: AsyncConnection[Any], tap_id: int, now: datetime) -> DeskTap:
    """Return one of them. Raises DomainError when it is gone or older than two minutes."""
    found = await _taps(conn, now, tap_id)
    if not found:
        raise DomainError(errors.BADGE_GONE)
    return found[0]


async def _taps(conn: AsyncConnection[Any], now: datetime, tap_id: int | None) -> list[DeskTap]:
    async with conn.cursor(row_factory=class_row(DeskTap)) as cursor:
        await cursor.execute(_SQL["desk_taps"], {"since": now - WAITS, "id": tap_id})
        return await cursor.fetchall()
