"""Add, change and order spaces, and register devices, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection, Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from hubwell.errors import SPACE_UNKNOWN, DomainError, refuse_all
from hubwell.events import AllowlistChanged, Facts, VisitsChanged
from hubwell.spaces import errors, rules
from hubwell.spaces.rules import SpaceInput, SpaceSettings, WhenFull
from hubwell.storage.queries import Queries
from hubwell.vocabulary import SpaceFeature, SpaceKind

_SQL: Final = Queries("hubwell.spaces")


@dataclass(frozen=True, slots=True)
class Registered:
    """A space of the register with its settings; `devices` is how many in use are in it."""

    id: str
    settings: SpaceSettings
    position: int | None
    archived_at: datetime | None
    devices: int


async def list_registered(conn: AsyncConnection[Any]) -> list[Registered]:
    """Return every space, the archived ones too, in the order of the board."""
    cursor = conn.cursor(row_factory=dict_row)
    return [_registered(row) for row in await (await cursor.execute(_SQL["registered"])).fetchall()]


async def get_registered(conn: AsyncConnection[Any], space_id: str) -> Registered:
    """Return a space. Raises DomainError if there is none with this id."""
    for space in await list_registered(conn):
        if space.id == space_id:
            return space
    raise DomainError(errors.SPACE_GONE)


async def lock_register(conn: AsyncConnection[Any]) -> list[Registered]:
    """Return every space; no other transaction adds or changes one until this one ends."""
    await conn.execute(_SQL["lock_register"])
    return await list_registered(conn)


async def add_space(conn: AsyncConnection[Any], given: SpaceInput, space_id: str = "") -> tuple[str, Facts]:
    """Add a space; without an id, it is made from the name. Raises DomainError with all that is wrong."""
    others = await lock_register(conn)
    ids_in_use = {other.id for other in others}
    space_id = space_id.strip() or rules.id_for(given.name, ids_in_use)
    settings, refused = rules.read(given)
    exists = DomainError(errors.SPACE_EXISTS, value=space_id) if space_id in ids_in_use else None
    refuse_all((rules.id_refusal(space_id) or exists, *refused, _name_taken(given.name, space_id, others)))
    return space_id, await _store(conn, space_id, settings)


async def change_space(conn: AsyncConnection[Any], space_id: str, given: SpaceInput) -> tuple[str, ...]:
    """Change a space that is in use; return the fields that differ now.

    Raises DomainError with all that is wrong. `changed` returns the facts of a change.
    """
    others = await lock_register(conn)
    before = next((other for other in others if other.id == space_id), None)
    if before is None:
        raise DomainError(errors.SPACE_GONE)
    if before.archived_at is not None:
        raise DomainError(errors.SPACE_IS_ARCHIVED)
    settings, refused = rules.read(given)
    refuse_all((*refused, _name_taken(given.name, space_id, others)))
    differing = differences(before.settings, settings)
    if differing:
        await _store(conn, space_id, settings)
    return differing


def changed(space_id: str) -> Facts:
    """Return the facts of a space that was added or changed."""
    return AllowlistChanged(), VisitsChanged(space_ids=(space_id,))


def differences(before: SpaceSettings, after: SpaceSettings | None) -> tuple[str, ...]:
    """Return the names of the settings that differ."""
    return tuple(
        item.name
        for item in fields(SpaceSettings)
        if after is not None and getattr(before, item.name) != getattr(after, item.name)
    )


async def put_space(
    conn: AsyncConnection[Any],
    *,
    space_id: str,
    name: str,
    kind: str,
    capacity: int,
    zone: str = "",
    **others: Any,  # noqa: ANN401 - fields of SpaceInput, each of its own type
) -> Facts:
    """Add a space, or change the one with this id and bring it back.

    `others` are further fields of `SpaceInput`; what is left out or None stays as it is, and so does the name
    in a language that `names` leaves out. Raises DomainError with all that is wrong.
    """
    every = await lock_register(conn)
    before = next((item for item in every if item.id == space_id), None)
    given = before.settings.as_input() if before else SpaceInput()
    entered = {key: value for key, value in others.items() if value is not None}
    entered["names"] = {**given.names, **entered.get("names", {})}
    given = replace(given, name=name, kind=kind, capacity=str(capacity), zone=zone, **entered)
    settings, refused = rules.read(given)
    refuse_all((rules.id_refusal(space_id), *refused, _name_taken(name, space_id, every)))
    return await _store(conn, space_id, settings)


async def order_spaces(conn: AsyncConnection[Any], space_ids: Sequence[str]) -> Facts:
    """Put spaces into this order, before all others of their kind. Raises DomainError."""
    every = {space.id for space in await lock_register(conn) if space.archived_at is None}
    if not set(space_ids) <= every:
        raise DomainError(SPACE_UNKNOWN)
    if len(set(space_ids)) < len(space_ids):
        raise DomainError(errors.ORDER_NAMES_TWICE)
    await conn.execute(_SQL["order_spaces"], {"spaces": list(space_ids)})
    return (VisitsChanged(space_ids=tuple(sorted(every))),)


async def move_space(conn: AsyncConnection[Any], space_id: str, *, up: bool) -> Facts:
    """Move a space by one place within its kind; the first stays first. Raises DomainError."""
    every = [space for space in await list_registered(conn) if space.archived_at is None]
    moved = next((space for space in every if space.id == space_id), None)
    if moved is None:
        raise DomainError(errors.SPACE_GONE)
    ids = [space.id for space in every if space.settings.kind == moved.settings.kind]
    at = ids.index(space_id)
    to = min(max(at + (-1 if up else 1), 0), len(ids) - 1)
    ids.insert(to, ids.pop(at))
    return await order_spaces(conn, ids)


async def store_all(
    conn: AsyncConnection[Any], spaces: Sequence[tuple[str, SpaceSettings, int | None]]
) -> None:
    """Store spaces with their settings and positions, all of which were checked under `lock_register`."""
    await conn.execute(_SQL["free_names"], {"spaces": [space_id for space_id, _, _ in spaces]})
    for space_id, settings, position in spaces:
        await _store(conn, space_id, settings)
        await conn.execute(_SQL["set_position"], {"space": space_id, "position": position})


async def set_turnaround(conn: AsyncConnection[Any], space_id: str, minutes: int) -> None:
    """Choose how long a space is prepared for the next booking after each; bookings keep what they have."""
    await conn.execute(_SQL["set_turnaround"], {"space": space_id, "minutes": minutes})


async def set_door(conn: AsyncConnection[Any], space_id: str, *, walk_ins: bool, release: int | None) -> None:
    """Choose whether a badge takes a space at its panel, and when no-shows are released; None: never."""
    await conn.execute(_SQL["set_door"], {"space": space_id, "walk_ins": walk_ins, "release": release})


async def put_device(
    conn: AsyncConnection[Any], *, device_id: str, space_id: str | None, name: str = ""
) -> Facts:
    """Register a device, or put the one with this id into another space. Raises DomainError.

    What a device measured goes with it; `workflows.register.devices` leaves it in the space before.
    """
    refuse_all((rules.id_refusal(device_id), await refuse_space(conn, space_id)))
    before = await (await conn.execute(_SQL["space_of_device"], {"device": device_id})).fetchone()
    await conn.execute(_SQL["put_device"], {"id": device_id, "space": space_id, "name": name})
    spaces = {space for space in (before and before[0], space_id) if space is not None}
    return AllowlistChanged(), VisitsChanged(space_ids=tuple(sorted(spaces)))


def set_station(conn: Connection[Any], device_id: str, *, on: bool) -> bool:
    """Choose whether a device is a muster station; return whether there is such a device."""
    return conn.execute(_SQL["set_station"], {"device": device_id, "on": on}).rowcount > 0


def list_spaces(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Return the spaces in the order of the board, the archived ones last."""
    return conn.cursor(row_factory=dict_row).execute(_SQL["spaces"]).fetchall()


