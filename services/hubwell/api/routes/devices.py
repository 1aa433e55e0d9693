"""Devices, and whether they are heard."""

from fastapi import APIRouter

from hubwell.api import live_state
from hubwell.api.responses import MAY_FAIL
from hubwell.api.schemas import Devices
from hubwell.api.visibility import sees_exact
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection
from hubwell.http.guard import PUBLIC

api = APIRouter(prefix="/api/v1/devices", tags=["Devices"], responses=MAY_FAIL, dependencies=[PUBLIC])


@api.get("", summary="All devices and when each was last heard", operation_id="listDevices")
async def list_devices(conn: ReadConnection, principal: CurrentPrincipal) -> Devices:
    """Every device with its newest readings; those that are silent first."""
    return Devices(devices=await live_state.devices(conn, exact=sees_exact(principal)))
