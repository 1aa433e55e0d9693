"""The register of spaces and devices: archive them, bring them back, and take the simulated hub out."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.errors import DomainError
from hubwell.evacuation import announcement
from hubwell.evacuation.errors import EVACUATION_OPEN
from hubwell.events import Facts
from hubwell.settings import Settings
from hubwell.spaces import archive, demo
from hubwell.storage.tables import removal_queries

Conn = AsyncConnection[Any]


async def archive_space(conn: Conn, actor: Principal, space_id: str, now: datetime) -> Facts:
    """Archive a space with its devices. Raises DomainError, also during an evacuation."""
    await _refuse_in_evacuation(conn)
    facts = await archive.archive_space(conn, space_id, now)
    await _note(conn, actor, "space.archived", f"space:{log.plain_id(space_id)}")
    return facts


async def restore_space(conn: Conn, actor: Principal, space_id: str) -> Facts:
    """Bring an archived space back with its devices. Raises DomainError."""
    facts = await archive.restore_space(conn, space_id)
    await _note(conn, actor, "space.restored", f"space:{log.plain_id(space_id)}")
    return facts


async def archive_device(conn: Conn, actor: Principal, device_id: str, now: datetime) -> Facts:
    """Archive a device: its messages are refused. Raises DomainError."""
    facts = await archive.archive_device(conn, device_id, now)
    await _note(conn, actor, "device.archived", f"device:{log.plain_id(device_id)}")
    return facts


async def restore_device(conn: Conn, actor: Principal, device_id: str) -> Facts:
    """Bring an archived device back. Raises DomainError."""
    facts = await archive.restore_device(conn, device_id)
    await _note(conn, actor, "device.restored", f"device:{log.plain_id(device_id)}")
    return facts


async def remove_demo(conn: Conn, actor: Principal, now: datetime) -> demo.Places:
    """Take the simulated hub out; accounts, people and changed spaces stay. Raises DomainError.

    It is out of sight at once; its data is deleted within some minutes by `delete_removed_demo`.
    """
    await _refuse_in_evacuation(conn)
    places = await demo.remove(conn, now)
    counts = {"spaces": len(places.spaces), "devices": len(places.devices)}
    await log.record(conn, actor=actor.actor, action="demo.removed", detail=counts)
    return places


async def delete_removed_demo(conn: Conn, now: datetime, settings: Settings) -> None:
    """Delete the data of a simulated hub that was taken out; a job of the timetable."""
    del settings  # every job gets them
    places = await demo.removed(conn, now)
    if places is None:
        return
    for _, rows in removal_queries():
        await conn.execute("DELETE " + rows, {"spaces": places.spaces, "devices": places.devices})
    await demo.forget_removed(conn, now)


async def _refuse_in_evacuation(conn: Conn) -> None:
    if await announcement.current(conn) is not None:
        raise DomainError(EVACUATION_OPEN)


async def _note(conn: Conn, actor: Principal, action: str, subject: str) -> None:
    await log.record(conn, actor=actor.actor, action=action, subject=subject)
