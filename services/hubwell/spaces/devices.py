"""Store devices' reported status and description, from ingest's facts, in the caller's transaction."""

from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from hubwell.events import DeviceDescribed, DeviceReported
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces")


async def set_status(conn: AsyncConnection[Any], fact: DeviceReported) -> None:
    """Store whether a device is online and since when, the time of its list of badges, clock and what waits.

    A message that the broker kept changes nothing if it is older than what is known already.
    """
    values = {
        "device": fact.device_id,
        "status": fact.status,
        "at": fact.at,
        "retained": fact.retained,
        "roster_at": fact.roster_at,
        "clock": fact.clock,
        "pending": fact.pending,
    }
    await conn.execute(_SQL["set_status"], values)


async def set_description(conn: AsyncConnection[Any], fact: DeviceDescribed) -> None:
    """Store a device's description; its name is used only where the register has none."""
    values = {"device": fact.device_id, "meta": Jsonb(fact.meta), "name": fact.name}
    await conn.execute(_SQL["set_meta"], values)
