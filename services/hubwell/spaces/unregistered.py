"""Devices that are heard and not registered: what is known of them, and which of them are ignored.

Names can be made up, so at most `MOST_UNREGISTERED` are kept that are not ignored, each as one row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from hubwell.errors import DomainError
from hubwell.events import UnregisteredHeard
from hubwell.spaces import errors
from hubwell.spaces.device_register import described
from hubwell.spaces.rules import same_name
from hubwell.storage.queries import Queries
from hubwell.vocabulary import MOST_UNREGISTERED, UNREGISTERED_KEPT

_SQL: Final = Queries("hubwell.spaces", "devices.sql")
_MOST_SERIES: Final = 40
"""Series of one device that are kept: enough to recognise it by."""


@dataclass(frozen=True, slots=True)
class UnregisteredDevice:
    """A device that is heard and not registered."""

    id: str
    name: str
    """What it calls itself; empty where it does not."""
    software: str
    first_at: datetime
    last_at: datetime
    messages: int
    """Messages that came from it, copies included."""
    waiting: int | None
    """Messages that wait on it until it is registered; None of a device with readers."""
    series: Mapping[str, str]
    """Units of its series by name, as far as they were seen or declared."""
    readers: tuple[str, ...]
    archived_at: datetime | None
    """When it was archived, if it once was in the register."""
    ignored_at: datetime | None


async def note(conn: AsyncConnection[Any], fact: UnregisteredHeard) -> None:
    """Store what was heard, and drop what is over the limit."""
    heard = fact.devices
    values = {
        "devices": [item.device_id for item in heard],
        "ats": [item.at for item in heard],
        "messages": [item.messages for item in heard],
        "pendings": [item.pending for item in heard],
        "series": [Jsonb(dict(list(item.series.items())[:_MOST_SERIES])) for item in heard],
        "metas": [None if item.meta is None else Jsonb(dict(item.meta)) for item in heard],
    }
    await conn.execute(_SQL["note_unregistered"], values | {"most_series": _MOST_SERIES})
    limits = {"most": MOST_UNREGISTERED, "kept": UNREGISTERED_KEPT}
    await conn.execute(_SQL["forget_unregistered"], limits)


async def list_unregistered(conn: AsyncConnection[Any]) -> list[UnregisteredDevice]:
    """Return the devices that are heard and not registered: the newest first, ignored ones last."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["unregistered"])
        return [_device(row) for row in await cursor.fetchall()]


async def set_ignored(conn: AsyncConnection[Any], device_id: str, *, on: bool) -> None:
    """Ignore a device for good, or list it again. Raises DomainError if it was not heard."""
    changed = await conn.execute(_SQL["set_ignored"], {"device": device_id, "on": on})
    if not changed.rowcount:
        raise DomainError(errors.DEVICE_NOT_HEARD)


async def remove(conn: AsyncConnection[Any], device_id: str) -> None:
    """Remove a device that is registered now."""
    await conn.execute(_SQL["remove_unregistered"], {"device": device_id})


def likely_space(device: UnregisteredDevice, spaces: Iterable[tuple[str, str]]) -> str:
    """Return the space that a device is probably in, by its id or its own name; empty without a hint.

    Topics name the site and the device, and never a space. `spaces` are the ids and names of those in use.
    """
    candidates = list(spaces)
    if len(candidates) == 1:
        return candidates[0][0]
    of_id = [space for space, _ in candidates if device.id == space or device.id.startswith(f"{space}-")]
    if of_id:
        return max(of_id, key=len)
    own = same_name(device.name)
    return next((space for space, name in candidates if own and same_name(name) == own), "")


def _device(row: Mapping[str, Any]) -> UnregisteredDevice:
    meta = row["meta"]
    declared = {item["s"]: item["u"] for item in described(meta, "sensors")}
    return UnregisteredDevice(
        id=row["device_id"],
        name=meta.get("name", ""),
        software=meta.get("software", ""),
        first_at=row["first_at"],
        last_at=row["last_at"],
        messages=row["messages"],
        waiting=row["waiting"],
        series=dict(sorted((declared | row["series"]).items())),
        readers=tuple(item["name"] for item in described(meta, "readers")),
        archived_at=row["archived_at"],
        ignored_at=row["ignored_at"],
    )
