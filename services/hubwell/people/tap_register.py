"""Changes of the register of people by taps: the switchboard passes these functions to presence.

In the caller's transaction, which holds the locks of the affected badges.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.people")


async def link_pseudonym(conn: AsyncConnection[Any], credential_id: int, badge: bytes, epoch: int) -> bool:
    """Add a credential's pseudonym of a new epoch; return False if it has another one already."""
    values = {"badge": badge, "epoch": epoch, "credential": credential_id}
    return await (await conn.execute(_SQL["link_pseudonym"], values)).fetchone() is not None


async def add_counted(conn: AsyncConnection[Any], badge: bytes, epoch: int) -> tuple[int, UUID]:
    """Add an anonymous (counted) person for an unknown badge; return the ids of credential and person."""
    row = await (await conn.execute(_SQL["add_counted"], {"badge": badge, "epoch": epoch})).fetchone()
    if row is None:
        raise RuntimeError("an INSERT with RETURNING gave no row")
    return row[0], row[1]


async def note_signed_message(
    conn: AsyncConnection[Any], credential_id: int, counter: int, time: datetime
) -> bool:
    """Store when a signing card's message was presented; return False for a copy.

    A message is a copy if an earlier presentation has the same or a higher counter.
    """
    values = {"credential": credential_id, "counter": counter, "time": time}
    return await (await conn.execute(_SQL["note_signed_message"], values)).fetchone() is not None


async def learn_proof(conn: AsyncConnection[Any], badge: bytes, proof: bytes) -> None:
    """Store what a kiosk has to prove a badge with, unless something is stored already."""
    await conn.execute(_SQL["learn_proof"], {"badge": badge, "proof": proof})


async def link_told(conn: AsyncConnection[Any], person_id: UUID) -> None:
    """Store that a reader has said that an account was tied to the person."""
    await conn.execute(_SQL["set_link_untold"], {"person": person_id, "untold": False})


async def add_desk_tap(
    conn: AsyncConnection[Any],
    device_id: str,
    reader: str,
    badge: bytes,
    epoch: int,
    kind: str,
    tapped_at: datetime,
    counter: int | None,
    proof: bytes | None,
) -> int:
    """Store a tap at a desk's reader, so that staff can enrol its badge within minutes; return its id."""
    values: dict[str, Any] = {"device": device_id, "reader": reader, "badge": badge, "epoch": epoch}
    values |= {"kind": kind, "time": tapped_at, "counter": counter, "proof": proof}
    row = await (await conn.execute(_SQL["add_desk_tap"], values)).fetchone()
    if row is None:
        raise RuntimeError("an INSERT with RETURNING gave no row")
    return int(row[0])
