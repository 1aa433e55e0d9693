"""The JSON API: parse, look up, answer. What is wrong leaves as a problem (see `problems`)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from prometheus_client.exposition import choose_encoder
from pydantic import AwareDatetime

from hubwell.api import live_state
from hubwell.api.health import Figures, figures, health, registry_of
from hubwell.api.live_updates import Feed, Status
from hubwell.api.readings import readings
from hubwell.api.schemas import Alerts, Devices, Health, Readings, Resolution, SpaceNow, Spaces
from hubwell.api.stream import events
from hubwell.api.visibility import EXACT, sees_exact
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.http.errors import Problem, not_found
from hubwell.http.guard import PUBLIC, PUBLIC_NO_LOOKUP, check, principal_of
from hubwell_wire.topics import ID_PATTERN

_AWAY: Final[dict[int | str, dict[str, Any]]] = {
    500: {"model": Problem, "description": "A mistake in Hubwell."},
    503: {"model": Problem, "description": "The database is away or has no tables of this release."},
}
_BAD: Final[dict[int | str, dict[str, Any]]] = {
    422: {"model": Problem, "description": "A value cannot be used; `errors` says which and what to do."}
}
_MISSING: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "There is no such space."}
}
_RECENT: Final = timedelta(days=7)
SpaceId = Annotated[str, Path(pattern=ID_PATTERN, description="Id of a space.", examples=["wood-workshop"])]

_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Problem, "description": "This is not for everybody: sign in, or send a token."},
    403: {"model": Problem, "description": "Your roles do not include this."},
}
api = APIRouter(prefix="/api/v1", responses=_AWAY)


def database_of(request: Request) -> Database:
    """Return the application's database."""
    database: Database = request.app.state.database
    return database


def feed_of(request: Request) -> Feed:
    """Return the application's feed."""
    feed: Feed = request.app.state.feed
    return feed


@api.get(
    "/spaces",
    tags=["Spaces"],
    summary="All spaces as they are now",
    operation_id="listSpaces",
    dependencies=[PUBLIC],
)
async def list_spaces(request: Request) -> Spaces:
    """Every space with its state, its air and its open alerts, grouped by kind and in order of name."""
    async with database_of(request).connection() as conn:
        return Spaces(spaces=await live_state.spaces(conn))


@api.get(
    "/spaces/{space_id}",
    tags=["Spaces"],
    summary="One space as it is now",
    operation_id="getSpace",
    responses=_MISSING | _BAD,
    dependencies=[PUBLIC],
)
async def get_space(request: Request, space_id: SpaceId) -> SpaceNow:
    """Its state, its air and its open alerts. Values older than five minutes are null."""
    async with database_of(request).connection() as conn:
        found = await live_state.spaces(conn, [space_id])
    if not found:
        raise not_found("path.space_id", space_id, "space", "GET /api/v1/spaces lists them.")
    return found[0]


