"""The demonstration hub, from `demo_hub.toml`: register spaces, devices and floors, and remove them again."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from psycopg import AsyncConnection, Connection

from hubwell.errors import DomainError
from hubwell.events import AllowlistChanged, Facts, VisitsChanged
from hubwell.spaces import errors
from hubwell.spaces.initial import put_device, put_space
from hubwell.spaces.plans.demo_floors import put_floors, remove_floors
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces")
_SCENARIO: Final = files("hubwell_wire").joinpath("demo_hub.toml")
DELETED_AFTER: Final = timedelta(minutes=1)
"""How long after the removal the data is deleted: until then ingest has read the devices again."""


@dataclass(frozen=True, slots=True)
class Places:
    """Ids of spaces and devices."""

    spaces: Sequence[str]
    devices: Sequence[str]
    facts: Facts = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """What a hub has of its own, beside the demonstration; `simulated` are the demonstration's devices."""

    has_space: bool
    has_heard_device: bool
    has_reader: bool
    simulated: frozenset[str]


@dataclass(frozen=True, slots=True)
class Door:
    """A door of the demonstration that is in use: its device, and the space behind it."""

    device_id: str
    space_id: str
    name: str


def seed(conn: Connection[Any]) -> list[str]:
    """Register the demonstration in an empty database; return those of its devices that are in use.

    A hub that has, or ever had, a space or a device keeps its own: nothing is changed there.
    """
    spaces = _scenario()
    if conn.execute(_SQL["begin_demonstration"]).fetchone() is not None:
        for space in spaces:
            described = {key: space[key] for key in ("name", "kind", "capacity", "zone")}
            put_space(conn, space_id=space["id"], **described)
            put_device(conn, device_id=space["device"], space_id=space["id"], name=space["name"])
        put_floors(conn)
    return devices_in_use(conn)


def devices_in_use(conn: Connection[Any]) -> list[str]:
    """Return the demonstration's devices that are registered and not archived, by id."""
    values = {"devices": [space["device"] for space in _scenario()]}
    return [row[0] for row in conn.execute(_SQL["devices_in_use"], values).fetchall()]


async def is_there(conn: AsyncConnection[Any]) -> bool:
    """Return whether one of the demonstration's devices is in use."""
    values = {"devices": [space["device"] for space in _scenario()]}
    return await (await conn.execute(_SQL["devices_in_use"], values)).fetchone() is not None


async def doors(conn: AsyncConnection[Any]) -> list[Door]:
    """Return the doors of the demonstration that are in use, in the order of the board; none without it."""
    values = {"devices": [space["device"] for space in _scenario()]}
    rows = await (await conn.execute(_SQL["demo_doors"], values)).fetchall()
    return [Door(*row) for row in rows]


async def beside(conn: AsyncConnection[Any]) -> Beside:
    """Return what there is in use that is not of the demonstration; a space of it that was changed counts."""
    simulated = [space["device"] for space in _scenario()]
    row = await (await conn.execute(_SQL["beside_demonstration"], _as_they_came(simulated))).fetchone()
    space, heard, reader = (False, False, False) if row is None else row
    return Beside(space, heard, reader, frozenset(simulated))


async def remove(conn: AsyncConnection[Any], now: datetime) -> Places:
    """Take the demonstration out: its devices, and its spaces and floor plans that are as they came.

    Spaces that were changed, or have a device of the hub's own, stay, and so does a plan with a space in use.
    The data is deleted later (`removed`).
    Raises DomainError if there is no demonstration, or it was removed already.
    """
    values = {"now": now} | _as_they_came([space["device"] for space in _scenario()])
    devices = [row[0] for row in await (await conn.execute(_SQL["archive_demo_devices"], values)).fetchall()]
    if not devices:
        raise DomainError(errors.NO_DEMONSTRATION)
    spaces = [row[0] for row in await (await conn.execute(_SQL["archive_demo_spaces"], values)).fetchall()]
    await remove_floors(conn)
    await conn.execute(_SQL["remove_demonstration"], {"now": now, "spaces": spaces, "devices": devices})
    return Places(spaces, devices, (AllowlistChanged(), VisitsChanged(space_ids=tuple(spaces))))


async def removed(conn: AsyncConnection[Any], now: datetime) -> Places | None:
    """Return what was removed and still has data, locked for this transaction; None if there is nothing."""
    row = await (await conn.execute(_SQL["removed_places"], {"before": now - DELETED_AFTER})).fetchone()
    return None if row is None else Places(*row)


async def forget_removed(conn: AsyncConnection[Any], now: datetime) -> None:
    """Note that nothing is left of what was removed."""
    await conn.execute(_SQL["demonstration_deleted"], {"now": now})


def _as_they_came(devices: list[str]) -> dict[str, Any]:
    """Return the demonstration as the queries take it: its devices, and a list for each column of a space."""
    columns = ("id", "name", "kind", "capacity", "zone")
    lists = {f"{column}s": [space[column] for space in _scenario()] for column in columns}
    return {"devices": devices} | lists


def _scenario() -> list[dict[str, Any]]:
    spaces: list[dict[str, Any]] = tomllib.loads(_SCENARIO.read_text())["spaces"]
    return spaces
