"""What a tap changes in the register of people: the switchboard hands these functions to presence.

In the caller's transaction, which holds the locks of the badges concerned.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.people")


async def link_pseudonym(conn: AsyncConnection[Any], credential_id: int, badge: bytes, epoch: int) -> bool:
    """Give a credential its pseudonym of a new epoch; return False where it has another one already."""
    values = {"badge": badge, "epoch": epoch, "credential": credential_id}
    return await (await conn.execute(_SQL["link_pseudonym"], values)).fetchone() is not None


async def add_counted(conn: AsyncConnection[Any], badge: bytes, epoch: int) -> tuple[int, UUID]:
    """Add a person without a name for a badge that is only counted; return the credential and the person."""
    row = await (await conn.execute(_SQL["add_counted"], {"badge": badge, "epoch": epoch})).fetchone()
    if row is None:
        raise RuntimeError("an INSERT with RETURNING gave no row")
    return row[0], row[1]


async def raise_counter(conn: AsyncConnection[Any], credential_id: int, counter: int) -> bool:
    """Keep the counter of a signing card; return False for one that is not higher than ever before."""
    values = {"credential": credential_id, "counter": counter}
    return await (await conn.execute(_SQL["raise_counter"], values)).fetchone() is not None


async def add_desk_tap(
    conn: AsyncConnection[Any],
    device_id: str,
    reader: str,
    badge: bytes,
    epoch: int,
    kind: str,
    tapped_at: datetime,
) -> int:
    """Keep a badge that was held to a desk's reader, for staff to enrol it within minutes; return its id."""
    values = {"device": device_id, "reader": reader, "badge": badge, "epoch": epoch, "kind": kind}
    row = await (await conn.execute(_SQL["add_desk_tap"], {**values, "time": tapped_at})).fetchone()
    if row is None:
        raise RuntimeError("an INSERT with RETURNING gave no row")
    return int(row[0])