@api.get(
    "/spaces/{space_id}/readings",
    tags=["Spaces"],
    summary="Readings of a space in a range of time",
    operation_id="getReadings",
    responses=_MISSING | _BAD | _REFUSED,
    dependencies=[PUBLIC],  # the exact ones need a role: see below
)
async def get_readings(
    request: Request,
    space_id: SpaceId,
    start: Annotated[
        AwareDatetime | None,
        Query(
            alias="from",
            description="Inclusive, with its zone; a day before `to` unless told.",
            examples=["2026-11-22T00:00:00Z"],
        ),
    ] = None,
    end: Annotated[
        AwareDatetime | None,
        Query(
            alias="to",
            description="Exclusive, with its zone; now unless told.",
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

    `raw` and `1m` need one of the roles facilities, osh, admin: they could tell when a person came. So does
    everything of one person's room.
    """
    if resolution in ("raw", "1m"):
        check(principal_of(request), *EXACT)
    last = end or datetime.now(UTC)
    database = database_of(request)
    engine = await database.engine()
    async with database.connection() as conn:
        if any(row["personal"] for row in await live_state.rows(conn, "space_exists", {"space": space_id})):
            check(principal_of(request), *EXACT)
        return await readings(
            conn,
            engine,
            space=space_id,
            start=(start or last - timedelta(days=1)).astimezone(UTC),
            end=last.astimezone(UTC),
            resolution=resolution,
            quantity=quantity,
        )


@api.get(
    "/devices",
    tags=["Devices"],
    summary="All devices and whether they are heard",
    operation_id="listDevices",
    dependencies=[PUBLIC],
)
async def list_devices(request: Request) -> Devices:
    """Every device with its newest readings; those that are silent first."""
    async with database_of(request).connection() as conn:
        return Devices(devices=await live_state.devices(conn, exact=sees_exact(request)))


@api.get(
    "/alerts",
    tags=["Alerts"],
    summary="Open and recent alerts",
    operation_id="listAlerts",
    dependencies=[PUBLIC],
)
async def list_alerts(request: Request) -> Alerts:
    """Episodes that are open, and those that ended in the last seven days (at most 100)."""
    async with database_of(request).connection() as conn:
        return await live_state.alerts(conn, datetime.now(UTC) - _RECENT, exact=sees_exact(request))


@api.get(
    "/health",
    tags=["Operation"],
    summary="Whether Hubwell works",
    operation_id="getHealth",
    dependencies=[PUBLIC_NO_LOOKUP],
)
async def get_health(request: Request) -> Health:
    """Asked of the database each time; 503 with the reason when it cannot answer or is not migrated."""
    return await health(database_of(request), feed_of(request).state)


@api.get(
    "/stream",
    tags=["Spaces"],
    summary="Changes as they happen (server-sent events)",
    operation_id="streamChanges",
    dependencies=[PUBLIC],
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Begins with `status` and every space, then each space that changed, "
            "at most about once a second.",
            "content": {
                "text/event-stream": {
                    "examples": {
                        "space": {
                            "summary": "A space changed; the data is what GET /spaces/{id} says.",
                            "value": 'event: space\ndata: {"id":"wood-workshop","state":"used", ...}\n\n',
                        },
                        "status": {
                            "summary": "How changes arrive: live, polling or away.",
                            "value": 'event: status\ndata: {"state":"live","since":"2026-11-22T12:00Z"}\n\n',
                        },
                        "alert": {
                            "summary": "An alert was delivered; GET /alerts tells more.",
                            "value": 'event: alert\ndata: {"event":17,"spaces":["wood-workshop"]}\n\n',
                        },
                        "beat": {
                            "summary": "Nothing changed for 15 seconds.",
                            "value": "event: beat\ndata: {}\n\n",
                        },
                    }
                }
            },
        }
    },
)
async def stream_changes(request: Request) -> AsyncIterator[ServerSentEvent]:
    """Reconnecting is safe at any time: the stream begins with everything as it is now."""
    async for event in events(feed_of(request), _space_json, _status_json):
        yield event


def _space_json(space: SpaceNow) -> dict[str, Any]:
    return space.model_dump(mode="json")


def _status_json(status: Status) -> dict[str, Any]:
    return {"state": status.state, "since": status.since}


operation = APIRouter()


@operation.get(
    "/metrics",
    tags=["Operation"],
    summary="Figures for Prometheus",
    operation_id="getMetrics",
    dependencies=[PUBLIC_NO_LOOKUP],
    response_class=Response,
    responses={200: {"description": "Text exposition.", "content": {"text/plain": {}}}},
)
async def get_metrics(request: Request) -> Response:
    """Count in the database at each scrape; `hubwell_database_up` is 0 when it is away."""
    found: Figures | None = None
    try:
        async with database_of(request).connection() as conn:
            found = await figures(conn)
    except (DatabaseAwayError, SchemaMissingError):
        pass  # the figures say so themselves: a scrape that fails would tell less
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry_of(found)), media_type=media_type)
