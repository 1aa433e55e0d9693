"""Devices, whether they are heard, and which are not used any more."""

from typing import Annotated

from fastapi import APIRouter, Path

from hubwell.api import live_state
from hubwell.api.responses import MAY_FAIL, WRITES, refused
from hubwell.api.schemas import Devices
from hubwell.api.visibility import sees_exact
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection, Transaction
from hubwell.http.guard import PUBLIC, require_role
from hubwell.spaces.errors import DEVICE_UNKNOWN, SPACE_ARCHIVED
from hubwell.vocabulary import Role
from hubwell.workflows.register import archiving
from hubwell_wire.topics import ID_PATTERN

DeviceId = Annotated[
    str, Path(pattern=ID_PATTERN, description="Id of a device.", examples=["wood-workshop-1"])
]

api = APIRouter(prefix="/api/v1/devices", tags=["Devices"], responses=MAY_FAIL, dependencies=[PUBLIC])


@api.get("", summary="All devices and when each was last heard", operation_id="listDevices")
async def list_devices(conn: ReadConnection, principal: CurrentPrincipal) -> Devices:
    """Every device with its newest readings; those that are silent first."""
    return Devices(devices=await live_state.devices(conn, exact=sees_exact(principal)))


@api.post(
    "/{device_id}/archive",
    status_code=204,
    summary="Archive a device",
    operation_id="archiveDevice",
    responses=WRITES | refused(DEVICE_UNKNOWN),
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
async def archive_device(transaction: Transaction, device_id: DeviceId) -> None:
    """Take it off every page; its messages are refused from now on."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    await transaction.commit(await archiving.archive_device(conn, actor, device_id, now))


@api.post(
    "/{device_id}/restore",
    status_code=204,
    summary="Bring an archived device back",
    operation_id="restoreDevice",
    responses=WRITES | refused(DEVICE_UNKNOWN, SPACE_ARCHIVED),
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
async def restore_device(transaction: Transaction, device_id: DeviceId) -> None:
    """Its waiting messages are stored then."""
    await transaction.commit(
        await archiving.restore_device(transaction.conn, transaction.principal, device_id)
    )
