"""Taps at a desk's reader that wait for enrolment, and suspicions for staff; in the caller's transaction."""

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
"""How long after a tap at a desk's reader its badge can be enrolled."""


@dataclass(frozen=True, slots=True)
class DeskTap:
    """A badge that was tapped at a desk's reader, with its credential and person if it is enrolled."""

    id: int
    device: str
    device_name: str
    reader: str
    badge: bytes
    epoch: int
    kind: CredentialKind
    tapped_at: datetime
    proof: bytes | None
    credential_id: int | None
    label: str | None
    revoked_why: str | None
    person_id: UUID | None
    name: str | None

    @property
    def known(self) -> bool:
        """Whether the badge is enrolled."""
        return self.credential_id is not None

    def as_badge(self, label: str = "") -> Badge:
        """Return the badge as the input of an enrolment."""
        return Badge(self.badge, self.epoch, self.kind, label, self.proof)


async def taps(conn: AsyncConnection[Any], now: datetime) -> list[DeskTap]:
    """Return the taps at a desk's reader in the last two minutes, ten at most, the newest first."""
    return await _taps(conn, now, None)


async def tap(conn: AsyncConnection[Any], tap_id: int, now: datetime) -> DeskTap:
    """Return a tap. Raises DomainError when it was deleted or is older than two minutes."""
    rows = await _taps(conn, now, tap_id)
    if not rows:
        raise DomainError(errors.BADGE_GONE)
    return rows[0]


async def in_hand(conn: AsyncConnection[Any], person: UUID, now: datetime) -> DeskTap | None:
    """Return the newest tap of a person's badges at a desk's reader, if it is not older than two minutes."""
    return next((tap for tap in await taps(conn, now) if tap.person_id == person), None)


async def _taps(conn: AsyncConnection[Any], now: datetime, tap_id: int | None) -> list[DeskTap]:
    async with conn.cursor(row_factory=class_row(DeskTap)) as cursor:
        await cursor.execute(_SQL["desk_taps"], {"since": now - WAITS, "id": tap_id})
        return await cursor.fetchall()
