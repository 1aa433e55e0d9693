"""Health, metrics, the hub's own fields and the simulated hub, for those who run Hubwell."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.dependencies import LiveFeed
from hubwell.api.health import Figures, Health, figures, health, registry_of
from hubwell.api.responses import MAY_FAIL, WRITES, refused
from hubwell.evacuation.errors import EVACUATION_OPEN
from hubwell.http.database import DatabaseAwayError, SchemaMissingError
from hubwell.http.dependencies import (
    AppSettings,
    DatabasePool,
    ReadConnection,
    SharedSettings,
    Transaction,
)
from hubwell.http.guard import PUBLIC_NO_LOOKUP, require_role
from hubwell.hub_profile import errors
from hubwell.spaces.errors import NO_DEMONSTRATION
from hubwell.vocabulary import Role
from hubwell.workflows import hub as workflow
from hubwell.workflows.register import archiving

api = APIRouter(tags=["Operation"], dependencies=[PUBLIC_NO_LOOKUP])
_ADMIN: Final = [require_role(Role.ADMIN)]
_Text = Annotated[str | None, Field(description="Left out: it stays. Empty: the default again.")]


class HubField(BaseModel):
    """A setting of the hub."""

    name: str
    value: str
    set_by_installation: bool = Field(description="Whether the environment sets it; it is changed there.")
    variable: str = Field(description="The variable by which the environment sets it.")


class Hub(BaseModel):
    """What the hub says of itself."""

    fields: list[HubField]


class HubBody(BaseModel):
    """The fields to change."""

    model_config = ConfigDict(extra="forbid")

    hub_name: Annotated[str | None, Field(description="Left out: it stays.")] = None
    zone: _Text = None
    language: _Text = None
    colour: _Text = None
    assembly_point: _Text = None
    privacy_contact: _Text = None


class Steps(BaseModel):
    """What is left to set up; the simulated hub does not count."""

    steps: dict[str, bool]
    restore_proven_at: datetime | None = Field(description="When a backup was last restored with success.")


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


@api.delete(
    "/api/v1/demo",
    status_code=204,
    summary="Remove the simulated hub",
    operation_id="removeDemo",
    responses=WRITES | refused(NO_DEMONSTRATION, EVACUATION_OPEN),
    dependencies=[require_role(Role.ADMIN)],
)
async def remove_demo(transaction: Transaction) -> None:
    """With its data; accounts, people and changed spaces stay."""
    places = await archiving.remove_demo(transaction.conn, transaction.principal, transaction.now)
    await transaction.commit(places.facts)


@api.get("/api/v1/hub", summary="The hub", operation_id="getHub", responses=WRITES, dependencies=_ADMIN)
async def get_hub(settings: AppSettings, hub: SharedSettings) -> Hub:
    """Each field with the value in use."""
    fields = workflow.fields(settings, hub.installation)
    return Hub(
        fields=[
            HubField(
                name=field.name, value=field.value, set_by_installation=field.fixed, variable=field.variable
            )
            for field in fields
        ]
    )


@api.patch(
    "/api/v1/hub",
    summary="Change the hub",
    operation_id="changeHub",
    status_code=204,
    dependencies=_ADMIN,
    responses=WRITES
    | refused(
        errors.HUB_NAME_MISSING,
        errors.HUB_NAME_LONG,
        errors.ZONE_LIKE,
        errors.ZONE_UNKNOWN,
        errors.HUB_LANGUAGE_UNKNOWN,
        errors.COLOUR_UNREADABLE,
        errors.COLOUR_PALE,
        errors.ASSEMBLY_POINT_LONG,
        errors.PRIVACY_CONTACT_LONG,
        errors.SET_BY_INSTALLATION,
    ),
)
async def change_hub(transaction: Transaction, hub: SharedSettings, body: HubBody) -> None:
    """Pages and processes follow at once, without a restart."""
    values = body.model_dump(exclude_none=True)
    facts = await workflow.change(transaction.conn, transaction.principal, values, hub.installation)
    await transaction.commit(facts)
    await hub.read(transaction.conn)


@api.get(
    "/api/v1/hub/start",
    summary="What is left to set up",
    operation_id="getStart",
    responses=WRITES,
    dependencies=_ADMIN,
)
async def get_start(conn: ReadConnection, settings: AppSettings) -> Steps:
    """Each step with whether it is done."""
    progress = await workflow.progress(conn, settings)
    return Steps(steps=progress.steps(), restore_proven_at=progress.milestones.restore_proven_at)
