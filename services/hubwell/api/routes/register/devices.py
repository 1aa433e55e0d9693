"""Devices of the register, and those that are heard and not registered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api import live_state
from hubwell.api.responses import WRITES, refused
from hubwell.api.schemas import Device
from hubwell.errors import NAME_TOO_LONG, SPACE_UNKNOWN
from hubwell.events import Fact
from hubwell.history.availability import State
from hubwell.http.dependencies import ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.people.errors import READER_PURPOSE_UNKNOWN, READER_UNKNOWN
from hubwell.spaces import errors, unregistered
from hubwell.spaces.archive import register as read_register
from hubwell.vocabulary import Role
from hubwell.workflows.register import devices as workflow
from hubwell_wire.topics import ID_PATTERN

DeviceId = Annotated[
    str, Path(pattern=ID_PATTERN, description="Id of a device.", examples=["wood-workshop-1"])
]
ReaderName = Annotated[str, Field(pattern=ID_PATTERN)]
_PLACED: Final = (
    errors.DEVICE_ID_OF_PAST,
    errors.DEVICE_NAME_TAKEN,
    NAME_TOO_LONG,
    SPACE_UNKNOWN,
    errors.SPACE_IS_ARCHIVED,
)
_GONE: Final = (errors.DEVICE_UNKNOWN, errors.DEVICE_IS_ARCHIVED)
_ROLES: Final = require_role(Role.FACILITIES, Role.ADMIN)

_UNREGISTERED: Final = "/unregistered-devices"

api = APIRouter(prefix="/api/v1/register", tags=["Register"], responses=WRITES, dependencies=[_ROLES])


class DeviceEntry(BaseModel):
    """A device of the register."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    space_id: str | None
    archived_at: datetime | None


class DeviceEntries(BaseModel):
    """Every device of the register, the archived ones too."""

    devices: list[DeviceEntry]


class UnregisteredDevice(BaseModel):
    """A device that is heard and not registered."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str = Field(description="What it calls itself.")
    software: str
    first_at: datetime
    last_at: datetime
    messages: int = Field(description="Messages that came from it, copies included, taps left out.")
    waiting: int | None = Field(
        description="Messages that wait on it until it is registered; null of a device with readers."
    )
    series: dict[str, str] = Field(description="Units of its series by name.")
    readers: list[str] = Field(description="Names of its badge readers.")
    archived_at: datetime | None = Field(description="When it was archived, if it once was in the register.")
    ignored_at: datetime | None


class UnregisteredDevices(BaseModel):
    """Devices that are heard and not registered, the newest first, ignored ones last."""

    devices: list[UnregisteredDevice]


class NewDevice(BaseModel):
    """A device to be registered."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="As in its topics.", examples=["wood-workshop-1"])
    space_id: str | None = Field(description="The space that it is in; null for none.")
    name: str = ""
    purposes: dict[ReaderName, str] = Field(
        {}, max_length=20, description="What its readers are for: `space`, `desk` or `kiosk`, by name."
    )


class DeviceChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, description="Empty: it is shown by its id.")
    space_id: str | None = Field(
        None, description="Moves it: what it measured stays with the space before. Null: into no space."
    )


class Replacement(BaseModel):
    """The device that takes the place of another one."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(description="Id of a device that is unknown, archived, or in use elsewhere.")


class HourHeard(BaseModel):
    """An hour with what is known of it."""

    model_config = ConfigDict(from_attributes=True)

    start: datetime
    state: State
    steps: int = Field(description="Steps of five minutes with readings.")


class Lost(BaseModel):
    """Messages that are missing, of the last seven days."""

    model_config = ConfigDict(from_attributes=True)

    missing: int = Field(description="Numbers that never came, although later ones did.")
    to_come: int = Field(description="Numbers that the device gave out and that may still come.")
    dropped: int = Field(description="Numbers that the device declared it dropped.")
    refused: int = Field(description="Messages that were set aside, events left out.")


class Declared(BaseModel):
    """What a device declared lost, by cause."""

    model_config = ConfigDict(from_attributes=True)

    cause: str
    count: int
    last_at: datetime


class SetAside(BaseModel):
    """Messages that were set aside, by code, with the newest reason."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    count: int
    last_at: datetime
    reason: str


class DeviceDetails(BaseModel):
    """What is known of a device."""

    id: str
    name: str
    space_id: str | None
    registered_at: datetime
    moved_at: datetime | None = Field(
        description="Since when it is in its space; null since it was registered."
    )
    archived_at: datetime | None
    clock: str | None = Field(description="State of its clock as it last reported it.")
    purposes: dict[str, str] = Field(description="What its readers are for, as far as that was set.")
    now: Device | None = Field(description="Its newest readings; null of an archived device.")
    hours: list[HourHeard] = Field(description="Seven days by the hour, the oldest first.")
    losses: Lost
    declared: list[Declared]
    refused: list[SetAside]


