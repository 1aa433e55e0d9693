"""Devices of the register: register, move, rename, replace and ignore them, and what is known of one.

Page, API and command line call these. Archiving and bringing back are in `workflows.register`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.errors import DomainError, refuse_all
from hubwell.events import Facts
from hubwell.history import availability
from hubwell.history.availability import Availability
from hubwell.ingest import audit, id_cache
from hubwell.ingest.audit import DeclaredLoss, Losses, RefusedMessages
from hubwell.people import key_epochs
from hubwell.spaces import archive, device_register, errors, register, unregistered
from hubwell.spaces.device_file import BrokerForDevices, device_file
from hubwell.spaces.device_register import RegisteredDevice
from hubwell.spaces.rules import tidy

Conn = AsyncConnection[Any]
LOSSES_WITHIN: Final = timedelta(days=7)
"""How far back what is missing of a device is shown."""


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of one device, beside its newest readings."""

    device: RegisteredDevice
    availability: Availability
    losses: Losses
    declared: Sequence[DeclaredLoss]
    refused: Sequence[RefusedMessages]
    purposes: Mapping[str, str]
    """What its readers are for, by name, as far as that was set."""


async def register_device(
    conn: Conn,
    actor: Principal,
    device_id: str,
    space_id: str | None,
    now: datetime,
    *,
    name: str = "",
    purposes: Mapping[str, str] | None = None,
) -> Facts:
    """Register a device that is not in use, also an archived one: its waiting messages are stored then.

    `purposes` are those of its readers by name. Raises DomainError with all that is wrong.
    """
    await register.lock_register(conn)
    before = await device_register.find_device(conn, device_id)
    if before is not None and before.archived_at is None:
        raise DomainError(errors.DEVICE_EXISTS, value=device_id)
    facts = [*await put_device(conn, actor, device_id, space_id, now, name=name)]
    for reader, purpose in (purposes or {}).items():
        facts += await set_reader_purpose(conn, actor, device_id, reader, purpose)
    return facts


async def put_device(
    conn: Conn, actor: Principal, device_id: str, space_id: str | None, now: datetime, *, name: str = ""
) -> Facts:
    """Register a device, or move the one with this id. Raises DomainError with all that is wrong."""
    await register.lock_register(conn)
    before = await device_register.find_device(conn, device_id)
    facts = await _place(conn, device_id, space_id, now, name=tidy(name))
    await _note(
        conn, actor, _placed(before), device_id, space=None if space_id is None else log.plain_id(space_id)
    )
    return facts


async def move_device(
    conn: Conn, actor: Principal, device_id: str, space_id: str | None, now: datetime
) -> Facts:
    """Move a device in use to another space, or to none: what it measured stays with the space before.

    Raises DomainError; nothing happens where it is in that space already.
    """
    device = await device_register.get_in_use(conn, device_id)
    if device.space_id == space_id:
        return ()
    return await put_device(conn, actor, device_id, space_id, now)


async def rename_device(conn: Conn, actor: Principal, device_id: str, name: str) -> Facts:
    """Name a device in use; with an empty name it is shown by its id. Raises DomainError."""
    await register.lock_register(conn)
    if not await device_register.rename_device(conn, device_id, name):
        return ()
    await _note(conn, actor, "device.renamed", device_id)
    device = await device_register.get_device(conn, device_id)
    return register.changed(device.space_id) if device.space_id else ()


async def replace_device(conn: Conn, actor: Principal, old_id: str, new_id: str, now: datetime) -> Facts:
    """Put another device in the place of one in use, which is archived with what it measured.

    The new one gets the name, the space, the purposes of readers and the part in evacuations. It may be
    unknown, archived, or in use elsewhere, from where it moves. Raises DomainError with all that is wrong.
    """
    await register.lock_register(conn)
    old = await device_register.get_in_use(conn, old_id)
    if new_id == old_id:
        raise DomainError(errors.REPLACED_BY_ITSELF)
    facts = [*await archive.archive_device(conn, old_id, now)]
    facts += await _place(conn, new_id, old.space_id, now, name=old.name)
    await device_register.take_place(conn, new_id, old_id)
    for reader in await key_epochs.readers(conn):
        if reader["device"] == old_id:
            facts += await key_epochs.put_reader(conn, new_id, reader["reader"], reader["purpose"])
    await _note(conn, actor, "device.replaced", old_id, by=log.plain_id(new_id))
    return facts


async def set_reader_purpose(
    conn: Conn, actor: Principal, device_id: str, reader: str, purpose: str
) -> Facts:
    """Set what a reader of a device is for. Raises DomainError."""
    facts = await key_epochs.put_reader(conn, device_id, reader, purpose)
    subject = f"reader:{log.plain_id(device_id)}/{log.plain_id(reader)}"
    detail = {"purpose": purpose}
    await log.record(conn, actor=actor.actor, action="reader.changed", subject=subject, detail=detail)
    return facts


async def ignore_device(conn: Conn, actor: Principal, device_id: str, *, on: bool) -> None:
    """Ignore a device that is heard and not registered, or list it again. Raises DomainError."""
    await unregistered.set_ignored(conn, device_id, on=on)
    await _note(conn, actor, "device.ignored" if on else "device.listed", device_id)


async def settings_of_new_device(
    conn: Conn,
    actor: Principal,
    device_id: str,
    parts: Sequence[str],
    *,
    site: str,
    broker: BrokerForDevices,
) -> str:
    """Return the file with which a device connects, and note that it was given. Raises DomainError."""
    text = device_file(device_id, parts, site=site, broker=broker)
    await _note(conn, actor, "device.settings-given", device_id)
    return text


async def details(conn: Conn, device_id: str, now: datetime) -> Details:
    """Return what is known of a device, also of an archived one. Raises DomainError if there is none."""
    device = await device_register.get_device(conn, device_id)
    since = now - LOSSES_WITHIN
    lost = await audit.losses(conn, since, device_id)
    readers = await key_epochs.readers(conn)
    return Details(
        device=device,
        availability=await availability.of_device(conn, device_id, device.registered_at, now),
        losses=lost.get(device_id, Losses()),
        declared=await audit.declared_losses(conn, device_id, since),
        refused=await audit.refused_messages(conn, device_id, since),
        purposes={item["reader"]: item["purpose"] for item in readers if item["device"] == device_id},
    )


async def _place(conn: Conn, device_id: str, space_id: str | None, now: datetime, *, name: str) -> Facts:
    """Put a device into a space; what it measured in another one goes to its past there.

    The register is locked: its changes come one after the other.
    """
    refuse_all(
        (
            await device_register.refuse_past(conn, device_id),
            await device_register.refuse_name(conn, device_id, name),
            await register.refuse_space(conn, space_id),
        )
    )
    before = await device_register.find_device(conn, device_id)
    if before is not None and before.space_id != space_id and await id_cache.has_series(conn, device_id):
        past = await device_register.add_past(conn, device_id, now)
        await id_cache.hand_over_series(conn, device_id, past)
    facts = await register.put_device(conn, device_id=device_id, space_id=space_id, name=name)
    await unregistered.remove(conn, device_id)
    return facts


def _placed(before: RegisteredDevice | None) -> str:
    """Return the action that put a device into a space."""
    if before is None:
        return "device.added"
    return "device.restored" if before.archived_at else "device.moved"


async def _note(conn: Conn, actor: Principal, action: str, device_id: str, **detail: log.Value) -> None:
    subject = f"device:{log.plain_id(device_id)}"
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
