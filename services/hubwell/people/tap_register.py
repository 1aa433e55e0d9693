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


async def raise_counter(conn: AsyncConnection[Any], credential_id: int, counter: int) -> bool:
    """Store the counter of a signing card; return False unless it is higher than the stored one."""
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
    """Store a tap at a desk's reader, so that staff can enrol its badge within minutes; return its id."""
    values = {"device": device_id, "reader": reader, "badge": badge, "epoch": epoch, "kind": kind}
    row = await (await conn.execute(_SQL["add_desk_tap"], {**values, "time": tapped_at})).fetchone()
    if row is None:
        raise RuntimeError("an INSERT with RETURNING gave no row")
    return int(row[0])
