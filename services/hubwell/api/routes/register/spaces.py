"""Spaces of the register: their settings, their order, and what an archive takes along."""

from datetime import datetime, time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.errors import NAME_TOO_LONG, SPACE_UNKNOWN
from hubwell.http.dependencies import AppSettings, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.spaces import errors, register
from hubwell.spaces.register import Registered
from hubwell.spaces.rules import SpaceInput, WhenFull
from hubwell.vocabulary import Role, SpaceFeature, SpaceKind
from hubwell.workflows.register import spaces as workflow
from hubwell_wire.enumerations import Language
from hubwell_wire.topics import ID_PATTERN

SpaceId = Annotated[str, Path(pattern=ID_PATTERN, description="Id of a space.", examples=["wood-workshop"])]
_SETTINGS: Final = (
    errors.SPACE_UNNAMED,
    NAME_TOO_LONG,
    errors.SPACE_NAME_TAKEN,
    errors.CAPACITY_TOO_SMALL,
    errors.CAPACITY_UNREADABLE,
    errors.ZONE_TOO_LONG,
    errors.NO_HOURS,
    errors.EQUIPMENT_TOO_LONG,
    errors.NAMES_TOO_LONG,
)

api = APIRouter(
    prefix="/api/v1/register/spaces",
    tags=["Register"],
    responses=WRITES,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)


class SpaceSettingsBody(BaseModel):
    """What the register holds of a space, beside its id."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    name: str
    kind: SpaceKind
    capacity: int = Field(description="People.")
    zone: str = ""
    opens_at: time | None = Field(None, description="Local time; null where none is stated.")
    closes_at: time | None = Field(None, description="Local time; null for the hub's closing time.")
    when_full: WhenFull = Field(WhenFull.WARN, description="What the door of the full space does.")
    personal: bool = Field(default=False, description="One person's room: its presence is never shown.")
    features: list[SpaceFeature] = Field([], description="What people may need of it.")
    equipment: list[str] = Field([], description="Things that are there.")
    names: dict[Language, str] = Field({}, description="Names in other languages.")

    def as_input(self) -> SpaceInput:
        """Return the same as text, which the rules read."""
        return SpaceInput(
            name=self.name,
            kind=self.kind,
            capacity=str(self.capacity),
            zone=self.zone,
            opens_at=_clock(self.opens_at),
            closes_at=_clock(self.closes_at),
            when_full=self.when_full,
            personal=self.personal,
            features=self.features,
            equipment="\n".join(self.equipment),
            names={str(language): name for language, name in self.names.items()},
        )


class NewSpace(SpaceSettingsBody):
    """A space to be added."""

    id: str = Field("", description="Made from the name where it is left out.", examples=["wood-workshop"])


class RegisteredSpace(SpaceSettingsBody):
    """A space of the register."""

    id: str
    position: int | None = Field(
        description="Place among its kind; null: after those that have one, by name."
    )
    archived_at: datetime | None
    devices: int = Field(description="Devices in use that are in it.")


class RegisteredSpaces(BaseModel):
    """Every space, in the order of the board."""

    spaces: list[RegisteredSpace]


class OrderBody(BaseModel):
    """Ids of spaces in use, the first one first; those that are left out come after them."""

    model_config = ConfigDict(extra="forbid")

    spaces: list[str] = Field(max_length=1000)


class ArchivePreview(BaseModel):
    """What archiving a space would change."""

    people: bool = Field(description="Whether people are checked in: then it cannot be archived.")
    devices: list[str] = Field(description="Devices that would be archived with it.")
    alerts: int = Field(description="Open alerts that would not be shown any more.")
    sessions: int = Field(description="Course sessions there that have not ended.")
    defects: int = Field(description="Open defects, which would be closed.")
    readings_until: datetime | None = Field(
        description="When its last reading is deleted; null without readings, and where they have no term."
    )


@api.get("", summary="The register of spaces", operation_id="listRegister")
async def list_register(conn: ReadConnection) -> RegisteredSpaces:
    """Every space with its settings, the archived ones too."""
    return RegisteredSpaces(spaces=[_shown(space) for space in await register.list_registered(conn)])


@api.post(
    "",
    summary="Add a space",
    operation_id="addSpace",
    status_code=201,
    responses=refused(errors.ID_NOT_PLAIN, errors.SPACE_EXISTS, *_SETTINGS),
)
async def add(transaction: Transaction, body: NewSpace) -> RegisteredSpace:
    """Show it on the board at once, as unknown until a device measures it."""
    space_id, facts = await workflow.add_space(
        transaction.conn, transaction.principal, body.as_input(), body.id
    )
    await transaction.commit(facts)
    return _shown(await register.get_registered(transaction.conn, space_id))


@api.post(
    "/order",
    summary="Order the spaces",
    operation_id="orderSpaces",
    status_code=204,
    responses=refused(SPACE_UNKNOWN, errors.ORDER_NAMES_TWICE),
)
async def order(transaction: Transaction, body: OrderBody) -> None:
    """Within each kind; the board shows them so."""
    facts = await workflow.order_spaces(transaction.conn, transaction.principal, body.spaces)
    await transaction.commit(facts)


@api.put(
    "/{space_id}",
    summary="Change a space",
    operation_id="changeSpace",
    responses=refused(errors.SPACE_GONE, errors.SPACE_IS_ARCHIVED, *_SETTINGS),
)
async def change(transaction: Transaction, space_id: SpaceId, body: SpaceSettingsBody) -> RegisteredSpace:
    """All of its settings: one that is left out gets its default."""
    facts = await workflow.change_space(transaction.conn, transaction.principal, space_id, body.as_input())
    await transaction.commit(facts)
    return _shown(await register.get_registered(transaction.conn, space_id))


@api.get(
    "/{space_id}",
    summary="The settings of a space",
    operation_id="getSpaceSettings",
    responses=refused(errors.SPACE_GONE),
)
async def get_settings(conn: ReadConnection, space_id: SpaceId) -> RegisteredSpace:
    """Of an archived one too."""
    return _shown(await register.get_registered(conn, space_id))


@api.get(
    "/{space_id}/archive",
    summary="What archiving a space would change",
    operation_id="previewArchive",
    responses=refused(errors.SPACE_GONE),
)
async def preview_archive(
    transaction: Transaction, settings: AppSettings, space_id: SpaceId
) -> ArchivePreview:
    """Nothing is changed."""
    preview = await workflow.preview_archive(transaction.conn, settings, space_id, transaction.now)
    contents = preview.contents
    return ArchivePreview(
        people=contents.people,
        devices=contents.devices,
        alerts=contents.alerts,
        sessions=preview.sessions,
        defects=preview.defects,
        readings_until=preview.readings_until,
    )


def _shown(space: Registered) -> RegisteredSpace:
    of_register: dict[str, Any] = {
        "id": space.id,
        "position": space.position,
        "archived_at": space.archived_at,
        "devices": space.devices,
    }
    settings = {name: getattr(space.settings, name) for name in SpaceSettingsBody.model_fields}
    return RegisteredSpace.model_validate(settings | of_register)


def _clock(moment: time | None) -> str:
    return "" if moment is None else moment.isoformat("minutes")