def list_devices(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Return the devices by id, with the time of each one's last message."""
    return conn.cursor(row_factory=dict_row).execute(_SQL["devices"]).fetchall()


def name_refusal(name: str, space_id: str, names: Iterable[tuple[str, str]]) -> DomainError | None:
    """Return the refusal of a name that another space in use has; `names` are ids with their names."""
    own = rules.same_name(name)
    for other_id, other in names:
        if own and other_id != space_id and rules.same_name(other) == own:
            return DomainError(errors.SPACE_NAME_TAKEN, other=other_id)
    return None


def _name_taken(name: str, space_id: str, others: Iterable[Registered]) -> DomainError | None:
    in_use = [(other.id, other.settings.name) for other in others if other.archived_at is None]
    return name_refusal(name, space_id, in_use)


async def _store(conn: AsyncConnection[Any], space_id: str, settings: SpaceSettings | None) -> Facts:
    if settings is None:  # without a refusal there are settings
        raise RuntimeError("there are no settings to store")
    values = {item.name: getattr(settings, item.name) for item in fields(SpaceSettings)}
    values |= {"id": space_id, "names": Jsonb(dict(settings.names))}
    values |= {"features": list(settings.features), "equipment": list(settings.equipment)}
    await conn.execute(_SQL["store_space"], values)
    return changed(space_id)


def _registered(row: Mapping[str, Any]) -> Registered:
    settings = SpaceSettings(
        name=row["name"],
        kind=SpaceKind(row["kind"]),
        capacity=row["capacity"],
        zone=row["zone"],
        opens_at=row["opens_at"],
        closes_at=row["closes_at"],
        when_full=WhenFull(row["when_full"]),
        personal=row["personal"],
        features=tuple(feature for feature in SpaceFeature if feature in row["features"]),
        equipment=tuple(row["equipment"]),
        names=row["names"],
    )
    return Registered(row["id"], settings, row["position"], row["archived_at"], row["devices"])


async def refuse_space(conn: AsyncConnection[Any], space_id: str | None) -> DomainError | None:
    """Return why no device can be put into a space, whose row is locked against its archiving meanwhile."""
    if space_id is None:
        return None
    row = await (await conn.execute(_SQL["space_for_device"], {"space": space_id})).fetchone()
    if row is None:
        return DomainError(SPACE_UNKNOWN)
    return None if row[0] is None else DomainError(errors.SPACE_IS_ARCHIVED)