@api.get("/devices", summary="The register of devices", operation_id="listRegisteredDevices")
async def list_registered(conn: ReadConnection) -> DeviceEntries:
    """Every device with its space, the archived ones too."""
    devices = (await read_register(conn)).devices
    return DeviceEntries(devices=[DeviceEntry.model_validate(item) for item in devices])


@api.post(
    "/devices",
    summary="Register a device",
    operation_id="addDevice",
    status_code=201,
    responses=refused(
        errors.ID_NOT_PLAIN, errors.DEVICE_EXISTS, READER_PURPOSE_UNKNOWN, READER_UNKNOWN, *_PLACED
    ),
)
async def add(transaction: Transaction, body: NewDevice) -> DeviceEntry:
    """Its waiting messages are stored then. An archived one comes back."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    facts = await workflow.register_device(
        conn, actor, body.id, body.space_id, now, name=body.name, purposes=body.purposes
    )
    await transaction.commit(facts)
    return DeviceEntry.model_validate((await workflow.details(conn, body.id, now)).device)


@api.get(
    "/devices/{device_id}",
    summary="What is known of a device",
    operation_id="getDevice",
    responses=refused(errors.DEVICE_UNKNOWN),
)
async def get_device(transaction: Transaction, device_id: DeviceId) -> DeviceDetails:
    """Its availability, newest readings, and what of it is missing."""
    details = await workflow.details(transaction.conn, device_id, transaction.now)
    now = await live_state.devices(transaction.conn, exact=True, device=device_id)
    return _shown(details, now[0] if now else None)


@api.patch(
    "/devices/{device_id}",
    summary="Rename or move a device",
    operation_id="changeDevice",
    status_code=204,
    responses=refused(*_GONE, *_PLACED),
)
async def change(transaction: Transaction, device_id: DeviceId, body: DeviceChange) -> None:
    """All of it, or with a mistake nothing."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    facts: list[Fact] = []
    if "space_id" in body.model_fields_set:
        facts += await workflow.move_device(conn, actor, device_id, body.space_id, now)
    if body.name is not None:
        facts += await workflow.rename_device(conn, actor, device_id, body.name)
    await transaction.commit(facts)


@api.post(
    "/devices/{device_id}/replace",
    summary="Put another device in the place of one",
    operation_id="replaceDevice",
    status_code=204,
    responses=refused(
        errors.ID_NOT_PLAIN, errors.REPLACED_BY_ITSELF, errors.DEVICE_ID_OF_PAST, *_GONE, SPACE_UNKNOWN
    ),
)
async def replace(transaction: Transaction, device_id: DeviceId, body: Replacement) -> None:
    """Give the new one name, space and purposes of readers, and archive the old one with what it measured."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    await transaction.commit(await workflow.replace_device(conn, actor, device_id, body.by, now))


@api.get(
    _UNREGISTERED, summary="Devices that are heard and not registered", operation_id="listUnregisteredDevices"
)
async def list_unregistered(conn: ReadConnection) -> UnregisteredDevices:
    """At most a hundred that are not ignored, whatever names are made up."""
    devices = await unregistered.list_unregistered(conn)
    return UnregisteredDevices(devices=[UnregisteredDevice.model_validate(item) for item in devices])


@api.post(
    _UNREGISTERED + "/{device_id}/ignore",
    summary="Ignore a device for good",
    operation_id="ignoreDevice",
    status_code=204,
    responses=refused(errors.DEVICE_NOT_HEARD),
)
async def ignore(transaction: Transaction, device_id: DeviceId) -> None:
    """Leave it out of what waits for an answer; its messages stay refused."""
    await workflow.ignore_device(transaction.conn, transaction.principal, device_id, on=True)
    await transaction.commit()


@api.post(
    _UNREGISTERED + "/{device_id}/list-again",
    summary="List an ignored device again",
    operation_id="listDeviceAgain",
    status_code=204,
    responses=refused(errors.DEVICE_NOT_HEARD),
)
async def list_again(transaction: Transaction, device_id: DeviceId) -> None:
    """Let it wait for an answer again."""
    await workflow.ignore_device(transaction.conn, transaction.principal, device_id, on=False)
    await transaction.commit()


def _shown(details: workflow.Details, now: Device | None) -> DeviceDetails:
    device = details.device
    of_register: Mapping[str, object] = {
        name: getattr(device, name)
        for name in ("id", "name", "space_id", "registered_at", "moved_at", "archived_at", "clock")
    }
    return DeviceDetails.model_validate(
        {
            **of_register,
            "purposes": details.purposes,
            "now": now,
            "hours": details.availability.hours,
            "losses": details.losses,
            "declared": details.declared,
            "refused": details.refused,
        }
    )
