"""Spaces as they are now, and their readings."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from hubwell.api import live_state
from hubwell.api.readings import readings
from hubwell.api.responses import BAD_VALUE, MAY_FAIL, NEEDS_ROLE, NO_SPACE
from hubwell.api.schemas import Readings, Resolution, SpaceNow, Spaces
from hubwell.api.visibility import EXACT
from hubwell.http.dependencies import CurrentPrincipal, DatabasePool, ReadConnection
from hubwell.http.errors import not_found
from hubwell.http.guard import PUBLIC, check
from hubwell_wire.topics import ID_PATTERN

SpaceId = Annotated[str, Path(pattern=ID_PATTERN, description="Id of a space.", examples=["wood-workshop"])]

api = APIRouter(prefix="/api/v1/spaces", tags=["Spaces"], responses=MAY_FAIL, dependencies=[PUBLIC])


@api.get("", summary="All spaces as they are now", operation_id="listSpaces")
async def list_spaces(conn: ReadConnection) -> Spaces:
    """Every space with its state, its air and its open alerts, grouped by kind and in order of name."""
    return Spaces(spaces=await live_state.spaces(conn))


@api.get(
    "/{space_id}",
    summary="One space as it is now",
    operation_id="getSpace",
    responses=NO_SPACE | BAD_VALUE,
)
async def get_space(conn: ReadConnection, space_id: SpaceId) -> SpaceNow:
    """Its state, its air and its open alerts. Values older than five minutes are null."""
    spaces = await live_state.spaces(conn, [space_id])
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
        AwareDatetime | None,
        Query(
            alias="from",
            description="Inclusive, with its zone; by default a day before `to`.",
            examples=["2026-11-22T00:00:00Z"],
        ),
    ] = None,
    end: Annotated[
        AwareDatetime | None,
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
    )
