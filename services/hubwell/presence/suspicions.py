"""What does not fit together about a badge: questions for staff to ask, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.presence")


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A contradiction in the use of a badge: a reason to ask, never evidence against a person."""

    id: int
    kind: str
    at: datetime
    credential_id: int
    credential_kind: Literal["badge", "sun", "qr"]
    label: str
    revoked_why: str | None
    person_id: UUID
    name: str


async def open_suspicions(conn: AsyncConnection[Any]) -> list[Suspicion]:
    """Return the suspicions that are open, the newest first."""
    async with conn.cursor(row_factory=class_row(Suspicion)) as cursor:
        await cursor.execute(_SQL["open_suspicions"])
        return await cursor.fetchall()


async def resolve(conn: AsyncConnection[Any], suspicion: int, now: datetime) -> int | None:
    """Close a suspicion; return the credential that it was about, None where it was closed already."""
    row = await (await conn.execute(_SQL["settle"], {"id": suspicion, "now": now})).fetchone()
    return row[0] if row else None
