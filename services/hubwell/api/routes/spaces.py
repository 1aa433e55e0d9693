"""Spaces as they are now, and their readings."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query

from hubwell.api import live_state
from hubwell.api.evacuation_view import open_evacuation
from hubwell.api.readings import readings
from hubwell.api.responses import BAD_VALUE, MAY_FAIL, NEEDS_ROLE, NO_SPACE, WRITES, refused
from hubwell.api.schemas import Readings, Resolution, SpaceNow, Spaces
from hubwell.api.times import IsoTime
from hubwell.api.visibility import EXACT, sees_exact
from hubwell.errors import SPACE_UNKNOWN
from hubwell.evacuation import announcement
from hubwell.evacuation.errors import EVACUATION_OPEN
from hubwell.http.dependencies import AppSettings, CurrentPrincipal, DatabasePool, ReadConnection, Transaction
from hubwell.http.errors import not_found
from hubwell.http.guard import PUBLIC, check, require_role
from hubwell.spaces.errors import SPACE_IN_USE
from hubwell.vocabulary import Role
from hubwell.workflows.register import archiving
from hubwell_wire.topics import ID_PATTERN

SpaceId = Annotated[str, Path(pattern=ID_PATTERN, description="Id of a space.", examples=["wood-workshop"])]
api = APIRouter(prefix="/api/v1/spaces", tags=["Spaces"], responses=MAY_FAIL, dependencies=[PUBLIC])


@api.get("", summary="All spaces as they are now", operation_id="listSpaces")
async def list_spaces(conn: ReadConnection, settings: AppSettings) -> Spaces:
    """Every space with its state, its air and its open alerts, grouped by kind and in order of name."""
    evacuation = open_evacuation(await announcement.current(conn), settings)
    return Spaces(evacuation=evacuation, spaces=await live_state.spaces(conn, ZoneInfo(settings.zone)))


@api.get(
    "/{space_id}",
    summary="One space as it is now",
    operation_id="getSpace",
    responses=NO_SPACE | BAD_VALUE,
)
async def get_space(conn: ReadConnection, settings: AppSettings, space_id: SpaceId) -> SpaceNow:
    """Its state, its air and its open alerts. Values older than five minutes are null."""
    spaces = await live_state.spaces(conn, ZoneInfo(settings.zone), [space_id])
    if not spaces:
        raise not_found("path.space_id", space_id, "space", "GET /api/v1/spaces lists them.")
    return spaces[0]


@api.get(
    "/{space_id}/readings",
    summary="Readings of a space in a range of time",
    operation_id="getReadings",
    responses=NO_SPACE | BAD_VALUE | NEEDS_ROLE,
)
async def get_readings(
    conn: ReadConnection,
    database: DatabasePool,
    principal: CurrentPrincipal,
    space_id: SpaceId,
    start: Annotated[
        IsoTime | None,
        Query(
            alias="from",
            description="Inclusive, with its zone; by default a day before `to`.",
            examples=["2026-11-22T00:00:00Z"],
        ),
    ] = None,
    end: Annotated[
        IsoTime | None,
        Query(
            alias="to",
            description="Exclusive, with its zone; by default now.",
            examples=["2026-11-23T00:00:00Z"],
        ),
    ] = None,
    resolution: Annotated[
        Resolution, Query(description="`raw` readings, or means with lowest and highest in steps.")
    ] = "5m",
    quantity: Annotated[
        str | None,
        Query(
            description="One quantity only, such as co2, temp, rh, noise.", examples=["co2"], max_length=63
        ),
    ] = None,
) -> Readings:
    """At most 10000 points; a step without readings is left out, so that a gap stays a gap.

    `raw` and `1m` need one of the roles facilities, osh, admin: they could reveal when a person came. So does
    everything of one person's room.
    """
    if resolution in ("raw", "1m"):
        check(principal, *EXACT)
    if any(row["personal"] for row in await live_state.rows(conn, "space_exists", {"space": space_id})):
        check(principal, *EXACT)
    last = end or datetime.now(UTC)
    return await readings(
        conn,
        await database.engine(),
        space=space_id,
        start=(start or last - timedelta(days=1)).astimezone(UTC),
        end=last.astimezone(UTC),
        resolution=resolution,
        quantity=quantity,
        exact=sees_exact(principal),
    )


@api.post(
    "/{space_id}/archive",
    status_code=204,
    summary="Archive a space with its devices",
    operation_id="archiveSpace",
    responses=WRITES | refused(SPACE_UNKNOWN, SPACE_IN_USE, EVACUATION_OPEN),
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
async def archive_space(transaction: Transaction, space_id: SpaceId) -> None:
    """Take it off every page and list; its data stays as long as its term."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    await transaction.commit(await archiving.archive_space(conn, actor, space_id, now))


@api.post(
    "/{space_id}/restore",
    status_code=204,
    summary="Bring an archived space back",
    operation_id="restoreSpace",
    responses=WRITES | refused(SPACE_UNKNOWN),
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
async def restore_space(transaction: Transaction, space_id: SpaceId) -> None:
    """With the devices that were archived with it."""
    await transaction.commit(await archiving.restore_space(transaction.conn, transaction.principal, space_id))
