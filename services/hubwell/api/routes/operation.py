"""Health and metrics, for those who run Hubwell."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.exposition import choose_encoder

from hubwell.api.dependencies import LiveFeed
from hubwell.api.health import Figures, figures, health, registry_of
from hubwell.api.responses import MAY_FAIL
from hubwell.api.schemas import Health
from hubwell.http.database import DatabaseAwayError, SchemaMissingError
from hubwell.http.dependencies import DatabasePool
from hubwell.http.guard import PUBLIC_NO_LOOKUP

api = APIRouter(tags=["Operation"], dependencies=[PUBLIC_NO_LOOKUP])


@api.get("/api/v1/health", summary="Whether Hubwell works", operation_id="getHealth", responses=MAY_FAIL)
async def get_health(database: DatabasePool, feed: LiveFeed) -> Health:
    """Asked of the database each time; 503 with the reason when it cannot answer or is not migrated."""
    return await health(database, feed.state)


@api.get(
    "/metrics",
    summary="Figures for Prometheus",
    operation_id="getMetrics",
    response_class=Response,
    responses={200: {"description": "Text exposition.", "content": {"text/plain": {}}}},
)
async def get_metrics(request: Request, database: DatabasePool) -> Response:
    """Count in the database at each scrape; `hubwell_database_up` is 0 when it is away."""
    counted: Figures | None = None
    try:
        async with database.connection() as conn:
            counted = await figures(conn)
    except (DatabaseAwayError, SchemaMissingError):
        pass  # reported as a metric: a scrape that fails would lose the others
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry_of(counted)), media_type=media_type)
