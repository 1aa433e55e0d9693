"""Alerts: rules that hold now, and those that held lately."""

from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter

from hubwell.api import live_state
from hubwell.api.responses import MAY_FAIL
from hubwell.api.schemas import Alerts
from hubwell.api.visibility import sees_exact
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection
from hubwell.http.guard import PUBLIC

_RECENT: Final = timedelta(days=7)

api = APIRouter(prefix="/api/v1/alerts", tags=["Alerts"], responses=MAY_FAIL, dependencies=[PUBLIC])


@api.get("", summary="Open and recent alerts", operation_id="listAlerts")
async def list_alerts(conn: ReadConnection, principal: CurrentPrincipal) -> Alerts:
    """Episodes that are open, and those that ended in the last seven days (at most 100)."""
    return await live_state.alerts(conn, datetime.now(UTC) - _RECENT, exact=sees_exact(principal))
