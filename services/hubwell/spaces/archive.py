"""Archive spaces and devices that are not used any more, and bring them back, in the caller's transaction.

What is archived is on no page, list and panel; its readings and visits stay as long as their terms. Messages
of an archived device are refused like those of an unknown one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import SPACE_UNKNOWN, DomainError, refuse_all
from hubwell.events import AllowlistChanged, Facts, SpaceArchived, VisitsChanged
from hubwell.spaces import errors
from hubwell.spaces.register import name_refusal
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces")


@dataclass(frozen=True, slots=True)
class Entry:
    """A space or a device of the register; `space_id` is that of a device's space."""

    id: str
    name: str
    space_id: str | None
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class Register:
    """All spaces and devices, the archived ones too, without what devices measured before they were moved."""

    spaces: list[Entry]
    devices: list[Entry]

    def devices_in(self, space_id: str | None) -> list[Entry]:
        """Return the devices in use in a space, or in none."""
        return [item for item in self.devices if item.space_id == space_id and item.archived_at is None]


async def register(conn: AsyncConnection[Any]) -> Register:
    """Return the register, by name."""
    async with conn.cursor(row_factory=class_row(Entry)) as cursor:
        spaces = await (await cursor.execute(_SQL["space_entries"])).fetchall()
        return Register(spaces, await (await cursor.execute(_SQL["device_entries"])).fetchall())


@dataclass(frozen=True, slots=True)
class InSpace:
    """What goes with a space that is archived."""

    people: bool
    """Whether people are checked in there: then it is not archived."""
    devices: list[str]
    """Names, or ids, of the devices that are archived with it."""
    alerts: int
    """Open alerts, which are resolved."""
    last_heard: datetime | None
    """Time of its newest reading."""


async def in_space(conn: AsyncConnection[Any], space_id: str) -> InSpace:
    """Return what goes with a space in use. Raises DomainError for any other."""
    async with conn.cursor(row_factory=class_row(InSpace)) as cursor:
        contents = await (await cursor.execute(_SQL["in_space"], {"space": space_id})).fetchone()
    if contents is None:
        raise DomainError(errors.SPACE_GONE)
    return contents


async def archive_space(conn: AsyncConnection[Any], space_id: str, now: datetime) -> Facts:
    """Archive a space with its devices. Raises DomainError while people are checked in there."""
    values = {"space": space_id, "now": now}
    await conn.execute(_SQL["lock_register"])
    await _change(conn, "lock_space", values, SPACE_UNKNOWN)
    if await (await conn.execute(_SQL["people_in"], values)).fetchone() is not None:
        raise DomainError(errors.SPACE_IN_USE)
    await conn.execute(_SQL["archive_space"], values)
    await conn.execute(_SQL["archive_devices_of"], values)
    return (SpaceArchived(space_id=space_id, at=now), *_changed(space_id))


async def restore_space(conn: AsyncConnection[Any], space_id: str) -> Facts:
    """Bring an archived space back, with the devices that were archived with it.

    Raises DomainError, also while another space has its name.
    """
    values = {"space": space_id}
    await conn.execute(_SQL["lock_register"])
    await _change(conn, "lock_space", values, SPACE_UNKNOWN)
    await _refuse_taken_name(conn, space_id)
    await conn.execute(_SQL["restore_devices_of"], values)
    await conn.execute(_SQL["restore_space"], values)
    return _changed(space_id)


async def archive_device(conn: AsyncConnection[Any], device_id: str, now: datetime) -> Facts:
    """Archive a device: its messages are refused from now on. Raises DomainError."""
    space_id = await _change(conn, "archive_device", {"device": device_id, "now": now}, errors.DEVICE_UNKNOWN)
    return _changed(space_id)


async def restore_device(conn: AsyncConnection[Any], device_id: str) -> Facts:
    """Bring an archived device back. Raises DomainError, also while its space is archived."""
    values = {"device": device_id}
    space_id = await _change(conn, "space_of_device", values, errors.DEVICE_UNKNOWN)
    await _change(conn, "restore_device", values, errors.SPACE_ARCHIVED)
    return _changed(space_id)


async def _refuse_taken_name(conn: AsyncConnection[Any], space_id: str) -> None:
    spaces = (await register(conn)).spaces
    own = next(space.name for space in spaces if space.id == space_id)
    in_use = [(space.id, space.name) for space in spaces if space.archived_at is None]
    refuse_all((name_refusal(own, space_id, in_use),))


async def _change(conn: AsyncConnection[Any], query: str, values: dict[str, Any], unknown: Any) -> str | None:  # noqa: ANN401
    """Return the space of what was changed. Raises DomainError if nothing was."""
    row = await (await conn.execute(_SQL[query], values)).fetchone()
    if row is None:
        raise DomainError(unknown)
    space: str | None = row[0]
    return space


def _changed(space_id: str | None) -> Facts:
    return (AllowlistChanged(), *([VisitsChanged(space_ids=(space_id,))] if space_id else []))
