"""Kiosks: a limit of codes for each, and signs of misuse, which administrators see.

A kiosk's account on the broker can publish any tap as its own. A code is shown only for a card that was
proven (`presence`), and only so many in a time; what is refused is counted without the person and audited.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.access import codes
from hubwell.audit import log
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.access", "codes.sql")
MOST_REQUESTS: Final = 30
"""Taps at one kiosk within `WINDOW` until it shows no further code: one every twenty seconds."""
WINDOW: Final = codes.LIFETIME
SHOWN_FOR: Final = timedelta(days=1)
"""How long misuse of a kiosk is shown to administrators."""
_REPORTED_EVERY: Final = timedelta(hours=1)

Refusal = Literal["unproven", "no-proof", "wrong-proof", "too-many"]
"""`unproven`: no reader has given the card's proof yet, which is no misuse."""


@dataclass(frozen=True, slots=True)
class Misuse:
    """Refused requests of one kind at one kiosk within `SHOWN_FOR`, and the time of the latest."""

    device: str
    outcome: str
    requests: int
    latest: datetime


async def issue_code(
    conn: AsyncConnection[Any], device_id: str, person_id: UUID, credential_id: int | None, now: datetime
) -> str | None:
    """Return a new code for a person at a kiosk; None beyond the kiosk's limit."""
    await conn.execute(_SQL["lock_kiosk"], {"device": device_id})
    values = {"device": device_id, "since": now - WINDOW}
    row = await (await conn.execute(_SQL["requests"], values)).fetchone()
    if row is None or row[0] >= MOST_REQUESTS:
        await refuse(conn, device_id, "too-many", now)
        return None
    await conn.execute(_SQL["add_request"], {"device": device_id, "now": now, "outcome": "code"})
    return await codes.issue(conn, person_id, credential_id)


async def refuse(conn: AsyncConnection[Any], device_id: str, why: Refusal, now: datetime) -> None:
    """Count a refused request; a sign of misuse is audited, at most once an hour for each kiosk and kind."""
    values = {"device": device_id, "now": now, "outcome": why, "since": now - _REPORTED_EVERY}
    reported = await (await conn.execute(_SQL["was_reported"], values)).fetchone()
    await conn.execute(_SQL["add_request"], values)
    if why != "unproven" and reported == (False,):
        subject = f"device:{log.plain_id(device_id)}"
        await log.record(conn, actor="ingest", action="kiosk.refused", subject=subject, detail={"why": why})


async def misused(conn: AsyncConnection[Any], now: datetime) -> list[Misuse]:
    """Return the signs of misuse that administrators have to see, the latest first."""
    cursor = conn.cursor(row_factory=class_row(Misuse))
    return await (await cursor.execute(_SQL["misused"], {"since": now - SHOWN_FOR})).fetchall()
