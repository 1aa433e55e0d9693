"""Devices of the register: look them up, name them, and keep apart what they measured before they were moved.

A reading belongs to a series, a series to a device, a device to a space. A device that is moved begins new
series; those of the space before belong from then on to its *past*: a device archived for good, of which
nothing is shown but its space's history.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from hubwell.errors import NAME_TOO_LONG, DomainError, refuse_all
from hubwell.spaces import errors
from hubwell.spaces.rules import LONGEST_NAME, id_refusal, tidy
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces", "devices.sql")
_LONGEST_BASE: Final = 44


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """A device of the register, and what it reported of itself last."""

    id: str
    name: str
    space_id: str | None
    registered_at: datetime
    moved_at: datetime | None
    """Since when it is in its space; None: since it was registered."""
    archived_at: datetime | None
    past_of: str | None
    """The device whose past this is; None of every real device."""
    status: str
    status_at: datetime | None
    clock: str | None
    """State of its clock: synced or unsynced; None where it reported none."""
    pending: int | None
    """Messages that waited on the device."""
    roster_at: datetime | None
    """When the list of badges that it holds was made."""
    muster_station: bool
    meta: Mapping[str, Any]

    @property
    def shown_name(self) -> str:
        """Return its name, or its id where it has none."""
        return self.name or self.id

    @property
    def readers(self) -> tuple[str, ...]:
        """Return the names of the badge readers that it described."""
        return tuple(item["name"] for item in described(self.meta, "readers"))


@dataclass(frozen=True, slots=True)
class Report:
    """What a device in use reported of itself."""

    id: str
    clock: str | None
    pending: int | None
    roster_at: datetime | None
    meta: Mapping[str, Any]

    @property
    def needs_list(self) -> bool:
        """Return whether it has a reader at which people stand."""
        return any(item.get("driver") != "simulated" for item in described(self.meta, "readers"))


def described(meta: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    """Return the sensors or the readers in a device's description."""
    parts = meta.get(part)
    return parts if isinstance(parts, list) else []


async def find_device(conn: AsyncConnection[Any], device_id: str) -> RegisteredDevice | None:
    """Return a device, also an archived one; None if there is none."""
    async with conn.cursor(row_factory=class_row(RegisteredDevice)) as cursor:
        return await (await cursor.execute(_SQL["device"], {"device": device_id})).fetchone()


async def get_device(conn: AsyncConnection[Any], device_id: str) -> RegisteredDevice:
    """Return a device, also an archived one. Raises DomainError if there is none."""
    device = await find_device(conn, device_id)
    if device is None or device.past_of is not None:
        raise DomainError(errors.DEVICE_UNKNOWN)
    return device


async def get_in_use(conn: AsyncConnection[Any], device_id: str) -> RegisteredDevice:
    """Return a device that is in use. Raises DomainError."""
    device = await get_device(conn, device_id)
    if device.archived_at is not None:
        raise DomainError(errors.DEVICE_IS_ARCHIVED)
    return device


async def reports(conn: AsyncConnection[Any]) -> dict[str, Report]:
    """Return what each device in use reported of itself, by id."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["reports"])
        return {row["id"]: Report(**row) for row in await cursor.fetchall()}


async def refuse_name(conn: AsyncConnection[Any], device_id: str, name: str) -> DomainError | None:
    """Return why a device in use cannot have this name; None if it can."""
    if len(name) > LONGEST_NAME:
        return DomainError(NAME_TOO_LONG, most=LONGEST_NAME)
    row = await (await conn.execute(_SQL["device_named"], {"device": device_id, "name": name})).fetchone()
    return None if row is None else DomainError(errors.DEVICE_NAME_TAKEN, other=row[0])


async def rename_device(conn: AsyncConnection[Any], device_id: str, name: str) -> bool:
    """Name a device in use; return whether the name differs. Raises DomainError."""
    device, name = await get_in_use(conn, device_id), tidy(name)
    refuse_all((await refuse_name(conn, device_id, name),))
    await conn.execute(_SQL["rename_device"], {"device": device_id, "name": name})
    return name != device.name


async def refuse_past(conn: AsyncConnection[Any], device_id: str) -> DomainError | None:
    """Return why nothing can be registered under an id: it is malformed, or names a device's past."""
    refusal = id_refusal(device_id)
    if refusal is not None:
        return refusal
    device = await find_device(conn, device_id)
    return DomainError(errors.DEVICE_ID_OF_PAST) if device and device.past_of else None


async def add_past(conn: AsyncConnection[Any], device_id: str, now: datetime) -> str:
    """Add the past of a device, in the space that it is in; return its id, which has the day of the move."""
    start = f"{device_id[:_LONGEST_BASE]}-until-{now:%Y%m%d}"
    rows = await (await conn.execute(_SQL["ids_like"], {"start": start})).fetchall()
    used = {row[0] for row in rows}
    past = next(name for number in range(len(used) + 1) if (name := _numbered(start, number)) not in used)
    await conn.execute(_SQL["add_past"], {"past": past, "device": device_id, "now": now})
    return past


async def take_place(conn: AsyncConnection[Any], device_id: str, old_id: str) -> None:
    """Give a device what belongs to the place of another one, beside name and space."""
    await conn.execute(_SQL["take_place"], {"device": device_id, "old": old_id})


def _numbered(start: str, number: int) -> str:
    return f"{start}-{number}" if number else start
