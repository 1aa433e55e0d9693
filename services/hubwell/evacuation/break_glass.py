"""Names in a drill: one person requests them with a reason, another agrees, and they are shown for an hour.

An alarm needs no request. Every step and every view is an entry of the audit log, which the caller writes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import DomainError
from hubwell.evacuation import errors
from hubwell.evacuation.read_model import Muster
from hubwell.storage.queries import Queries
from hubwell.vocabulary import BY_A_PROGRAM

_SQL: Final = Queries("hubwell.evacuation")
LASTS: Final = timedelta(minutes=60)
"""A request expires after this time, and so does an approval."""
MOST_OF_REASON: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for the names of a drill."""

    id: UUID
    reason: str
    requested_by: UUID
    asked_by: str | None
    """Name of the account; None where it is gone."""
    requested_at: datetime
    approved_at: datetime | None
    given_by: str | None
    expires_at: datetime

    def waits(self, now: datetime) -> bool:
        """Return whether the request can still be approved."""
        return self.approved_at is None and self.expires_at > now


async def ask(
    conn: AsyncConnection[Any], muster: UUID, *, by: UUID | None, reason: str, now: datetime
) -> UUID:
    """Request the names of a drill; return the request's id.

    Raises DomainError without a person's account or a reason, and if the drill is closed.
    """
    if by is None:
        raise DomainError(errors.NOT_A_PERSON)
    reason = " ".join(reason.split())[:MOST_OF_REASON]
    values = {"muster": muster, "by": by, "reason": reason, "now": now, "until": now + LASTS}
    try:
        async with conn.transaction():
            row = await (await conn.execute(_SQL["ask_for_names"], values)).fetchone()
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name != "break_glass_reason_not_empty":
            raise
        raise DomainError(errors.NO_REASON) from error
    if row is None:
        raise DomainError(errors.NOT_OPEN)
    request: UUID = row[0]
    return request


async def agree(conn: AsyncConnection[Any], request: UUID, *, by: UUID | None, now: datetime) -> UUID:
    """Approve a request; return the muster whose names are shown from now on.

    The approver's account is older than the muster, and neither of the two accounts, nor a program, made the
    other or set its password.
    Raises DomainError otherwise, without a person's account, for one's own request, and if the request was
    approved or has expired.
    """
    if by is None:
        raise DomainError(errors.NOT_A_PERSON)
    values = {"request": request, "by": by, "now": now, "until": now + LASTS}
    try:
        async with conn.transaction():
            row = await (await conn.execute(_SQL["grant_names"], values)).fetchone()
            if row is not None:
                pair = {"one": by, "other": row[1], "program": BY_A_PROGRAM}
                if await (await conn.execute(_SQL["in_one_hand"], pair)).fetchone() is not None:
                    raise DomainError(errors.APPROVER_DEPENDENT)
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name != "break_glass_takes_two":
            raise
        raise DomainError(errors.OWN_REQUEST) from error
    if row is None:
        new = await (await conn.execute(_SQL["why_not_granted"], values)).fetchone()
        raise DomainError(errors.NO_REQUEST if new is None else errors.APPROVER_NEW)
    muster: UUID = row[0]
    return muster


async def names_until(conn: AsyncConnection[Any], muster: Muster, now: datetime) -> datetime | None:
    """Return until when names are shown by an approved request; None if there is none."""
    row = await (await conn.execute(_SQL["names_until"], {"muster": muster.id, "now": now})).fetchone()
    until: datetime | None = row[0] if row else None
    return until


async def requests(conn: AsyncConnection[Any], muster: UUID) -> list[Request]:
    """Return all requests for the names of a muster, the oldest first."""
    async with conn.cursor(row_factory=class_row(Request)) as cursor:
        await cursor.execute(_SQL["requests"], {"muster": muster})
        return await cursor.fetchall()
